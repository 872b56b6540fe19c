"""The daemon dies during a stop: it is neither started again nor waited for, and nothing of ours is lost."""

import time

import pytest
from fakes import faults, notify
from fakes.waiting import stays_true, wait_until


def test_daemon_dies_during_the_stop(world):
    """A daemon that dies while its state is awaited is not started again."""
    world.install("lively")
    program = world.start_running(world.kube_env(TAILBOOT_STOP_BUDGET="2s"))
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    world.kube.update({"_machinekey": "x"})
    program.terminate()
    program.wait_log('Waiting for tailscaled to finish writing state to Secret "tailscale"')
    world.kill_daemon()
    assert program.wait_exit() == 0
    assert world.daemon_starts() == 1


@pytest.mark.parametrize("limit", ["0", "10"])
def test_daemon_dies_during_the_withdrawal(world, limit):
    """It is neither started again nor waited for, and the stop stays a requested one."""
    world.install("lively")
    world.lapi.prefs = {"AdvertiseServices": ["svc:a"]}
    program = world.start_running({"TAILBOOT_STOP_BUDGET": "8s", "TAILBOOT_RESTART_LIMIT": limit})
    reached = world.lapi.hold("PATCH", "prefs")
    program.terminate()
    wait_until(reached, 5, "withdrawal under way")
    begun = time.monotonic()
    world.kill_daemon()
    assert program.wait_exit(5) == 0
    assert time.monotonic() - begun < 2
    assert world.daemon_starts() == 1


@pytest.mark.parametrize("phase", ["withdrawal", "state"])
def test_what_is_left_is_published_without_the_daemon(world, phase):
    """The daemon's death in the midst of a stop ends the step, not the writes that are under way."""
    world.install("lively")
    world.lapi.prefs = {"AdvertiseServices": ["svc:a"]} if phase == "withdrawal" else {}
    program = world.start_running(world.kube_env(TAILBOOT_STOP_BUDGET="15s"))
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    gate = faults.Gate()
    world.kube.fault("patch", gate, None)
    world.lapi.bus.publish(notify.running(notify.node(name="renamed.test.ts.net.")))
    wait_until(gate.reached.is_set, 5, "the write is under way")
    if phase == "withdrawal":
        reached = world.lapi.hold("PATCH", "prefs")
    else:
        world.kube.update({"_machinekey": "x"})
        reached = lambda: program.log_count("Waiting for tailscaled to finish writing state")
    program.terminate()
    wait_until(reached, 5, phase)
    world.kill_daemon()
    stays_true(program.alive, 0.4, "it waits for the write")
    gate.open()
    assert program.wait_exit(10) == 0
    assert world.kube.get()["device_fqdn"] == "renamed.test.ts.net."
    assert world.daemon_starts() == 1
    assert program.log_count("tailscaled exited") == 1


def test_dead_daemon_is_not_waited_for(world):
    """An incomplete state that will not be completed does not delay the stop."""
    world.install("lively")
    program = world.start_running(world.kube_env(TAILBOOT_RESTART_LIMIT="0"))
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    world.kube.update({"_machinekey": "x"})
    begun = time.monotonic()
    world.kill_daemon()
    assert program.wait_exit(10) == 3
    assert time.monotonic() - begun < 3
