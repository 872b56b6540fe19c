"""The statuses of services and where they go: an API server that is away, a predecessor's status,
a Secret that may not be written, no Kubernetes at all."""

import json

import pytest
from fakes import faults, notify
from fakes.waiting import stays_true, wait_until
from harness import STARTED
from services_proxy import KEY_EGRESS, KEY_INGRESS, Proxy, egress, ingress
from test_firewall import allow_ipv6, fixture_space  # noqa: F401  (the fixture `space`)

pytestmark = pytest.mark.both_generations


@pytest.fixture(name="proxy")
def fixture_proxy(world):
    """A proxy whose Secret exists."""
    world.kube.set(tailscale_capver="1")
    return Proxy(world)


def one(ip="100.65.0.1", cluster_ip="10.0.0.9"):
    """A service of each kind."""
    return {"db": egress(ip=ip)}, {"svc:a": ingress("100.64.9.9", cluster_ip)}


def test_api_server_is_away_for_a_while(proxy):
    """The rules follow at once; the newest status is written when the server is back."""
    proxy.mount(*one())
    program = proxy.start()
    proxy.wait_targets({"db": ["100.65.0.1"]})
    kube = proxy.world.kube
    kube.stop()
    for number in range(2, 6):
        proxy.mount(*one(f"100.65.0.{number}", f"10.0.0.{number}"))
        program.wait_log_part("syncegressservices: looking at svc db", least=number)
    program.wait_log_part("condition StoreWriteFailed: ")
    assert program.alive()
    kube.start()
    proxy.wait_targets({"db": ["100.65.0.5"]})
    wait_until(lambda: proxy.status(KEY_INGRESS)["configs"] == one(cluster_ip="10.0.0.5")[1], 8,
               "the newest mapping")
    program.wait_log_part("condition StoreWriteFailed cleared")
    assert program.log_count("condition StoreWriteFailed: ") == 1
    assert len(proxy.statuses()) == 2


def test_answer_of_a_write_is_lost(proxy):
    """It was written all the same; it is written again and ends equal."""
    proxy.start()
    proxy.world.kube.fault("patch", faults.lost_answer(), times=2)
    proxy.mount(*one())
    proxy.wait_targets({"db": ["100.65.0.1"]})
    proxy.mount(*one("100.65.0.2"))
    proxy.wait_targets({"db": ["100.65.0.2"]})


@pytest.mark.parametrize("services", [True, False])
def test_status_of_another_pod(proxy, services):
    """It is withdrawn before anything is started, and ours is published once it is true."""
    left = {"podIPv4": "10.9.9.9", "services": {"old": {
        "ports": [], "tailnetTargetIPs": ["100.65.0.3"],
        "tailnetTarget": {"ip": "100.65.0.3", "fqdn": ""}}}}
    kube = proxy.world.kube
    kube.update({KEY_EGRESS: json.dumps(left), KEY_INGRESS: json.dumps(
        {"configs": {"svc:old": ingress("100.64.9.8", "10.0.0.8")}, "podIPv4": "10.9.9.9"})})
    if services:
        proxy.mount(*one())
    proxy.start()
    if services:
        proxy.wait_targets({"db": ["100.65.0.1"]})
        proxy.wait_mappings(["svc:a"])
        assert proxy.status()["podIPv4"] == proxy.status(KEY_INGRESS)["podIPv4"] == "10.0.0.2"
    for key in (KEY_EGRESS, KEY_INGRESS):
        assert kube.written(key)[0] is None
        assert len(proxy.statuses(key)) <= 1 and "old" not in kube.get().get(key, "")


def test_status_of_the_run_before(proxy):
    """However correct it may be, it is published again only when our rules are in force."""
    proxy.mount(*one())
    program = proxy.start()
    proxy.wait_targets({"db": ["100.65.0.1"]})
    proxy.wait_mappings(["svc:a"])
    assert program.stop() == 0
    proxy.world.lapi.bus.publish(notify.state(notify.STARTING))
    program = proxy.program = proxy.world.start(proxy.environment())
    program.wait_log_part("Waiting for tailscaled socket", least=2)
    wait_until(lambda: proxy.status() is None and proxy.status(KEY_INGRESS) is None, 5,
               "no status")
    proxy.report()
    proxy.wait_targets({"db": ["100.65.0.1"]})
    proxy.wait_mappings(["svc:a"])


def test_status_of_the_run_before_without_kubernetes(proxy, space):
    """The same for files."""
    world = proxy.world
    allow_ipv6(world)
    proxy.mount(*one())
    program = world.start_running(proxy.without_kubernetes(), wrapper=space.enter)
    documents = [proxy.document(key) for key in (KEY_EGRESS, KEY_INGRESS)]
    wait_until(lambda: all(d.exists() for d in documents), 5, "both")
    assert program.stop() == 0
    world.lapi.bus.publish(notify.state(notify.STARTING))
    program = world.start(proxy.without_kubernetes(), wrapper=space.enter)
    wait_until(lambda: not any(d.exists() for d in documents), 5, "none")
    world.lapi.bus.publish(notify.running())
    wait_until(lambda: all(d.exists() for d in documents), 5, "both again")


def test_secret_that_may_not_be_written(proxy):
    """The status goes nowhere; the rules stand, and the start is complete."""
    kube = proxy.world.kube
    kube.denied.add("patch")
    proxy.mount(*one())
    program = proxy.start()
    for feature, folder in (("egress", proxy.egress.path), ("ingress", proxy.ingress.path / KEY_INGRESS)):
        program.wait_log(f"configuring {feature} proxy using configuration file at {folder}")
    program.wait_log_part("syncegressservices: looking at svc db rulesToAdd 1 rulesToDelete 0")
    program.wait_log_part("ensureRulesAdded svc db tailnetTarget 100.65.0.1 container port ")
    program.wait_log_part("adding DNAT rule for Tailscale Service svc:a")
    proxy.mount(*one("100.65.0.2", "10.0.0.8"))
    program.wait_log_part("deleting DNAT rule for Tailscale Service svc:a")
    program.wait_log_part("syncegressservices: looking at svc db rulesToAdd 1 rulesToDelete 1")
    program.wait_log_part("ensureRulesDeleted svc db tailnetTarget 100.65.0.1 container port ")
    assert kube.get() == {"tailscale_capver": "1"}
    assert program.log_count("condition ") == 1
    program.wait_log_part('condition StoreNotPermitted: missing patch permission on secret '
                          '"tailscale" in namespace "default"')


def test_status_that_is_refused(proxy):
    """The start is complete without it: the node is known, and the rules stand."""
    kube = proxy.world.kube
    kube.fault("patch", faults.refuse_key(KEY_EGRESS), None)
    proxy.mount(*one())
    program = proxy.start()
    program.wait_log(STARTED)
    program.wait_log_part(f'condition StoreWriteFailed: Secret "tailscale", key {KEY_EGRESS}: ')
    proxy.wait_mappings(["svc:a"])
    assert kube.get()["device_ips"]
    kube.clear_faults()
    proxy.wait_targets({"db": ["100.65.0.1"]})


def test_nothing_is_published_before_it_stands(proxy, space):
    """While another's table keeps our rules out there is no status of them; then there is."""
    world = proxy.world
    allow_ipv6(world)
    program = world.start_running(proxy.without_kubernetes(), wrapper=space.enter)
    space.nft('delete table ip ts_sidecar; add table ip ts_sidecar '
              '{ comment "owner=other/pod schema=1"; }')
    program.wait_log_part("condition FirewallFailed: ")
    proxy.mount(*one())
    program.wait_log_part("syncegressservices: looking at svc db")
    stays_true(lambda: not proxy.document().exists(), 0.3)
    space.nft("delete", "table", "ip", "ts_sidecar")
    program.wait_log_part("condition FirewallFailed cleared", 8)
    wait_until(proxy.document().exists, 8, "a status")
    wait_until(proxy.document(KEY_INGRESS).exists, 8, "a status of ingress")
    wait_until(lambda: "svc:a" in proxy.document(KEY_INGRESS).read_text(), 8, "a mapping")
    assert len(space.map_of("ip", "egress_pm")) == 1
    assert program.log_count("condition FirewallFailed: ") == 1
