"""What the start waits for, what ends it, and settings that meet: families, modes, features."""

import pytest
from fakes import notify
from fakes.waiting import stays_true, wait_until
from harness import STARTED
from services_proxy import OWN, Proxy, egress, ingress, name_of, peer
from test_firewall import DEST, allow_ipv6, fixture_space  # noqa: F401  (the fixture `space`)

pytestmark = pytest.mark.both_generations

KERNEL = {"TS_AUTHKEY": "key", "TS_USERSPACE": "false", "TS_TEST_FAKE_NETFILTER_6": "true"}
SIX = notify.node(addresses=["fd7a:115c:a1e0::1/128"])


def test_deadline_does_not_count_while_a_target_is_missing(world):
    """The start waits for a missing peer and continues when it appears. Nothing is published before
    that this node is fit for traffic."""
    world.lapi.bus.publish(notify.running(OWN))
    program = world.start({**KERNEL, "TS_TAILNET_TARGET_FQDN": name_of(1),
                           "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}",
                           "TS_ENABLE_HEALTH_CHECK": "true", "TS_BOOT_TIMEOUT": "1s"})
    program.wait_log_part("condition EgressTargetUnknown: ")
    stays_true(lambda: program.alive() and not program.has_log(STARTED), 2.5)
    assert world.http("/healthz")[0] == 503
    world.lapi.bus.publish({"PeersChanged": [peer(1, "100.65.0.1/32")]}, remember=False)
    program.wait_log(STARTED)
    world.wait_http("/healthz", 200)
    assert program.log_count("condition EgressTargetUnknown: ") == 1
    # gone again: what stood goes on, and the process too
    world.lapi.bus.publish({"PeersRemoved": [2]}, remember=False)
    program.wait_log_part("condition EgressTargetUnknown: ", least=2)
    assert program.alive() and world.http("/healthz")[0] == 200
    assert program.log_count("Setting healthy") == 1


@pytest.mark.parametrize("env, own, sentence", [
    ({"TS_DEST_IP": "fd00::9"}, ["100.64.0.1/32"],
     "no tailscale IP matching family of fd00::9 found in [100.64.0.1/32]"),
    ({"TS_DEST_IP": "10.0.0.9"}, ["fd7a:115c:a1e0::1/128"],
     "no tailscale IP matching family of 10.0.0.9 found in [fd7a:115c:a1e0::1/128]"),
    ({"TS_TAILNET_TARGET_IP": "100.65.0.1"}, ["fd7a:115c:a1e0::1/128"],
     "no tailscale IP matching family of 100.65.0.1 found in [fd7a:115c:a1e0::1/128]"),
])
def test_target_of_a_family_the_node_has_not(world, env, own, sentence):
    """Nothing can be waited for: the start ends with the reason."""
    world.lapi.bus.publish(notify.running(notify.node(addresses=own)))
    program = world.start({**KERNEL, **env})
    assert program.wait_exit() == 1
    assert sentence in program.lines()[-1]


def test_pod_and_node_of_ipv6_alone(world):
    """Everything works in the one family there is."""
    world.kube.set(tailscale_capver="1")
    proxy = Proxy(world)
    proxy.mount({"db": egress(name_of(1)), "four": egress(ip="100.65.0.9", port=4001)},
                {"svc:a": ingress("fd7a:115c:a1e0::99", "fd00::9")})
    program = proxy.start(peer(1, "100.65.0.1/32", "fd7a:115c:a1e0::9/128"), own=SIX,
                          POD_IPS="fd00::2", TS_LOCAL_ADDR_PORT=f"[::1]:{world.local_port}")
    proxy.wait_targets({"db": ["fd7a:115c:a1e0::9"], "four": None})
    proxy.wait_mappings(["svc:a"])
    assert proxy.status()["podIPv4"] == "" and proxy.status()["podIPv6"] == "fd00::2"
    program.wait_log_part("condition EgressServiceFailed: four: ")
    assert world.kube.get()["device_ips"] == '["fd7a:115c:a1e0::1"]'


def test_first_of_two_addresses_of_a_family(world, space):
    """It is the one that packets leave with."""
    allow_ipv6(world)
    own = notify.node(addresses=["100.64.0.5/32", "100.64.0.6/32", "100.99.0.0/16"])
    program = world.start_running(DEST, notify.running(own), space.enter)
    assert space.map_of("ip", "daddr_map") == [["100.64.0.5", "10.0.0.9"]]
    assert program.stop() == 0


def test_everything_at_once(world, space):
    """A target for everything spares the ports that are served here; services of both kinds stand
    beside it, and all of it goes with the end."""
    allow_ipv6(world)
    proxy = Proxy(world)
    proxy.mount({"db": egress(ip="100.65.0.9")}, {"svc:a": ingress("100.64.9.9", "10.0.0.9")})
    env = proxy.without_kubernetes(TS_TAILNET_TARGET_IP="100.65.0.1",
                                   TS_ENABLE_HEALTH_CHECK="true",
                                   TS_TAILSCALED_EXTRA_ARGS="--port=41641")
    program = world.start_running(env, notify.running(OWN), space.enter)
    table = space.nft("list", "table", "ip", "ts_sidecar")
    wait_until(lambda: space.map_of("ip", "egress_pm"), 5, "the service")
    for part in (f"tcp . {world.local_port}", "udp . 41641", 'iifname != "tailscale0" dnat to '
                 "100.65.0.1", "100.64.9.9", "100.65.0.9"):
        assert part in table, part
    assert program.stop() == 0
    assert space.tables() == []


def test_peers_are_nothing_to_a_name_of_the_cluster(world):
    """Whatever the daemon reports about them, the backends are installed once."""
    world.lapi.bus.publish(notify.running(OWN))
    program = world.start({**KERNEL, "TS_EXPERIMENTAL_DEST_DNS_NAME": "localhost"})
    program.wait_log(STARTED)
    assert program.log_count("installing ingress proxy rules for backends [") == 1
    for number in range(20):
        world.lapi.bus.publish(notify.running(OWN, [peer(number, "100.65.0.1/32")]))
    stays_true(program.alive, 0.2)
    assert program.log_count("installing ingress proxy rules for backends [") == 1
    assert not program.log_count("condition ")


def test_start_that_waits_for_the_firewall(world, space):
    """A table of another is fatal at the start, also for services; nothing was published."""
    allow_ipv6(world)
    proxy = Proxy(world)
    proxy.mount({"db": egress(ip="100.65.0.9")})
    space.nft('add table ip6 ts_sidecar { comment "owner=other/pod schema=1"; }')
    world.lapi.bus.publish(notify.running(OWN))
    program = world.start(proxy.without_kubernetes(), wrapper=space.enter)
    assert program.wait_exit() == 1
    assert "table ip6 ts_sidecar belongs to other/pod" in program.lines()[-1]
    assert not proxy.document().exists()
    assert space.tables() == ["ip6 ts_sidecar"]
