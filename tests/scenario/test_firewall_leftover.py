"""Tables of a killed run, and a start that ends before there is a data path."""

import shutil

import pytest
from test_firewall import DEST, allow_ipv6, fixture_space  # noqa: F401  (the fixture `space`)

ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"
FORWARD = "proc/sys/net/ipv4/ip_forward"


def leave(space, owner):
    """What a killed run of that owner has left: a guard drops everything that is forwarded."""
    for family in ("ip", "ip6"):
        space.nft(f'add table {family} ts_sidecar {{ comment "owner={owner} schema=1"; }}; '
                  f"add chain {family} ts_sidecar forward {{ type filter hook forward priority -150; }}; "
                  f"add rule {family} ts_sidecar forward counter drop")
    assert space.tables() == ["ip ts_sidecar", "ip6 ts_sidecar"]


def no_tun(root):
    """The folder of the device leads nowhere."""
    shutil.rmtree(root / "dev/net")
    (root / "dev/net").symlink_to("nowhere/at/all")


def nothing(_root):
    """The settings are the fault."""


@pytest.mark.parametrize("spoil, more, reason", [
    (nothing, {"TS_USERSPACE": "true"}, "TS_USERSPACE"),
    (nothing, {"POD_IPS": "10.0.0.300"}, "10.0.0.300"),
    (nothing, {"TAILBOOT_STOP_BUDGET": "soon"}, "TAILBOOT_STOP_BUDGET"),
    (no_tun, {}, "tuntap"),
    (lambda root: (root / FORWARD).unlink(), {}, "privileged=true"),
])
def test_tables_go_with_a_start_that_is_refused(world, space, spoil, more, reason):
    """By settings or by the host, whatever of them is refused; the reason stays the last line."""
    allow_ipv6(world)
    leave(space, "host/proxy")
    spoil(world.root)
    program = world.start({**DEST, **more}, wrapper=space.enter)
    assert program.wait_exit() == 1
    assert reason in program.lines()[-1]
    assert space.tables() == []
    assert world.commands() == []


def test_tables_of_another_stay(world, space):
    """Also in this case they are left alone, and that is said."""
    leave(space, "host/other")
    program = world.start({**DEST, "POD_IPS": "10.0.0.300"}, wrapper=space.enter)
    assert program.wait_exit() == 1
    assert program.log_count("the tables could not be removed: table ip6 ts_sidecar belongs to host/other") == 1
    assert space.tables() == ["ip ts_sidecar", "ip6 ts_sidecar"]


@pytest.mark.parametrize("missing", ["token", "ca.crt", "namespace"])
@pytest.mark.parametrize("owner, left", [("default/proxy-0", []),
                                         ("default/proxy-1", ["ip ts_sidecar", "ip6 ts_sidecar"])])
def test_tables_go_without_a_kubernetes_client(world, space, missing, owner, left):
    """The owner is known without a client; by the name of the Pod alone where its namespace is not."""
    allow_ipv6(world)
    leave(space, owner)
    env = world.kube_env(**{**DEST, "POD_NAME": "proxy-0"})
    (world.root / ACCOUNT / missing).unlink()
    program = world.start(env, wrapper=space.enter)
    assert program.wait_exit() == 1
    assert missing in program.lines()[-1]
    assert space.tables() == left


def test_tables_go_with_refused_settings_in_kubernetes(world, space):
    """Settings and namespace together name the owner."""
    leave(space, "default/proxy-0")
    env = world.kube_env(**{**DEST, "POD_NAME": "proxy-0", "POD_IPS": "10.0.0.300"})
    program = world.start(env, wrapper=space.enter)
    assert program.wait_exit() == 1
    assert space.tables() == []
