"""What the data path makes of the network map: of its first report, its gaps and its floods."""

import time

import pytest
from fakes import notify
from fakes.waiting import stays_true, wait_until
from services_proxy import (KEY_EGRESS, KEY_INGRESS, OWN, Proxy, egress, ingress,
                            most_contributions, name_of, peer)
from test_firewall import allow_ipv6, fixture_space  # noqa: F401  (the fixture `space`)

pytestmark = pytest.mark.both_generations

SERVICE = "web.t.ts.net"


@pytest.fixture(name="proxy")
def fixture_proxy(world):
    """A proxy whose Secret exists."""
    world.kube.set(tailscale_capver="1")
    return Proxy(world)


def test_peers_are_known_before_the_first_contribution(proxy):
    """The message that completes a login was sent before any peers were requested: that it has none
    of them is no reason to publish a service without targets, or to call it at fault."""
    proxy.mount({"db": egress(name_of(1))})
    program = proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"db": ["100.65.0.1"]})
    assert len(proxy.statuses()) == 1
    assert not program.log_count("condition ")
    assert not program.log_count("could not find Tailscale node")


def test_single_target_is_known_before_the_first_contribution(world):
    """The same for a target of the settings."""
    world.kube.set(tailscale_capver="1")
    env = world.kube_env(TS_USERSPACE="false", TS_TAILNET_TARGET_FQDN=name_of(1),
                         TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=world.config_dir())
    program = world.start_running(env, notify.running(OWN, [peer(1, "100.65.0.1/32")]))
    assert program.log_count("Installing forwarding rules for destination 100.65.0.1") == 1
    assert not program.log_count("condition ")


def with_service(message, *values):
    """The message with the records of a Tailscale Service."""
    message["InitialStatus"]["ExtraRecords"] = [{"Name": SERVICE, "Value": v} for v in values]
    return message


def test_targets_learn_about_a_restarted_daemon(proxy):
    """Each is pinged when the daemon is there, or it drops what that has set up; then its direct path. The first
    start is no exception: the node may be known from a former Pod."""
    world = proxy.world
    proxy.mount({"peer": egress(name_of(1)), "ip": egress(ip="100.65.0.9", port=4002)})
    proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"ip": ["100.65.0.9"], "peer": ["100.65.0.1"]})
    for starts in (1, 2, 3):
        before = world.lapi.count("POST", "ping") if starts > 1 else 0
        if starts > 1:
            world.crash_daemon(starts)
        pings = world.lapi.wait_asked("POST", "ping", before + 4)[before:]
        assert sorted((ping.query["ip"][0], ping.query["type"][0]) for ping in pings) == [
            (ip, kind) for ip in ("100.65.0.1", "100.65.0.9") for kind in ("TSMP", "disco")]


def test_daemon_restart_in_place_changes_nothing(proxy, space):
    """While the daemon is away, while it is back without a network map, and when it has one again:
    no rule is written anew, and no status."""
    world = proxy.world
    allow_ipv6(world)
    proxy.mount({"peer": egress(name_of(1)), "service": egress(SERVICE, port=4001),
                 "ip": egress(ip="100.65.0.9", port=4002)},
                {"svc:a": ingress("100.64.9.9", "10.0.0.9")})
    carrier = notify.node("id7", "p7.t.ts.net.", ["100.65.0.7/32"], 8,
                          ["100.65.0.7/32", "100.100.0.1/32"])
    running = with_service(notify.running(OWN, [peer(1, "100.65.0.1/32"), carrier]), "100.100.0.1")
    world.lapi.dns_config = {"ExtraRecords": [{"Name": SERVICE, "Value": "100.100.0.1"}]}
    program = world.start_running(proxy.without_kubernetes(), running, space.enter)
    wait_until(lambda: len(space.map_of("ip", "egress_pm") or []) == 3, 5, "three services")
    documents = [proxy.document(key) for key in (KEY_EGRESS, KEY_INGRESS)]
    wait_until(lambda: all(d.exists() for d in documents), 5, "both statuses")
    before = space.handles(), [d.stat().st_ino for d in documents]
    world.lapi.bus.publish(with_service(notify.state(notify.STARTING)))
    world.lapi.dns_config = {}
    program.wait_log_part("tailscaled left running state")
    world.crash_daemon(2)
    program.wait_log_part("condition DaemonDown cleared")
    assert space.handles() == before[0]
    world.lapi.dns_config = {"ExtraRecords": [{"Name": SERVICE, "Value": "100.100.0.1"}]}
    world.lapi.bus.publish(running)
    program.wait_log_part("tailscaled is running again")
    stays_true(lambda: space.handles() == before[0], 0.3)
    assert [d.stat().st_ino for d in documents] == before[1]
    assert not program.log_count("netmap change detected")


def test_peers_of_a_node_that_is_not_running(proxy):
    """It has none, which says nothing of them: services keep what they have, whatever else of the
    document changes meanwhile. A new target cannot be asked, so it is published later."""
    proxy.mount({"db": egress(name_of(1))})
    program = proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"db": ["100.65.0.1"]})
    bus = proxy.world.lapi.bus
    bus.publish({"Version": "", "State": notify.STARTING, "PeersRemoved": [2]})
    program.wait_log_part("tailscaled left running state")
    proxy.mount({"db": egress(name_of(1)), "ip": egress(ip="100.65.0.9", port=4001)})
    program.wait_log_part("ensureRulesAdded svc ip tailnetTarget 100.65.0.9")
    stays_true(lambda: proxy.targets() == {"db": ["100.65.0.1"]}, 0.2)
    proxy.report(peer(1, "100.65.0.1/32"))
    program.wait_log_part("tailscaled is running again")
    proxy.wait_targets({"db": ["100.65.0.1"], "ip": ["100.65.0.9"]})
    proxy.mount({"db": egress(name_of(1))})
    proxy.wait_targets({"db": ["100.65.0.1"]})
    assert len(proxy.statuses()) == 3
    assert not program.log_count("could not find Tailscale node")


def test_peer_that_vanishes_while_nobody_listens(proxy):
    """The next subscription reports the whole map: peers missing from it are gone."""
    proxy.mount({"a": egress(name_of(1)), "b": egress(name_of(2), port=4001)})
    program = proxy.start(peer(1, "100.65.0.1/32"), peer(2, "100.65.0.2/32"))
    proxy.wait_targets({"a": ["100.65.0.1"], "b": ["100.65.0.2"]})
    bus = proxy.world.lapi.bus
    bus.set_unheard(notify.running(OWN, [peer(2, "100.65.0.2/32")]))
    bus.cut()
    proxy.wait_targets({"a": None, "b": ["100.65.0.2"]})
    program.wait_log_part("condition EgressServiceFailed: a: ")
    proxy.move(peer(1, "100.65.0.11/32"))
    proxy.wait_targets({"a": ["100.65.0.11"], "b": ["100.65.0.2"]})
    program.wait_log_part("condition EgressServiceFailed cleared")
    assert program.log_count("condition EgressServiceFailed") == 2


def test_last_peer_vanishes_while_nobody_listens(proxy):
    """No peer is left: the status of the next subscription has no peers."""
    proxy.mount({"a": egress(name_of(1))})
    program = proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"a": ["100.65.0.1"]})
    bus = proxy.world.lapi.bus
    bus.set_unheard(notify.running(OWN))
    bus.cut()
    proxy.wait_targets({"a": None})
    program.wait_log_part("condition EgressServiceFailed: a: ")


def test_last_peer_vanishes(proxy):
    """A daemon that has a new map without peers reports an empty list."""
    proxy.mount({"a": egress(name_of(1))})
    proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"a": ["100.65.0.1"]})
    proxy.world.lapi.bus.publish({"SelfChange": OWN, "PeersChanged": []})
    proxy.wait_targets({"a": None})
    proxy.report(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"a": ["100.65.0.1"]})


def test_document_changes_while_the_stream_is_lost(proxy):
    """What needs no peers does not wait for them; a service that does keeps what it has, and a new
    one is published when its target is known."""
    proxy.mount({"a": egress(name_of(1))})
    program = proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"a": ["100.65.0.1"]})
    bus = proxy.world.lapi.bus
    bus.refusals = [500] * 1000
    bus.cut()
    program.wait_log_part("condition BusLost")
    proxy.mount({"a": egress(name_of(2)), "b": egress(name_of(2), port=4001),
                 "c": egress(ip="100.65.0.3", port=4002)})
    proxy.wait_targets({"a": ["100.65.0.1"], "c": ["100.65.0.3"]})
    assert proxy.status()["services"]["a"]["tailnetTarget"]["fqdn"] == name_of(1)
    proxy.report(peer(1, "100.65.0.1/32"), peer(2, "100.65.0.2/32"))
    bus.refusals = []
    proxy.wait_targets({"a": ["100.65.0.2"], "b": ["100.65.0.2"], "c": ["100.65.0.3"]})
    assert not program.log_count("condition EgressServiceFailed")


def test_flood_of_changes_is_taken_together(proxy):
    """Peers that move all the time cost a bounded number of writes, and the last address stands."""
    proxy.mount({f"s{n}": egress(name_of(n), port=4000 + n) for n in range(200)})
    program = proxy.start(*[peer(n, f"100.65.0.{n + 1}/32") for n in range(200)])
    wait_until(lambda: len(proxy.targets()) == 200, 8, "all services")
    begun = time.monotonic()
    for number in range(2000):
        proxy.move(peer(number % 200, f"100.66.{number // 200}.{number % 200 + 1}/32"))
    proxy.wait_targets({f"s{n}": [f"100.66.9.{n + 1}"] for n in range(200)}, 20)
    assert len(proxy.statuses()) < most_contributions(begun)
    assert program.log_count("netmap change detected") < most_contributions(begun)


def test_a_flood_of_others_costs_nothing(proxy):
    """Unwanted peers are not processed further."""
    proxy.mount({"db": egress(name_of(1))})
    program = proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"db": ["100.65.0.1"]})
    for number in range(100, 1100):
        proxy.move(peer(number, "100.66.0.1/32"))
    proxy.move(peer(1, "100.65.0.2/32"))
    proxy.wait_targets({"db": ["100.65.0.2"]})
    assert len(proxy.statuses()) == 2
    assert program.log_count("netmap change detected") == 1


def test_the_whole_map_is_asked_for_once(proxy):
    """Again only when a new peer is wanted, not when one is dropped."""
    services = {f"s{n}": egress(name_of(n), port=4000 + n) for n in range(3)}
    proxy.mount(services)
    proxy.start(*[peer(n, f"100.65.0.{n + 1}/32") for n in range(4)])
    proxy.wait_targets({f"s{n}": [f"100.65.0.{n + 1}"] for n in range(3)})
    bus = proxy.world.lapi.bus
    opened = bus.opened()
    del services["s0"]
    proxy.mount(services)
    proxy.wait_targets({"s1": ["100.65.0.2"], "s2": ["100.65.0.3"]})
    proxy.mount({"s1": services["s1"]})
    proxy.wait_targets({"s1": ["100.65.0.2"]})
    assert bus.opened() == opened
    proxy.mount({"s1": services["s1"], "s3": egress(name_of(3))})
    proxy.wait_targets({"s1": ["100.65.0.2"], "s3": ["100.65.0.4"]})
    assert bus.opened() == opened + 1


def test_own_name_and_addresses_change(proxy):
    """A new name is published at once; new addresses only with the rules for them."""
    proxy.mount({"db": egress(ip="100.65.0.9")})
    program = proxy.start()
    proxy.wait_targets({"db": ["100.65.0.9"]})
    world = proxy.world
    proxy.report(own=notify.node(name="renamed.t.ts.net.", addresses=OWN["Addresses"]))
    world.wait_key("device_fqdn", "renamed.t.ts.net.")
    assert not program.log_count("node addresses have changed")
    proxy.report(own=notify.node(addresses=["100.64.0.7/32", "100.64.0.8/32"]))
    world.wait_key("device_ips", '["100.64.0.7","100.64.0.8"]')
    assert program.log_count("node addresses have changed, trigger egress config resync") == 1
    assert len(proxy.statuses()) == 1


def test_target_of_a_family_the_node_loses(proxy):
    """That address goes, from the rules and from the status, and comes back."""
    proxy.mount({"db": egress(name_of(1))})
    program = proxy.start(peer(1, "100.65.0.1/32", "fd7a:115c:a1e0::9/128"))
    both = {"db": ["100.65.0.1", "fd7a:115c:a1e0::9"]}
    proxy.wait_targets(both)
    proxy.report(peer(1, "100.65.0.1/32", "fd7a:115c:a1e0::9/128"),
               own=notify.node(addresses=["100.64.0.1/32"]))
    proxy.wait_targets({"db": ["100.65.0.1"]})
    proxy.report(peer(1, "100.65.0.1/32", "fd7a:115c:a1e0::9/128"))
    proxy.wait_targets(both)
    assert not program.log_count("condition ")
