"""The daemon comes up while the place of its state is away: it is started again when that is back."""

import json

import pytest
from fakes import commands, faults, notify
from fakes.waiting import stays_true, wait_until
from harness import STARTED

pytestmark = pytest.mark.both_generations

UP_WITHOUT_STATE = ("#!/usr/bin/env bash\necho $0 $@ >>$TS_TEST_RECORD_ARGS\n"
                    "echo '500 Internal Server Error: state store is unhealthy' >&2\nexit 1\n")
WARNED = "condition StateStoreFailed"
BACK = "answers: restarting tailscaled, which had to start without its state"


def with_its_state(world):
    """What a daemon says from now on that has read its state."""
    world.lapi.bus.set_unheard(dict(notify.running(), Health={"Warnings": {}}))


def comes_back_without_its_state(world):
    """The daemon dies, and its successor, the second start, cannot read its state."""
    world.kill_daemon()
    world.lapi.bus.set_unheard(notify.store_warning())
    world.wait_daemon_starts(2)
    world.lapi.start()
    world.program.wait_log_part(WARNED)


def refuses(world):
    """Nothing listens."""
    world.kube.stop()
    return world.kube.start


def fails(world):
    """It answers, and cannot read."""
    world.kube.fault("get", faults.status(503), times=None)
    return world.kube.clear_faults


def hangs(world):
    """It takes the request and never answers."""
    world.kube.fault("get", faults.hang(), times=None)
    return world.kube.clear_faults


@pytest.mark.parametrize("break_store", [refuses, fails, hangs])
def test_secret(world, break_store):
    """Started again within 3 s after the API server is back, and it counts as no crash."""
    world.install("lively")
    program = world.start_running(world.kube_env(TAILBOOT_RESTART_LIMIT="1"))
    bring_back = break_store(world)
    comes_back_without_its_state(world)
    stays_true(lambda: world.daemon_starts() == 2, 1, "it waits for the API server")
    with_its_state(world)
    bring_back()
    world.wait_daemon_starts(3, 3)
    program.wait_log_part(f'Secret "tailscale" {BACK}')
    program.wait_log_part(f"{WARNED} cleared")
    assert program.log_count("restarting it in") == 1
    asked = world.kube.count("get")
    stays_true(lambda: world.daemon_starts() == 3, 0.7, "and not again")
    assert world.kube.count("get") == asked, "asked without need"


def test_pauses_grow(world):
    """A daemon that cannot read what we can is started again, with longer and longer pauses."""
    world.install("lively")
    program = world.start_running(world.kube_env(TAILBOOT_RESTART_LIMIT="1"))
    comes_back_without_its_state(world)
    wait_until(lambda: world.daemon_starts() >= 6, 10, "started again and again")
    before = world.daemon_starts()
    # at its longest 500 ms here, half of it at least
    stays_true(lambda: world.daemon_starts() <= before + 4, 1, "with pauses")
    assert program.log_count("restarting it in") == 1
    with_its_state(world)
    program.wait_log_part(f"{WARNED} cleared")


def test_folder(world):
    """The same for a state in a folder."""
    world.install("lively")
    folder = world.root / "state"
    folder.mkdir()
    state = folder / "tailscaled.state"
    program = world.start_running({"TS_STATE_DIR": folder})
    state.mkdir()
    comes_back_without_its_state(world)
    stays_true(lambda: world.daemon_starts() == 2, 1, "it waits for the folder")
    with_its_state(world)
    state.rmdir()
    state.write_text(json.dumps({}))
    world.wait_daemon_starts(3, 3)
    program.wait_log_part(f"{folder} {BACK}")
    program.wait_log_part(f"{WARNED} cleared")


@pytest.mark.parametrize("is_warned", [True, False])
def test_the_first_start(world, is_warned):
    """A daemon without its state refuses the login: it is no reason to end the start."""
    world.install("lively")
    commands.write_script(world.root / "usr/bin/tailscale", UP_WITHOUT_STATE)
    folder = world.root / "state"
    folder.mkdir()
    state = folder / "tailscaled.state"
    state.mkdir()
    world.lapi.bus.set_unheard(notify.store_warning() if is_warned else notify.state(notify.NO_STATE))
    program = world.start({"TS_STATE_DIR": folder, "TS_AUTHKEY": "key"})
    program.wait_log_part(WARNED)
    world.wait_cli_calls("up", 1)
    stays_true(program.alive, 1, "it waits for the folder")
    with_its_state(world)
    world.install("lively")
    state.rmdir()
    program.wait_log(STARTED, 5)
    assert world.daemon_starts() == 2
    assert world.cli_calls("up") == 2
    assert program.log_count("restarting it in") == 0


def test_the_first_start_ends_at_its_deadline(world):
    """The place stays away: the deadline names it."""
    world.install("lively")
    commands.write_script(world.root / "usr/bin/tailscale", UP_WITHOUT_STATE)
    (world.root / "state/tailscaled.state").mkdir(parents=True)
    world.lapi.bus.set_unheard(notify.store_warning())
    program = world.start({"TS_STATE_DIR": world.root / "state", "TS_AUTHKEY": "key", "TS_BOOT_TIMEOUT": "2s"})
    assert program.wait_exit() == 1
    assert "context deadline exceeded: State store failed to initialize" in program.lines()[-1]


def test_stop_while_it_is_away(world):
    """A stop ends the questions."""
    world.install("lively")
    program = world.start_running(world.kube_env(TAILBOOT_STOP_BUDGET="2s"))
    refuses(world)
    comes_back_without_its_state(world)
    assert program.stop() == 0
    assert world.daemon_starts() == 2
