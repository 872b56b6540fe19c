"""Services of the daemon's serve config are advertised, and withdrawn at the stop."""

import time

import pytest
from fakes import notify
from fakes.httpserver import Drop, Reply
from fakes.waiting import stays_true, wait_until

pytestmark = pytest.mark.both_generations

SERVICES = {"Services": {"svc:a": {}, "svc:b": {}}}
NAMES = ["svc:a", "svc:b"]


def advertised(world):
    """What the daemon advertises now."""
    return sorted(world.lapi.prefs.get("AdvertiseServices") or [])


def running(world, **env):
    """A running node whose daemon serves two Services."""
    world.install("lively")
    world.lapi.stateful_serve = True
    world.lapi.serve_config = dict(SERVICES)
    world.start_running(env)


def test_advertised_and_withdrawn(world):
    """All names are advertised once; a stop withdraws them within its budget."""
    running(world)
    wait_until(lambda: advertised(world) == NAMES, 5, "advertised")
    for patch in world.lapi.bodies("PATCH", "prefs"):
        assert patch["AdvertiseServicesSet"] is True
    begun = time.monotonic()
    assert world.program.stop() == 0
    assert time.monotonic() - begun < 8
    assert advertised(world) == []
    text = world.program.output()
    assert "unadvertising services: [svc:a svc:b]" in text or \
           "unadvertising services: [svc:b svc:a]" in text
    assert world.lapi.bodies("PATCH", "prefs")[-1]["AdvertiseServicesSet"] is True


def test_not_repeated(world):
    """Further notifications cause no further call."""
    running(world)
    wait_until(lambda: advertised(world) == NAMES, 5, "advertised")
    for number in range(20):
        world.lapi.bus.publish({"PeersChanged": [notify.node(f"n{number}", f"p{number}.",
                                                             number=number + 1)]}, remember=False)
    stays_true(lambda: world.lapi.count("PATCH", "prefs") == 1, 0.7, "one call")


def test_changed_by_others(world):
    """What the command line or an operator changes is seen at the next notification: a Service more,
    and one that was withdrawn."""
    running(world)
    wait_until(lambda: advertised(world) == NAMES, 5, "advertised")
    world.lapi.serve_config = {"Services": {"svc:a": {}, "svc:b": {}, "svc:c": {}}}
    world.lapi.bus.publish({"SelfChange": notify.node()}, remember=False)
    wait_until(lambda: advertised(world) == [*NAMES, "svc:c"], 5, "one more")
    world.lapi.prefs["AdvertiseServices"] = ["svc:a"]
    world.lapi.bus.publish({"PeersChanged": [notify.node("n1", "p1.", number=2)]}, remember=False)
    wait_until(lambda: advertised(world) == [*NAMES, "svc:c"], 5, "all again")


def test_looks_are_few(world):
    """Notifications come in thousands, looks do not."""
    running(world)
    wait_until(lambda: advertised(world) == NAMES, 5, "advertised")
    before, begun = world.lapi.count("GET", "serve-config"), time.monotonic()
    for number in range(2000):
        world.lapi.bus.publish({"PeersChanged": [notify.node(f"n{number}", f"p{number}.",
                                                             number=number + 1)]}, remember=False)
    watcher = world.lapi.bus.watchers[0]
    wait_until(lambda: watcher.sent >= 2000, 10, "all written")
    most = 2 + (time.monotonic() - begun) / 0.2
    assert world.lapi.count("GET", "serve-config") - before <= most


def test_switched_off(world):
    """Nothing is advertised when that is not wanted."""
    running(world, TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT="false")
    stays_true(lambda: world.lapi.count("PATCH", "prefs") == 0, 0.5, "no call")


def test_no_services_no_call(world):
    """Without Services there is nothing to do, also at the stop."""
    world.install("lively")
    world.start_running()
    begun = time.monotonic()
    assert world.program.stop() == 0
    assert time.monotonic() - begun < 3
    assert world.lapi.count("PATCH", "prefs") == 0


def test_services_of_a_new_file(world):
    """A changed serve config changes what is advertised."""
    world.install("lively")
    world.lapi.stateful_serve = True
    path = world.root / "etc/tailscaled/serve-config-with-services.json"
    world.start_running({"TS_SERVE_CONFIG": path})
    wait_until(lambda: advertised(world) == ["svc:test-service-1", "svc:test-service-2"], 5, "both")
    path.write_text('{"Services":{"svc:test-service-3":{}}}')
    wait_until(lambda: advertised(world) == ["svc:test-service-3"], 5, "the new one")


@pytest.mark.parametrize("kind", ["status", "closed"])
def test_advertising_fails(world, kind):
    """A failure is tried again, and is not fatal."""
    def refuse(request):
        if request.method != "PATCH":
            return Reply.of_json(world.lapi.prefs)
        if kind == "closed":
            raise Drop
        return Reply(500, b'{"Error":"no"}')
    world.lapi.answers["prefs"] = refuse
    running(world)
    world.lapi.wait_asked("PATCH", "prefs")
    stays_true(world.program.alive, 0.3, "alive")
    del world.lapi.answers["prefs"]
    wait_until(lambda: advertised(world) == NAMES, 10, "advertised")


def test_serve_config_cannot_be_read(world):
    """The daemon does not return its serve config for a while."""
    world.lapi.answers["serve-config"] = lambda r: Reply(500, b"no")
    running(world)
    stays_true(world.program.alive, 0.3, "alive")
    del world.lapi.answers["serve-config"]
    wait_until(lambda: advertised(world) == NAMES, 10, "advertised")


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_withdrawal_fails(world, method):
    """A withdrawal that fails does not prevent the stop."""
    running(world)
    wait_until(lambda: advertised(world) == NAMES, 5, "advertised")

    def refuse(request):
        if request.method == method:
            return Reply(500, b'{"Error":"no"}')
        return Reply.of_json(world.lapi.prefs)
    world.lapi.answers["prefs"] = refuse
    assert world.program.stop() == 0
    assert "Error ensuring services are not advertised: " in world.program.output()


def test_withdrawal_hangs(world):
    """Nor does one that hangs; the daemon is stopped within the budget."""
    running(world, TAILBOOT_STOP_BUDGET="2s")
    wait_until(lambda: advertised(world) == NAMES, 5, "advertised")

    def hang(request):
        while not request.connection.peer_gone():
            request.connection.closed.wait(0.05)
        raise Drop
    world.lapi.answers["prefs"] = hang
    assert world.program.stop(5) == 0
    assert world.daemon_pids() == []


@pytest.mark.parametrize("config", [b"null", b"{}", b'{"Services":null}', b'{"Services":{}}'])
def test_empty_serve_configs(world, config):
    """What stands for no Services."""
    world.lapi.answers["serve-config"] = lambda r: Reply(200, config)
    world.start_running()
    stays_true(lambda: world.lapi.count("PATCH", "prefs") == 0, 0.4, "no call")
