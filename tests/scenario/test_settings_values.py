"""How values are read: three-state texts, booleans, defaults, the choice of a config file."""

import os

import pytest
from fakes import notify, testroot
from harness import CAPVER, CLI, KERNEL, STARTED, UP, USERSPACE
from fakes.waiting import stays_true

D95 = USERSPACE + " --config=/etc/tailscaled/cap-95.hujson"
CONFIG = {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": "{D}/etc/tailscaled"}

# name: (environment, command lines)
COMMANDS = {
    "empty_key_falls_back": ({"TS_AUTHKEY": "", "TS_AUTH_KEY": "old"},
                             [USERSPACE, UP + " --authkey=old"]),
    "new_key_wins": ({"TS_AUTHKEY": "new", "TS_AUTH_KEY": "old"},
                     [USERSPACE, UP + " --authkey=new"]),
    "file_key_is_passed_on": ({"TS_AUTHKEY": "file:/x y"},
                              [USERSPACE, UP + " --authkey=file:/x y"]),
    "empty_words_are_nothing": ({"TS_HOSTNAME": "", "TS_EXTRA_ARGS": "", "TS_SOCKS5_SERVER": "",
                                 "TS_TAILSCALED_EXTRA_ARGS": "", "TS_DEST_IP": ""},
                                [USERSPACE, UP]),
    "userspace_nonsense_is_true": ({"TS_USERSPACE": "no"}, [USERSPACE, UP]),
    "userspace_F": ({"TS_USERSPACE": "F"}, [KERNEL, UP]),
    "userspace_blank_is_true": ({"TS_USERSPACE": " false"}, [USERSPACE, UP]),
    "accept_dns_nonsense": ({"TS_ACCEPT_DNS": "yes"}, [USERSPACE, UP]),
    "accept_dns_T": ({"TS_ACCEPT_DNS": "T"}, [USERSPACE, CLI + "up --accept-dns=true"]),
    "args_bad_boolean_stays": ({"TS_EXTRA_ARGS": "--accept-dns=maybe"},
                               [USERSPACE, UP + " --accept-dns=maybe"]),
    "args_words": ({"TS_EXTRA_ARGS": "  --a   --accept-dns=T \t --b 'c  d'"},
                   [USERSPACE, CLI + "up --accept-dns=true --a --b 'c d'"]),
    "daemon_words": ({"TS_TAILSCALED_EXTRA_ARGS": " --x   --y "}, [USERSPACE + " --x --y", UP]),
    "debug_address": ({"TS_DEBUG_ADDR_PORT": "127.0.0.1:9001"},
                      [USERSPACE + " --debug=127.0.0.1:9001", UP]),
    "debug_address_ipv6": (
        {"TS_DEBUG_ADDR_PORT": "fd00::7:9001",
         "TS_TAILSCALED_EXTRA_ARGS": "--debug=fd00::7:9001"},
        [USERSPACE + " --debug=[fd00::7]:9001", UP]),
    "debug_address_twice": (
        {"TS_DEBUG_ADDR_PORT": "127.0.0.1:9001",
         "TS_TAILSCALED_EXTRA_ARGS": "--debug=127.0.0.1:9001"},
        [USERSPACE + " --debug=127.0.0.1:9001", UP]),
    "all_login_words": ({"TS_CLIENT_ID": "c", "TS_ID_TOKEN": "t", "TS_ROUTES": "", "TS_HOSTNAME":
                         "h", "TS_EXTRA_ARGS": "--ssh"},
                        [USERSPACE, UP + " --client-id=c --id-token=t --advertise-routes= "
                                         "--hostname=h --ssh"]),
    "config_dir_empty_dns": (dict(CONFIG, TS_ACCEPT_DNS="", TS_HOSTNAME=""), [D95]),
    "config_dir_dns_false_in_args": (dict(CONFIG, TS_EXTRA_ARGS="--accept-dns=false"), [D95]),
    "config_dir_odd_path": ({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": "{D}/etc//tailscaled///"},
                            [D95]),
    "egress_old_name_is_ignored": ({"TS_EGRESS_SERVICES_CONFIG_PATH": "/x"}, [USERSPACE, UP]),
    "state_dir": ({"TS_STATE_DIR": "{D}/var/lib"},
                  ["/usr/bin/tailscaled --socket=/tmp/tailscaled.sock --statedir=/var/lib "
                   "--tun=userspace-networking", UP]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands(world, name):
    """The settings become exactly these command lines."""
    env, commands = COMMANDS[name]
    world.lapi.bus.publish(notify.running())
    world.start({k: v.replace("{D}", str(world.root)) for k, v in env.items()})
    world.wait_commands(commands, 3)
    world.program.wait_log(STARTED)
    assert world.commands() == commands


def test_greatest_usable_config_file(world):
    """The greatest version not above our own wins; folders and other names do not count."""
    folder = world.config_dir()
    for number in ("96", CAPVER, str(int(CAPVER) + 1), "9999"):
        testroot.write_config(folder / f"cap-{number}.hujson")
    os.mkdir(folder / f"cap-{CAPVER}0.hujson")
    testroot.write_config(folder / "cap-x.hujson")
    world.lapi.bus.publish(notify.running())
    world.start({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": folder})
    world.wait_commands([f"{USERSPACE} --config=/etc/tailscaled/cap-{CAPVER}.hujson"])
    world.program.wait_log(f'Using tailscaled config file "{folder}/cap-{CAPVER}.hujson" to match '
                           f"current capability version {CAPVER}")


def test_config_with_comments(world):
    """Comments and trailing commas are fine, and so is any case of the keys."""
    (world.config_dir() / "cap-95.hujson").write_text(
        '// made by hand\n{ "VERSION": "alpha0", /* no */ "authkey": "k",\n "Locked": null, }\n')
    world.lapi.bus.publish(notify.running())
    world.start({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})
    world.wait_commands([D95])


def test_config_behind_a_link(world):
    """Mounted Secrets consist of links through ..data."""
    folder = world.config_dir()
    (folder / "..2026").mkdir()
    (folder / "cap-95.hujson").rename(folder / "..2026" / "cap-95.hujson")
    os.symlink("..2026", folder / "..data")
    os.symlink("..data/cap-95.hujson", folder / "cap-95.hujson")
    world.lapi.bus.publish(notify.running())
    world.start({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": folder})
    world.wait_commands([D95])


def test_environment_reaches_the_children(world):
    """Variables of the children pass untouched, and cert share adds one for the daemon only."""
    script = world.root / "usr/bin/tailscaled"
    script.write_text(script.read_text().replace("set -eu", f"set -eu\nenv >{world.root}/env"))
    world.start_running({"PORT": "41641", "TS_INTERNAL_APP": "x y", "HTTPS_PROXY": "http://p",
                         "POD_NAME": "pod-1", "TS_EXPERIMENTAL_CERT_SHARE": "true"})
    seen = (world.root / "env").read_text().split("\n")
    for line in ("PORT=41641", "TS_INTERNAL_APP=x y", "HTTPS_PROXY=http://p", "POD_NAME=pod-1",
                 "TS_CERT_SHARE_MODE=ro"):
        assert line in seen


@pytest.mark.parametrize("own, wanted", [(None, "true"), ("false", "false")])
def test_cluster_traffic_reaches_what_is_served(world, own, wanted):
    """Since 1.104 the daemon's listeners are bound to the tunnel, unless configured otherwise."""
    script = world.root / "usr/bin/tailscaled"
    script.write_text(script.read_text().replace("set -eu", f"set -eu\nenv >{world.root}/env"))
    world.start_running({"TS_USERSPACE": "false", "POD_IP": "10.0.0.1",
                         "TS_SERVE_CONFIG": world.root / "serve.json",
                         "EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS": "true",
                         "TS_TEST_FAKE_NETFILTER": "true", "TS_DISABLE_FEATURE": "ssh",
                         "TS_SERVE_ALLOW_ALL_INTERFACES": own})
    seen = (world.root / "env").read_text().split("\n")
    assert f"TS_SERVE_ALLOW_ALL_INTERFACES={wanted}" in seen
    assert "TS_DISABLE_FEATURE=ssh" in seen


def test_tun_is_made(world):
    """Kernel mode makes the device node where it is missing."""
    os.unlink(world.root / "dev/net/tun")
    os.rmdir(world.root / "dev/net")
    world.start_running({"TS_USERSPACE": "false"})
    info = os.stat(world.root / "dev/net/tun")
    assert (os.major(info.st_rdev), os.minor(info.st_rdev)) == (10, 200)
    assert info.st_mode & 0o777 == 0o600


def test_forwarding_cannot_be_set(world):
    """A needed sysctl that is missing ends the program with the hint, before the daemon."""
    os.unlink(world.root / "proc/sys/net/ipv4/ip_forward")
    program = world.start({"TS_USERSPACE": "false", "TS_ROUTES": "10.0.0.0/8"})
    assert program.wait_exit() == 1
    assert "Failed to enable IP forwarding: " in program.output()
    assert ("To run tailscale as a proxy or router container, IP forwarding must be enabled."
            in program.output())
    assert world.commands() == []


@pytest.mark.parametrize("routes", ["10.0.0.0/8, 1.2.3.0/24", "nonsense", "10.0.0.0"])
def test_bad_routes_in_kernel_mode(world, routes):
    """Routes must parse without any trimming, in kernel mode only."""
    program = world.start({"TS_USERSPACE": "false", "TS_ROUTES": routes})
    assert program.wait_exit() == 1
    assert "invalid subnet route" in program.lines()[-1]
    assert "privileged" not in program.output()


def test_boot_timeout_zero_expires_at_once(world):
    """0 parses, and leaves no time."""
    program = world.start({"TS_BOOT_TIMEOUT": "0"})
    assert program.wait_exit() == 1


def test_no_extra_start(world):
    """Nothing else is run after start-up."""
    world.start_running()
    stays_true(lambda: world.commands() == [USERSPACE, UP], 0.5, "two commands")
