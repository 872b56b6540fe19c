"""Logins that are refused while the node counts as Running, and nodes that are switched off at the start."""

import json

import pytest
from fakes import commands, notify
from fakes.waiting import stays_true
from harness import STARTED
from test_reissue import WATCHING, begin, config, give_key

pytestmark = pytest.mark.both_generations

AGAIN = {"Health": {"Warnings": {}}}
OFF = notify.state(notify.STOPPED, Prefs={"WantRunning": False})


def refused(error="authkey already used"):
    """What the daemon says of a login, and nothing of its state."""
    return {"Health": {"Warnings": {"login-state": {
        "WarnableCode": "login-state", "Args": {"error": error}, "Text": "You are logged out."}}}}


def health(world):
    return {"TS_ENABLE_HEALTH_CHECK": "true", "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}"}


def test_named_and_tried_again(world):
    """A spent key is the reason, and turns readiness; a good one brings the node back in place."""
    world.install("lively")
    program = world.start_running({"TS_AUTHKEY": "k", **health(world)})
    world.wait_http("/readyz", 200)
    world.lapi.bus.publish(refused(), remember=False)
    program.wait_log_part("condition KeyUsed: authkey already used")
    body = world.wait_http("/readyz", 503)[2]
    assert json.loads(body)["reasons"][0]["code"] == "KeyUsed"
    world.wait_http("/healthz", 503, 15)
    world.wait_cli_calls("up", 3, 10)
    assert program.log_count("condition KeyUsed") == 1
    world.lapi.bus.publish(AGAIN, remember=False)
    program.wait_log_part("condition KeyUsed cleared")
    world.wait_http("/readyz", 200)
    world.wait_http("/healthz", 200)
    assert len(world.daemon_pids()) == 1


def test_nothing_is_tried_without_a_key(world):
    """A person has to act."""
    world.install("lively")
    program = world.start_running({})
    world.lapi.bus.publish(refused("authkey expired"), remember=False)
    program.wait_log_part("condition KeyExpired")
    stays_true(lambda: world.cli_calls("up") == 1, 1.5, "one up")


def test_control_that_is_away_turns_nothing(world):
    """A node that lives on the map it has kept goes on."""
    world.install("lively")
    program = world.start_running({"TS_AUTHKEY": "k", **health(world)})
    world.lapi.bus.publish(refused("dial tcp 192.0.2.1:443: connect: connection refused"), remember=False)
    program.wait_log_part("condition ControlUnreachable")
    stays_true(lambda: world.http("/readyz")[0] == 200 and world.cli_calls("up") == 1, 1.0, "ready")


def test_at_once_after_a_restart(world):
    """The daemon comes back Running from the map on disk, and its login is refused."""
    world.install("lively")
    program = world.start_running({"TS_AUTHKEY": "k"})
    world.crash_daemon(2, dict(notify.running(), **refused()))
    program.wait_log_part("condition KeyUsed: authkey already used")
    world.wait_cli_calls("up", 2, 10)


def test_error_text_alone(world):
    world.install("lively")
    program = world.start_running({"TS_AUTHKEY": "k"})
    world.lapi.bus.publish({"ErrMessage": "authkey expired"}, remember=False)
    program.wait_log_part("condition KeyExpired: authkey expired")


def test_new_key_is_asked_for(world):
    """In one-step mode: the operator provides it, and the node comes back in place."""
    world.install("lively")
    program = begin(world, notify.running())
    program.wait_log(STARTED)
    world.lapi.bus.publish(refused(), remember=False)
    program.wait_log_part(WATCHING)
    give_key(world)
    world.wait_daemon_starts(2)
    assert config(world).exists() and program.alive()


def test_switched_off_at_the_start(world):
    """Once mode does not run `up` by itself: here it has to."""
    world.install("lively")
    world.lapi.bus.publish(OFF)
    program = world.start({"TS_AUTH_ONCE": "true", "TS_AUTHKEY": "k"})
    world.wait_cli_calls("up", 1)
    program.wait_log_part("condition Stopped: tailscale was switched off")
    world.lapi.bus.publish(notify.running())
    program.wait_log(STARTED)
    assert program.log_count("condition Stopped cleared") == 1


def test_stays_switched_off(world):
    """The cause is the last word."""
    world.install("lively")
    commands.write_script(world.root / "usr/bin/tailscale", "#!/usr/bin/env bash\nexit 0\n")
    world.lapi.bus.publish(OFF)
    program = world.start({"TS_AUTH_ONCE": "true", "TS_AUTHKEY": "k", "TS_BOOT_TIMEOUT": "1s"})
    assert program.wait_exit() == 1
    assert program.lines()[-1].endswith("tailscale was switched off (tailscale down)")
