"""The firewall of the kernel, in a network namespace of its own, beside the fakes."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from fakes import notify, testroot
from fakes.waiting import stays_true, wait_until
from harness import STARTED

OWN = notify.node(addresses=("100.64.0.1/32", "fd7a:115c:a1e0::1/128"))
DEST = {"TS_AUTHKEY": "key", "TS_USERSPACE": "false", "TS_DEST_IP": "10.0.0.9",
        "TS_TEST_FAKE_NETFILTER": "false", "TS_HOSTNAME": "proxy"}
OTHERS = 'add table ip ts_sidecar { comment "owner=other/pod schema=1"; }'
READY = ("/usr/bin/python3", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 9002, "
         "timeout=5); c.request('GET', '/readyz'); print(c.getresponse().read().decode())")
FOREIGN = "add table inet others; add chain inet others c; add rule inet others c counter accept"


def _bare(key):
    return key["elem"]["val"] if isinstance(key, dict) and "elem" in key else key


class Space:
    """A network namespace, held by a process that sleeps."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        ours = os.stat("/proc/self/ns/net").st_ino
        wait_until(lambda: os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino != ours, 5,
                   "a namespace")
        self.enter = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--"]

    def run(self, *command):
        """Output of a command inside."""
        return subprocess.run([*self.enter, *command], check=True, capture_output=True,
                              text=True).stdout

    def nft(self, *words):
        """Output of nft(8) inside."""
        return self.run("nft", *words)

    def tables(self):
        """Names of the tables there are."""
        return sorted(re.findall(r"^table (\S+ \S+)$", self.nft("list", "tables"), re.M))

    def map_of(self, family, name):
        """Elements of a map as nft prints them, without comments."""
        for item in json.loads(self.nft("-j", "list", "table", family, "ts_sidecar"))["nftables"]:
            if item.get("map", {}).get("name") == name:
                return [[_bare(key), target] for key, target in item["map"].get("elem", [])]
        return None

    def handles(self):
        """Everything of our IPv4 table with its handles."""
        return self.nft("-a", "list", "table", "ip", "ts_sidecar")

    def close(self):
        """The namespace goes with its last process."""
        self.holder.kill()
        self.holder.wait()


@pytest.fixture(name="space")
def fixture_space():
    """A namespace for the length of a test."""
    with contextlib.closing(Space()) as space:
        yield space


def allow_ipv6(world):
    """The switches that say that IPv6 is on."""
    for name in ("disable_ipv6", "disable_policy"):
        (world.root / "proc/sys/net/ipv6/conf/all" / name).write_text("0\n")


def run(world, space, env=None, wrapper=()):
    """Start in the namespace and wait for the end of the start-up."""
    allow_ipv6(world)
    return world.start_running(env or DEST, notify.running(OWN), [*space.enter, *wrapper])


def test_tables_come_and_go(world, space):
    """Both families, one owner; nothing of others is touched; gone after SIGTERM."""
    space.nft(FOREIGN)
    before = space.nft("list", "table", "inet", "others")
    program = run(world, space)
    assert space.tables() == ["inet others", "ip ts_sidecar", "ip6 ts_sidecar"]
    assert "owner=host/proxy" in space.nft("list", "table", "ip", "ts_sidecar")
    assert space.map_of("ip", "daddr_map") == [["100.64.0.1", "10.0.0.9"]]
    assert program.stop() == 0
    assert space.tables() == ["inet others"]
    assert space.nft("list", "table", "inet", "others") == before


def test_killed_and_started_again(world, space):
    """SIGKILL leaves the rules; the next run takes them over and puts them right."""
    program = run(world, space)
    before = space.handles()
    pids = world.daemon_pids()
    program.terminate(signal.SIGKILL)
    program.wait_exit()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert space.handles() == before
    wait_until(lambda: not world.daemon_pids(), 5, "no daemon")
    run(world, space, {**DEST, "TS_DEST_IP": "10.0.0.8"})
    wait_until(lambda: space.map_of("ip", "daddr_map") == [["100.64.0.1", "10.0.0.8"]], 5,
               "the new target")


def killed(world, space):
    """Tables of a run that was killed, with its daemon."""
    program = run(world, space)
    pids = world.daemon_pids()
    program.terminate(signal.SIGKILL)
    program.wait_exit()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not world.daemon_pids(), 5, "no daemon")
    assert space.tables() == ["ip ts_sidecar", "ip6 ts_sidecar"]
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    return space.handles()


def test_tables_of_a_killed_run_go_with_the_next(world, space):
    """They stand until its successor is steady; one that is stopped before removes them."""
    before = killed(world, space)
    program = world.start({**DEST, "TS_AUTH_ONCE": "true"}, wrapper=space.enter)
    world.wait_cli_calls("up", 2)
    assert space.handles() == before
    assert program.stop() == 0
    assert space.tables() == []


def test_tables_of_a_killed_run_go_with_a_failed_start(world, space):
    """So does one that fails by itself."""
    killed(world, space)
    program = world.start({**DEST, "TS_BOOT_TIMEOUT": "1s"}, wrapper=space.enter)
    assert program.wait_exit() == 1
    assert space.tables() == []


def test_tables_go_before_the_daemon_starts(world, space):
    """The API server cannot be reached: the stop comes while the Secret is awaited."""
    allow_ipv6(world)
    program = world.start({**world.kube_env(), **DEST, "TS_AUTHKEY": None}, wrapper=space.enter)
    wait_until(lambda: space.tables() == ["ip ts_sidecar", "ip6 ts_sidecar"], 5, "tables")
    assert program.stop() == 0
    assert world.daemon_starts() == 0
    assert space.tables() == []


def test_tables_are_there_before_the_daemon(world, space):
    """Connections are tracked before the first one of the daemon is open."""
    allow_ipv6(world)
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    program = world.start(DEST, wrapper=space.enter)
    world.wait_daemon_starts(1)
    assert space.tables() == ["ip ts_sidecar", "ip6 ts_sidecar"]
    assert space.map_of("ip", "daddr_map") == []
    assert program.stop() == 0
    assert space.tables() == []


def test_a_crash_of_the_daemon_leaves_the_rules(world, space):
    """While the daemon is away and after it is back nothing is rewritten."""
    program = run(world, space)
    before = space.handles()
    world.kill_daemon()
    assert space.handles() == before
    world.wait_daemon_starts(2)
    world.lapi.start()
    program.wait_log_part("condition DaemonDown cleared")
    stays_true(lambda: space.handles() == before, 0.3)


def test_flush_is_undone(world, space):
    """A foreign flush is noticed, undone within a second, and logged once."""
    program = run(world, space)
    space.nft("flush", "ruleset")
    wait_until(lambda: space.tables() == ["ip ts_sidecar", "ip6 ts_sidecar"], 1, "tables again")
    program.wait_log_part("another program had changed our tables")
    assert space.map_of("ip", "daddr_map") == [["100.64.0.1", "10.0.0.9"]]
    stays_true(lambda: program.log_count("another program had changed") == 1, 0.2)


def test_edits_without_end_are_logged_once(world, space):
    """Each is undone, but not each is logged."""
    program = run(world, space)
    for _ in range(4):
        space.nft("flush", "ruleset")
        wait_until(lambda: space.tables() == ["ip ts_sidecar", "ip6 ts_sidecar"], 5, "tables")
    assert program.log_count("another program had changed our tables") == 1


def test_table_of_another_at_start(world, space):
    """It is left alone, and the start fails with its owner's name."""
    allow_ipv6(world)
    space.nft(OTHERS)
    world.lapi.bus.publish(notify.running(OWN))
    program = world.start(DEST, wrapper=space.enter)
    assert program.wait_exit() == 1
    assert "table ip ts_sidecar belongs to other/pod" in program.lines()[-1]
    assert "nft delete table ip ts_sidecar" in program.lines()[-1]
    assert space.tables() == ["ip ts_sidecar"]
    assert "owner=other/pod" in space.nft("list", "table", "ip", "ts_sidecar")


def test_table_of_another_later(world, space):
    """After the start it is a condition; the program lives, and takes over when it is gone."""
    program = run(world, space, {**DEST, "TS_ENABLE_HEALTH_CHECK": "true",
                                 "TS_LOCAL_ADDR_PORT": "127.0.0.1:9002"})
    space.run("ip", "link", "set", "lo", "up")
    assert '"ready":true' in space.run(*READY)
    space.nft("delete table ip ts_sidecar; " + OTHERS)
    program.wait_log_part("condition FirewallFailed: table ip ts_sidecar belongs to other/pod")
    assert "RulesLost" in space.run(*READY)
    stays_true(program.alive, 0.2)
    space.nft("delete", "table", "ip", "ts_sidecar")
    program.wait_log_part("condition FirewallFailed cleared")
    wait_until(lambda: '"ready":true' in space.run(*READY), 5, "ready again")
    assert space.map_of("ip", "daddr_map") == [["100.64.0.1", "10.0.0.9"]]


def test_without_the_capability(world, space):
    """One line that says what to add; nothing is started."""
    allow_ipv6(world)
    program = world.start(DEST, wrapper=[*space.enter, "setpriv", "--bounding-set=-net_admin",
                                         "--inh-caps=-net_admin", "--"])
    assert program.wait_exit() == 1
    assert program.lines()[-1].startswith("error creating new netfilter runner: ")
    assert "--cap-add NET_ADMIN" in program.lines()[-1]
    assert world.commands() == []


@pytest.mark.parametrize("name, value", [
    (None, None), ("disable_ipv6", "1\n"), ("disable_policy", "1\n")])
def test_without_ipv6(world, space, name, value):
    """Each switch in turn: no ip6 table, IPv4 complete, one line, no failure."""
    allow_ipv6(world)
    if name is None:
        shutil.rmtree(world.root / "proc/sys/net/ipv6")
    else:
        (world.root / "proc/sys/net/ipv6/conf/all" / name).write_text(value)
    program = world.start_running(DEST, notify.running(OWN), space.enter)
    assert space.tables() == ["ip ts_sidecar"]
    assert space.map_of("ip", "daddr_map") == [["100.64.0.1", "10.0.0.9"]]
    assert program.log_count("firewall: IPv6 is not used") == 1


def test_target_of_a_family_that_is_missing(world, space):
    """Fatal while it starts; later a condition, and what stood goes on."""
    env = {**DEST, "TS_DEST_IP": "fd00::9"}
    program = run(world, space, env)
    assert space.map_of("ip6", "daddr_map") == [["fd7a:115c:a1e0::1", "fd00::9"]]
    world.lapi.bus.publish(notify.running(notify.node(addresses=("100.64.0.1/32",))))
    program.wait_log_part("condition IngressTargetFailed: no tailscale IP matching family of "
                          "fd00::9 found in [100.64.0.1/32]")
    stays_true(program.alive, 0.2)
    world.lapi.bus.publish(notify.running(OWN))
    program.wait_log_part("condition IngressTargetFailed cleared")
    assert program.stop() == 0
    world.lapi.bus.publish(notify.running(notify.node(addresses=("100.64.0.1/32",))))
    program = world.start(env, wrapper=space.enter)
    assert program.wait_exit() == 1
    assert program.lines()[-1] == ("no tailscale IP matching family of fd00::9 found in "
                                   "[100.64.0.1/32]")


def test_own_address_changes(world, space):
    """The key moves; the endpoint is published again only then."""
    run(world, space)
    world.lapi.bus.publish(notify.running(notify.node(addresses=("100.64.0.7/32",))))
    wait_until(lambda: space.map_of("ip", "daddr_map") == [["100.64.0.7", "10.0.0.9"]], 2, "moved")


def test_services_in_a_state_directory(world, space):
    """Without Kubernetes the status documents are files."""
    folder = world.root / "proxies"
    folder.mkdir()
    port = {"protocol": "tcp", "matchPort": 10000, "targetPort": 80}
    (folder / "egress-services").write_text(json.dumps(
        {"db": {"tailnetTarget": {"ip": "100.64.0.9"}, "ports": [port]}}))
    (folder / "ingress-config.json").write_text(json.dumps({"svc:web": {"IPv4Mapping": {
        "TailscaleServiceIP": "100.64.9.9", "ClusterIP": "10.0.0.9"}}}))
    env = {**DEST, "TS_DEST_IP": None, "TS_STATE_DIR": str(world.root / "state"),
           "TS_EGRESS_PROXIES_CONFIG_PATH": str(folder), "POD_IPS": "10.0.0.2",
           "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}",
           "TS_INGRESS_PROXIES_CONFIG_PATH": str(folder / "ingress-config.json")}
    program = run(world, space, env)
    published = world.root / "state/published"
    wait_until(lambda: (published / "egress-services").exists()
               and (published / "ingress-config.json").exists(), 5, "both documents")
    assert json.loads((published / "egress-services").read_text()) == {
        "podIPv4": "10.0.0.2", "services": {"db": {
            "ports": [port], "tailnetTargetIPs": ["100.64.0.9"],
            "tailnetTarget": {"ip": "100.64.0.9", "fqdn": ""}}}}
    assert json.loads((published / "ingress-config.json").read_text()) == {
        "configs": {"svc:web": {"IPv4Mapping": {
            "TailscaleServiceIP": "100.64.9.9", "ClusterIP": "10.0.0.9"}}},
        "podIPv4": "10.0.0.2"}
    assert len(space.map_of("ip", "egress_pm")) == 1
    assert space.map_of("ip", "daddr_map") == [["100.64.9.9", "10.0.0.9"]]
    assert STARTED in program.output()


@pytest.mark.parametrize("env", [DEST, {"TS_AUTHKEY": "key", "TS_USERSPACE": "false"}])
def test_address_in_the_range_of_the_tailnet(world, space, env):
    """Named before anything is started, proxy or not, whatever the settings say; a tunnel does not count."""
    allow_ipv6(world)
    space.run("ip", "tuntap", "add", "tailscale0", "mode", "tun")
    space.run("ip", "addr", "add", "100.64.7.7/32", "dev", "tailscale0")
    assert world.start(env, ["check"], wrapper=space.enter).wait_exit() == 0
    space.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    space.run("ip", "addr", "add", "100.70.3.4/32", "dev", "eth0")
    sentence = "the address 100.70.3.4 of eth0 is in 100.64.0.0/10, the range of the tailnet: "
    program = world.start(env, ["check"], wrapper=space.enter)
    assert program.wait_exit() == 1
    assert sentence in program.output()
    program = world.start_running(env, notify.running(OWN), space.enter)
    place = program.output().index("condition AddressInTailnetRange: " + sentence)
    assert place < program.output().index("Starting tailscaled")
    assert program.stop() == 0


@pytest.mark.parametrize("mode", ["on", "nodivert"])
def test_address_in_the_range_and_a_config_file(world, space, mode):
    """The mode of the daemon's packet filter stands in the file."""
    (world.config_dir() / "cap-95.hujson").write_text(json.dumps({"version": "alpha0", "NetfilterMode": mode}))
    env = {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir(), "TS_USERSPACE": "false"}
    space.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    space.run("ip", "addr", "add", "100.70.3.4/32", "dev", "eth0")
    program = world.start(env, ["check"], wrapper=space.enter)
    drops = "tailscaled drops all that comes from this range but through the tunnel"
    assert program.wait_exit() == (1 if mode == "on" else 0)
    assert (drops in program.output()) == (mode == "on")
    program = world.start_running(env, notify.running(OWN), space.enter)
    assert "condition AddressInTailnetRange: the address 100.70.3.4 of eth0" in program.output()
    assert (drops in program.output()) == (mode == "on")
    assert program.stop() == 0


def test_address_in_the_range_and_a_changed_config_file(world, space):
    """A reload changes the mode, and so does a restart of the daemon: each time the sentence follows."""
    file = world.config_dir() / "cap-95.hujson"
    said = ": the address 100.70.3.4 of eth0 is in 100.64.0.0/10, the range of the tailnet: "
    drops, shares = said + "tailscaled drops", said + "a peer may have"
    testroot.write_config(file)
    world.install("lively")
    env = {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir(), "TS_USERSPACE": "false"}
    space.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    space.run("ip", "addr", "add", "100.70.3.4/32", "dev", "eth0")
    program = world.start_running(env, notify.running(OWN), space.enter)
    assert program.log_count(drops) == 1
    testroot.write_config(file, NetfilterMode="nodivert")
    program.wait_log_part(shares)
    assert world.daemon_starts() == 1
    testroot.write_config(world.config_dir() / "cap-96.hujson", NetfilterMode="on")
    program.wait_log_part(drops, least=2)
    assert world.daemon_starts() == 2


def test_address_in_the_range_and_a_silent_api_server(world, space):
    """The last line of the start-up names the cause of the silence behind what it looks like."""
    space.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    space.run("ip", "addr", "add", "100.70.3.4/24", "dev", "eth0")
    space.run("ip", "link", "set", "eth0", "up")
    space.run("ip", "link", "set", "eth1", "up")
    env = world.kube_env(TS_AUTHKEY="key", TS_USERSPACE="false", TS_BOOT_TIMEOUT="1s")
    program = world.start({**env, "KUBERNETES_SERVICE_HOST": "100.70.3.9"}, wrapper=space.enter)
    assert program.wait_exit() == 1
    last = program.lines()[-1]
    assert last.startswith("error setting up for running on Kubernetes: context deadline exceeded: ")
    assert "the address 100.70.3.4 of eth0 is in 100.64.0.0/10, the range of the tailnet: tailscaled drops" in last
