"""The daemon runs and cannot be reached: health turns, and it is started again."""

import json

import pytest
from fakes import notify
from fakes.httpserver import Reply
from fakes.waiting import stays_true

pytestmark = pytest.mark.both_generations

MUTE = "condition DaemonMute"


def running(world, **env):
    """A healthy node."""
    world.install("lively")
    world.start_running(dict({"TS_ENABLE_HEALTH_CHECK": "true",
                              "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}"}, **env))
    world.wait_http("/healthz", 200)


def reasons(world):
    """The codes of /readyz."""
    return [r["code"] for r in json.loads(world.wait_http("/readyz", 503)[2])["reasons"]]


def test_mute_daemon_is_restarted(world):
    """Two calls without an answer are a condition; after the limit it is started again, which is no crash."""
    running(world, TAILBOOT_DAEMON_MUTE_TIMEOUT="6s", TAILBOOT_RESTART_LIMIT="0")
    world.lapi.hold("GET", "prefs")
    world.program.wait_log_part(MUTE, 10)
    assert reasons(world) == ["DaemonMute"]
    assert world.daemon_starts() == 1
    world.program.wait_log_part("restarting it", 10)
    del world.lapi.answers["prefs"]
    world.wait_daemon_starts(2)
    world.program.wait_log_part(f"{MUTE} cleared")
    world.wait_http("/readyz", 200, 5)
    assert world.program.log_count("crash") == 0
    stays_true(lambda: world.daemon_starts() == 2, 1, "not again")


def test_health_turns_and_recovers(world):
    """/healthz is 503 as for a daemon that is down, and 200 when it answers again; it is not restarted."""
    running(world)
    world.lapi.hold("GET", "prefs")
    world.wait_http("/healthz", 503, 20)
    del world.lapi.answers["prefs"]
    world.wait_http("/healthz", 200, 5)
    world.program.wait_log_part(f"{MUTE} cleared")
    assert world.daemon_starts() == 1


def test_one_slow_answer_is_nothing(world):
    """A daemon that is heard otherwise is not mute."""
    running(world)
    world.lapi.hold("GET", "prefs")
    seen = world.lapi.count("GET", "prefs")
    world.lapi.wait_asked("GET", "prefs", seen + 1)
    world.lapi.bus.publish(notify.running())
    del world.lapi.answers["prefs"]
    world.lapi.wait_asked("GET", "prefs", seen + 3, 10)
    assert world.program.log_count(MUTE) == 0


def test_refused_notifications_count_in_health(world):
    """A bus that is refused turns health after the grace of a daemon that is down."""
    running(world)
    world.lapi.answers["watch-ipn-bus"] = lambda request: Reply(403, b"watch denied\n")
    world.lapi.bus.end()
    world.program.wait_log_part("condition BusLost: failed to read from tailscaled")
    assert world.http("/healthz")[0] == 200
    world.wait_http("/healthz", 503, 15)
    assert reasons(world) == ["BusLost"]
    del world.lapi.answers["watch-ipn-bus"]
    world.wait_http("/healthz", 200, 10)
    world.wait_http("/readyz", 200)
    assert world.daemon_starts() == 1


def silent(request, piece):
    """Open the stream, and report nothing."""
    request.connection.start_chunked()
    request.connection.chunk(piece)
    if not piece:
        request.connection.end_chunked()
    while piece and not request.connection.peer_gone():
        request.connection.closed.wait(0.05)
    request.connection.close()


@pytest.mark.parametrize("piece", [b"", b'{"State":'], ids=["ends", "stalls"])
def test_a_stream_without_reports_counts_in_health(world, piece):
    """A subscription that is opened again and again, and brings nothing, is none."""
    running(world)
    world.lapi.answers["watch-ipn-bus"] = lambda request: silent(request, piece)
    world.lapi.bus.end()
    world.wait_http("/healthz", 503, 15)
    assert reasons(world) == ["BusLost"]
    del world.lapi.answers["watch-ipn-bus"]
    world.wait_http("/healthz", 200, 10)
    world.wait_http("/readyz", 200)
    world.program.wait_log_part("condition BusLost cleared")
    assert world.program.log_count("condition BusLost: ") == 1


def test_stop_of_a_mute_one(world):
    """A stop takes its budget at most."""
    running(world, TAILBOOT_STOP_BUDGET="3s")
    world.lapi.hold("GET", "prefs")
    world.program.wait_log_part(MUTE, 10)
    assert world.program.stop(8) == 0
