"""Traffic is invited to a target of egress when it has answered through the tunnel."""

import json

import pytest
from fakes.httpserver import Drop, Reply
from fakes.waiting import stays_true, wait_until
from services_proxy import Proxy, egress, name_of, peer

SILENT = "condition EgressTargetSilent"
ONE, TWO = "100.65.0.1", "100.65.0.2"


class Tunnel:
    """Answers the daemon's pings for peers that are there; others leave the caller waiting, as the daemon does."""

    def __init__(self, lapi, *there):
        self.lapi = lapi
        self.there = set(there)
        lapi.answers["ping"] = self._answer

    def _answer(self, request):
        target = request.query["ip"][0]
        while target not in self.there:
            if request.connection.peer_gone():
                raise Drop
            request.connection.closed.wait(0.02)
        return Reply.of_json({"IP": target})


@pytest.fixture(name="proxy")
def fixture_proxy(world):
    """A proxy whose Secret exists."""
    world.kube.set(tailscale_capver="1")
    return Proxy(world)


def reasons(world):
    """The codes of /readyz."""
    return [r["code"] for r in json.loads(world.wait_http("/readyz", 503)[2])["reasons"]]


def pinged(world, target):
    """How often."""
    return sum(r.query["ip"][0] == target for r in world.lapi.asked("POST", "ping"))


def start(proxy, there, *targets):
    """A proxy with a service for each target by name; `there` are those that answer."""
    tunnel = Tunnel(proxy.world.lapi, *there)
    proxy.mount({f"s{n}": egress(name_of(n), port=4000 + n) for n in range(len(targets))})
    proxy.start(*(peer(n, f"{ip}/32") for n, ip in enumerate(targets)), TS_ENABLE_HEALTH_CHECK="true")
    return tunnel


def test_late_answer(proxy):
    """Neither ready nor published before it, both as soon as it is there."""
    world = proxy.world
    tunnel = start(proxy, [], ONE)
    assert reasons(world) == ["TargetsPending"]
    assert proxy.status() is None
    tunnel.there.add(ONE)
    world.wait_http("/readyz", 200)
    proxy.wait_targets({"s0": [ONE]})
    assert not world.program.log_count(SILENT)
    assert len(proxy.statuses()) == 1


def test_target_that_never_answers(proxy):
    """It holds up nothing but itself, and that only for some seconds; then it is a condition until it answers."""
    world = proxy.world
    tunnel = start(proxy, [TWO], ONE, TWO)
    proxy.wait_targets({"s1": [TWO]})
    assert reasons(world) == ["TargetsPending"]
    proxy.wait_targets({"s0": [ONE], "s1": [TWO]})
    world.program.wait_log_part(f"{SILENT}: target {ONE} does not answer a ping through the tunnel (")
    world.wait_http("/readyz", 200)
    tunnel.there.add(ONE)
    world.program.wait_log_part(f"{SILENT} cleared", 20)
    assert proxy.targets() == {"s0": [ONE], "s1": [TWO]}
    assert world.program.log_count(f"{SILENT} now") == 0


def test_edits_wait_for_new_targets_alone(proxy):
    """What was published stays, and the node stays ready."""
    world = proxy.world
    tunnel = start(proxy, [ONE], ONE)
    proxy.wait_targets({"s0": [ONE]})
    world.wait_http("/readyz", 200)
    count = pinged(world, ONE)
    proxy.mount({"s0": egress(name_of(0), port=4009), "new": egress(ip=TWO, port=4001)})
    wait_until(lambda: proxy.status()["services"]["s0"]["ports"][0]["matchPort"] == 4009, 5, "the other port")
    assert proxy.targets() == {"s0": [ONE]}
    assert world.http("/readyz")[0] == 200
    tunnel.there.add(TWO)
    proxy.wait_targets({"s0": [ONE], "new": [TWO]})
    assert pinged(world, ONE) == count


def test_restart_in_place_withdraws_nothing(proxy):
    """The daemon is killed, and its successor cannot reach the target yet."""
    world = proxy.world
    tunnel = start(proxy, [ONE], ONE)
    proxy.wait_targets({"s0": [ONE]})
    world.wait_http("/readyz", 200)
    tunnel.there.clear()
    count = pinged(world, ONE)
    world.crash_daemon(2)
    wait_until(lambda: pinged(world, ONE) > count, 10, "a ping of the new daemon")
    stays_true(lambda: world.http("/readyz")[0] == 200, 0.5)
    assert proxy.targets() == {"s0": [ONE]}
    assert len(proxy.statuses()) == 1


def test_single_target(world):
    """The node is ready when the target of the settings has answered."""
    world.kube.set(tailscale_capver="1")
    tunnel = Tunnel(world.lapi)
    world.start_running(world.kube_env(
        TS_USERSPACE="false", TS_TAILNET_TARGET_IP=ONE, TS_ENABLE_HEALTH_CHECK="true",
        TS_LOCAL_ADDR_PORT=f"127.0.0.1:{world.local_port}"))
    assert reasons(world) == ["TargetsPending"]
    assert world.http("/healthz")[0] == 200
    tunnel.there.add(ONE)
    world.wait_http("/readyz", 200)
