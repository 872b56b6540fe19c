"""Daemon or bus are lost in each state of the boot, after the daemon has served once."""

import pytest
from fakes import notify, testroot
from fakes.waiting import stays_true, wait_until
from harness import STARTED

pytestmark = pytest.mark.both_generations

NEEDS_LOGIN = notify.state(notify.NEEDS_LOGIN)
STARTING = notify.state(notify.STARTING)
ONCE = {"TS_AUTH_ONCE": "true", "TS_AUTHKEY": "k"}
WATCHING = "watching for config changes via fsnotify"


def one_step(world):
    """The environment with a config file."""
    return {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()}


# name: (environment, first message, CLI, when the state is reached)
STATES = {
    "up": (lambda w: {"TS_AUTHKEY": "k"}, NEEDS_LOGIN, "hangs", lambda w: w.cli_pids()),
    "up_by_a_person": (lambda w: {}, NEEDS_LOGIN, "hangs", lambda w: w.cli_pids()),
    "up_in_once": (lambda w: ONCE, NEEDS_LOGIN, "hangs", lambda w: w.cli_pids()),
    "set": (lambda w: ONCE, notify.running(), "hangs", lambda w: w.cli_pids()),
    "starting": (lambda w: {}, STARTING, "plain",
                 lambda w: w.cli_calls("up") and w.program.log_count('state "Starting"')),
    "approval": (lambda w: {}, notify.state(notify.NEEDS_MACHINE_AUTH), "plain",
                 lambda w: w.program.log_count("machine authorization required")),
    "one_step_starting": (one_step, STARTING, "plain", lambda w: w.lapi.bus.count()),
    "running_without_self": (lambda w: {}, notify.state(notify.RUNNING), "plain",
                             lambda w: w.cli_calls("up") and w.lapi.bus.count()),
}


def reach(world, name):
    """Start, and go on until that state is reached."""
    env, message, cli, reached = STATES[name]
    world.install("lively", cli)
    world.lapi.bus.publish(message)
    world.start(env(world))
    wait_until(lambda: reached(world), 8, f"state {name}")
    world.lapi.bus.wait_watchers(1)


@pytest.mark.parametrize("name", STATES)
def test_daemon_dies(world, name):
    """It is brought back, and start-up is completed with its successor."""
    reach(world, name)
    world.install("lively")
    world.crash_daemon(2, STATES[name][1])
    world.lapi.bus.wait_watchers(1)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(STARTED, 8)
    assert world.daemon_starts() == 2
    assert world.cli_pids() == []
    assert world.program.stop() == 0


@pytest.mark.parametrize("loss", ["cut", "fall_behind"])
@pytest.mark.parametrize("name", STATES)
def test_bus_is_lost(world, name, loss):
    """A lost subscription is opened again; the daemon is left alone."""
    reach(world, name)
    opened = world.lapi.bus.opened()
    world.install("lively")
    getattr(world.lapi.bus, loss)()
    world.lapi.bus.wait_opened(opened + 1)
    world.lapi.bus.wait_watchers(1)
    for pid in world.cli_pids():
        world.end_cli(pid)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(STARTED, 8)
    assert world.daemon_starts() == 1
    assert world.program.stop() == 0


@pytest.mark.parametrize("loss", ["daemon", "bus"])
def test_during_the_wait_for_a_key(world, loss):
    """The wait for the operator goes on."""
    world.install("lively")
    world.lapi.bus.publish(NEEDS_LOGIN)
    world.start(world.kube_env(**one_step(world)))
    world.program.wait_log_part(WATCHING)
    if loss == "daemon":
        world.crash_daemon(2)
    else:
        world.lapi.bus.cut()
    stays_true(world.program.alive, 0.5, "alive")
    testroot.write_config(world.config_dir() / "cap-95.hujson", "new-key")
    assert world.program.wait_exit() == 0
    assert "reissue_authkey" not in world.kube.get()


def test_daemon_dies_over_and_over_at_boot(world):
    """The crash budget holds at boot too."""
    world.install("lively")
    world.lapi.bus.publish(STARTING)
    program = world.start({"TAILBOOT_RESTART_LIMIT": "2"})
    world.lapi.bus.wait_watchers(1)
    world.install("exits")
    world.kill_daemon()
    assert program.wait_exit(10) in (1, 3)
    assert world.daemon_starts() <= 3
