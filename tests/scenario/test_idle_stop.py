"""A stop of a node that is not up, with the intervals of production: docker waits for 10 s, and
nobody has to wait for a login that does not come."""

import time

import pytest
from fakes import faults, notify
from fakes.httpserver import Drop
from fakes.waiting import wait_until
from harness import STARTED

MACHINE_KEY = {"_machinekey": "x"}
LOGGED_OUT = dict(MACHINE_KEY, **{"_profiles": "x", "_current-profile": "x"})
COMPLETE = dict(LOGGED_OUT, **{"profile-1": "x"})


def env(world, **more):
    """A pod whose intervals are those of production."""
    return world.kube_env(TAILBOOT_TEST_FAST="false", **more)


def never_logged_in(world):
    """A login that waits for a person."""
    world.kube.update(MACHINE_KEY)
    world.install("lively", "hangs")
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    world.start(env(world))
    wait_until(world.cli_pids, 8, "a login")


def steady(world, secret, state=None):
    """A node that was up, and then was not."""
    world.install("lively")
    world.kube.update(secret)
    world.start_running(env(world))
    if state is not None:
        world.lapi.bus.publish(notify.state(state))
        world.program.wait_log_part("NotRunning")


def key_refused(world):
    """A login that was lost, and a key that is refused: the next try is far away."""
    world.install("lively")
    world.kube.update(LOGGED_OUT)
    world.start_running(env(world, TS_AUTHKEY="k"))
    world.install("lively", "fails")
    tries = world.cli_calls("up")
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    world.wait_cli_calls("up", tries + 1, 8)


def logged_out(world):
    """`tailscale logout`."""
    steady(world, LOGGED_OUT, notify.NEEDS_LOGIN)


def stopped_by_hand(world):
    """`tailscale down`, of a node whose prefs still name Services."""
    world.lapi.prefs = {"AdvertiseServices": ["svc:a"]}
    steady(world, COMPLETE, notify.STOPPED)


def api_server_away(world):
    """There is no listener."""
    steady(world, COMPLETE)
    world.kube.stop()


def api_server_mute(world):
    """It takes requests and answers none."""
    steady(world, COMPLETE)
    world.kube.fault(("get", "patch"), faults.hang(), None)


def daemon_mute(world):
    """The daemon's LocalAPI does the same."""
    steady(world, COMPLETE)

    def never(request):
        while not request.connection.peer_gone():
            request.connection.closed.wait(0.05)
        raise Drop
    world.lapi.answers["prefs"] = never


STATES = [never_logged_in, key_refused, logged_out, stopped_by_hand, api_server_away,
          api_server_mute, daemon_mute]


@pytest.mark.parametrize("reach", STATES)
def test_stop(world, reach):
    """At most 3 s."""
    reach(world)
    assert world.program.alive(), world.program.output()
    begun = time.monotonic()
    assert world.program.stop(10) == 0
    assert time.monotonic() - begun < 3
    assert world.daemon_pids() == [] and world.cli_pids() == []


def test_written_last_while_the_api_server_is_mute(world):
    """What is still to be published gets its time, and no more than docker gives."""
    steady(world, COMPLETE)
    world.kube.fault(("get", "patch"), faults.hang(), None)
    world.lapi.bus.publish(notify.running(notify.node(name="new.ts.net.")))
    world.kube.wait_count("patch", 2)
    begun = time.monotonic()
    assert world.program.stop(10) == 0
    assert time.monotonic() - begun < 5
    assert world.program.has_log(STARTED)
