"""What the data path makes of the network map: of its first telling, its gaps and its floods."""

import pytest
from fakes import notify
from services_proxy import OWN, Proxy, egress, name_of, peer


@pytest.fixture(name="proxy")
def fixture_proxy(world):
    """A proxy whose Secret exists."""
    world.kube.set(tailscale_capver="1")
    return Proxy(world)


def test_peers_are_known_before_the_first_wish(proxy):
    """The message that completes a login was told before anybody asked for peers: that it has none
    of them is no reason to publish a service without targets, or to call it at fault."""
    proxy.mount({"db": egress(name_of(1))})
    program = proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"db": ["100.65.0.1"]})
    assert len(proxy.statuses()) == 1
    assert not program.log_count("condition ")
    assert not program.log_count("could not find Tailscale node")


def test_single_target_is_known_before_the_first_wish(world):
    """The same for a target of the settings."""
    world.kube.set(tailscale_capver="1")
    env = world.kube_env(TS_USERSPACE="false", TS_TAILNET_TARGET_FQDN=name_of(1),
                         TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=world.config_dir())
    program = world.start_running(env, notify.running(OWN, [peer(1, "100.65.0.1/32")]))
    assert program.log_count("Installing forwarding rules for destination 100.65.0.1") == 1
    assert not program.log_count("condition ")
