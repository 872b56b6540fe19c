"""The node leaves Running: a state with a reason, never an exit."""

import pytest
from fakes import notify
from fakes.waiting import stays_true, wait_until
from harness import STARTED, UP, USERSPACE

pytestmark = pytest.mark.both_generations


def running(world, **env):
    """A running node with a health endpoint."""
    world.install("lively")
    world.start_running(dict({"TS_ENABLE_HEALTH_CHECK": "true",
                              "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}"}, **env))
    world.wait_http("/healthz", 200)


@pytest.mark.parametrize("state", [notify.STARTING, notify.STOPPED, notify.NEEDS_LOGIN,
                                   notify.NEEDS_MACHINE_AUTH, notify.NO_STATE, notify.IN_USE])
def test_leaving_running(world, state):
    """No exit; the state is named; back to Running all is well again."""
    running(world)
    world.lapi.bus.publish(notify.state(state))
    if state != notify.STARTING:
        world.program.wait_log_part(notify.STATES[state])
    stays_true(world.program.alive, 0.3, "alive")
    assert world.daemon_starts() == 1
    world.lapi.bus.publish(notify.running())
    world.wait_http("/healthz", 200, 5)
    assert world.program.stop() == 0


@pytest.mark.parametrize("state", [notify.STOPPED, notify.NEEDS_LOGIN])
def test_login_is_tried_again(world, state):
    """A node that needs a login gets one, with the credentials that there are."""
    running(world, TS_AUTHKEY="k")
    world.lapi.bus.publish(notify.state(state))
    world.wait_cli_calls("up", 2, 8)
    assert world.commands() == [USERSPACE] + 2 * [UP + " --authkey=k"]


def test_state_known_only_by_name(world):
    """An unknown state name counts as no state."""
    running(world)
    message = notify.running()
    del message["State"]
    message["InitialStatus"]["BackendState"] = "Dreaming"
    world.lapi.bus.publish(message)
    message = {"State": 99}
    world.lapi.bus.publish(message, remember=False)
    stays_true(world.program.alive, 0.3, "alive")
    world.lapi.bus.publish(notify.running())
    world.wait_http("/healthz", 200, 5)


def test_machine_approval(world):
    """Approval is asked for, and start-up goes on when it is given."""
    world.lapi.bus.publish(notify.state(notify.NEEDS_MACHINE_AUTH))
    world.start({})
    world.program.wait_log("machine authorization required, please visit the admin panel")
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(STARTED)


def test_starting_is_reported(world):
    """Other states are named while they last."""
    world.lapi.bus.publish(notify.state(notify.STARTING))
    world.start({})
    world.program.wait_log('tailscaled in state "Starting", waiting')


def test_up_fails(world):
    """A refused login at boot ends boot, and says so."""
    world.install(cli="fails")
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    program = world.start({"TS_AUTHKEY": "k"})
    assert program.wait_exit() == 1
    assert "failed to auth tailscale: " in program.output()
    assert "tailscale up failed: " in program.output()
    assert "authkey=k" not in "\n".join(program.lines())
    assert world.daemon_pids() == []


def test_set_fails(world):
    """Neither can once mode go on without `set`."""
    world.install(cli="fails")
    program = world.start({"TS_AUTH_ONCE": "true"})
    world.lapi.bus.publish(notify.running())
    assert program.wait_exit() == 1
    assert "failed to auth tailscale: tailscale set failed: " in program.output()


def test_login_fails_after_a_crash(world):
    """After start-up a failing login is tried again for as long as it takes."""
    world.install("lively")
    world.start_running({"TS_AUTHKEY": "k"})
    world.install("lively", "fails")
    world.crash_daemon(2, notify.state(notify.NEEDS_LOGIN))
    world.wait_cli_calls("up", 3, 10)
    assert world.program.alive()
    calls = world.cli_calls("up")
    world.install("lively")
    world.wait_cli_calls("up", calls + 1, 10)
    world.lapi.bus.publish(notify.running())
    assert world.program.stop() == 0


def test_boot_deadline_in_the_login(world):
    """A login that never ends is cut off at the deadline."""
    world.install("lively", cli="hangs")
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    program = world.start({"TS_BOOT_TIMEOUT": "1s", "TS_AUTHKEY": "k"})
    assert program.wait_exit() == 1
    assert "tailscale up failed: context deadline exceeded" in program.output()
    # the command gets SIGKILL, and the kernel a moment for it
    wait_until(lambda: not world.daemon_pids() and not world.cli_pids(), 2, "both are gone")


def test_a_person_may_take_longer(world):
    """A login that a person has to confirm is not cut off; nor is an approval."""
    world.install("lively", cli="hangs")
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    program = world.start({"TS_BOOT_TIMEOUT": "500ms"})
    world.wait_cli_calls("up", 1)
    stays_true(program.alive, 1.0, "alive")
    assert len(world.cli_pids()) == 1
    assert program.stop() == 0


def test_approval_may_take_longer(world):
    """Waiting for an administrator is not cut off either."""
    world.install("lively")
    world.lapi.bus.publish(notify.state(notify.NEEDS_MACHINE_AUTH))
    program = world.start({"TS_BOOT_TIMEOUT": "500ms", "TS_AUTHKEY": "k"})
    program.wait_log_part("machine authorization required")
    stays_true(program.alive, 1.0, "alive")
    world.lapi.bus.publish(notify.running())
    program.wait_log(STARTED)


def test_boot_deadline_in_the_auth_loop(world):
    """Waiting for Running has the same deadline."""
    world.install("lively")
    world.lapi.bus.publish(notify.state(notify.STARTING))
    program = world.start({"TS_BOOT_TIMEOUT": "1s"})
    assert program.wait_exit() == 1
    assert "deadline exceeded" in program.output()
    assert world.daemon_pids() == []


def test_one_step_needs_login_without_kube(world):
    """A config file whose key does not log in is fatal where it cannot be renewed."""
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    program = world.start({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})
    assert program.wait_exit() == 1
    assert ("invalid state: tailscaled daemon started with a config file, but tailscale is not "
            "logged in: ensure you pass a valid auth key in the config file") in program.output()
