"""What ends while `tailscale up` runs: the end of the daemon outranks the end of the command."""

import os
import signal

import pytest
from fakes import notify
from fakes.waiting import wait_until
from harness import STARTED

pytestmark = pytest.mark.both_generations

NEEDS_LOGIN = notify.state(notify.NEEDS_LOGIN)
EVENTS = "sys/fs/cgroup/memory.events"


def write(world, path, text):
    """A file of the kernel below the root."""
    place = world.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def in_up(world):
    """At boot, while `tailscale up` runs."""
    write(world, "proc/self/cgroup", "0::/\n")
    write(world, EVENTS, "oom 0\noom_kill 0\n")
    world.install("lively", "hangs")
    world.lapi.bus.publish(NEEDS_LOGIN)
    world.start({"TS_AUTHKEY": "k"})
    wait_until(world.cli_pids, 8, "tailscale up runs")
    world.lapi.bus.wait_watchers(1)


def both_end(world, sig):
    """The command first, as it is reaped; the daemon a moment later."""
    daemon = world.daemon_pids()[0]
    world.lapi.stop()
    for pid in world.cli_pids():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not world.cli_pids(), 5, "the command has ended")
    world.install("lively")
    os.kill(daemon, sig)
    world.wait_daemon_starts(2)


def completes(world):
    """The boot goes on in place."""
    world.lapi.start()
    world.wait_cli_calls("up", 2)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(STARTED, 8)
    assert world.daemon_starts() == 2
    assert "failed to auth" not in world.program.output()


def test_the_end_of_the_daemon_counts(world):
    """No failed login is reported, and the boot goes on in place."""
    in_up(world)
    both_end(world, signal.SIGSEGV)
    world.program.wait_log_part("tailscaled ended (signal: segmentation fault)")
    completes(world)


def test_want_of_memory_is_named(world):
    """The kernel's counter distinguishes an out-of-memory kill from other ones."""
    in_up(world)
    write(world, EVENTS, "oom 1\noom_kill 1\n")
    both_end(world, signal.SIGKILL)
    world.program.wait_log_part("tailscaled ended (signal: killed (out of memory: ")
    completes(world)
    world.kill_daemon()
    world.program.wait_log_part("tailscaled ended (signal: killed), restarting")


def test_a_refused_login_is_still_one(world):
    """A command that fails beside a daemon that lives is a failed login."""
    world.install("lively", "fails")
    world.lapi.bus.publish(NEEDS_LOGIN)
    program = world.start({"TS_AUTHKEY": "k"})
    assert program.wait_exit(8) == 1
    assert "invalid key: API key does not exist" in program.lines()[-1]
    assert world.daemon_starts() == 1
