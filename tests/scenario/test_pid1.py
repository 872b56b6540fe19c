"""As process 1 of its own process namespace: every orphan is reaped, no status is stolen."""

import contextlib
import os
import signal

from fakes import notify
from fakes.waiting import stays_true, wait_until
from harness import SET, STARTED, USERSPACE
from process import processes_of

UNSHARE = ("unshare", "--pid", "--fork", "--kill-child")


def first_process(world):
    """Pid, as seen from here, of the process 1 of the namespace."""
    return wait_until(world.program.children, 5, "process 1")[0]


def zombies(pid):
    """Unreaped children of that process."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(name)}/stat", encoding="utf-8", errors="replace") as f:
                words = f.read().rsplit(")", 1)[1].split()
            if words[0] == "Z" and int(words[1]) == pid:
                found.append(int(name))
    return found


def stop(world, pid):
    """unshare ignores SIGTERM, so process 1 gets it directly."""
    os.kill(pid, signal.SIGTERM)
    return world.program.wait_exit()


def test_orphans_are_reaped(world):
    """Grandchildren that outlive their parent end up at process 1, and leave no zombie."""
    world.install("leaves_orphans")
    world.start_running(wrapper=UNSHARE)
    pid = first_process(world)
    wait_until(lambda: not zombies(pid), 3, lambda: f"zombies {zombies(pid)}")
    stays_true(lambda: len(zombies(pid)) <= 1, 0.5, lambda: f"zombies {zombies(pid)}")
    wait_until(lambda: not zombies(pid), 1, lambda: f"zombies {zombies(pid)}")
    assert stop(world, pid) == 0


def test_many_orphans_at_once(world):
    """Signals coalesce; all of them are reaped all the same."""
    world.install("leaves_many_orphans")
    world.start_running(wrapper=UNSHARE)
    pid = first_process(world)
    world.wait_cli_calls("up", 1)
    # unshare, the program, the daemon and its sleep remain
    wait_until(lambda: len(processes_of(world.root)) <= 4, 5, "the orphans have ended")
    wait_until(lambda: not zombies(pid), 3, lambda: f"zombies {zombies(pid)}")
    assert stop(world, pid) == 0


def test_statuses_of_own_children(world):
    """With orphans ending all the time, `up` and `set` still get their own status."""
    world.install("leaves_orphans")
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    world.start({"TS_AUTH_ONCE": "true"}, wrapper=UNSHARE)
    world.wait_cli_calls("up", 1)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(STARTED)
    commands = world.commands()
    assert commands[0] == USERSPACE and commands[-1] == SET
    assert stop(world, first_process(world)) == 0


def test_crash_as_process_1(world):
    """The daemon is brought back there too."""
    world.install("lively")
    world.start_running(wrapper=UNSHARE)
    world.crash_daemon(2, notify.state(notify.NEEDS_LOGIN))
    world.wait_cli_calls("up", 2)
    assert stop(world, first_process(world)) == 0
    assert world.daemon_pids() == []


def test_sigterm_early_as_process_1(world):
    """Process 1 has no default action for signals; the stop works all the same."""
    world.install("no_socket")
    world.start({}, wrapper=UNSHARE)
    world.wait_commands([USERSPACE])
    assert stop(world, first_process(world)) == 0
