"""Children of a run: started in a namespace with their output in a file, ended by pid, always waited for."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time

from . import netns, wait

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def start_time(pid):
    """When a process began, in clock ticks since boot; distinguishes a pid from a later one of the same number."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[19]


def note(file, pid):
    """Writes a pid file: pid and start time."""
    file.write_text(f"{pid} {start_time(pid)}\n")


class Process:
    """One program, its log file and its pid file (pid and start time)."""

    # All that were started and not yet waited for, oldest first.
    alive = []
    # False lets the children outlive this program.
    die_with_parent = True

    def __init__(self, label, command, folder, *, namespace=None, environment=None):
        """Starts command; namespace is a network namespace's name, environment replaces the whole."""
        folder.mkdir(parents=True, exist_ok=True)
        self.label = label
        self.log_path = folder / f"{label}.log"
        self.started = time.monotonic()
        prefix = ["nsenter", f"--net={netns.path_of(namespace)}", "--"] if namespace else []
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                [*prefix, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={key: str(value) for key, value in environment.items()} if environment is not None else None,
                start_new_session=True,
                preexec_fn=self._bind_to_parent if self.die_with_parent else None,
            )
        self.pid = self.child.pid
        Process.alive.append(self)
        note(folder / f"{label}.pid", self.pid)

    @staticmethod
    def _bind_to_parent():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def running(self):
        return self.child.poll() is None

    def log(self):
        """All that it has said so far, on both descriptors."""
        return self.log_path.read_text(errors="replace")

    def tail(self, lines=40):
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_log(self, text, deadline, after=0):
        """Waits for a text in the log at or behind offset `after`; returns the offset behind it."""

        def found():
            place = self.log().find(text, after)
            if place >= 0:
                return place + len(text)
            if not self.running():
                # One more look: the last lines may have come between the two.
                place = self.log().find(text, after)
                if place >= 0:
                    return place + len(text)
                raise wait.Timeout(f"{self.label} ended ({self.child.returncode}) without saying {text!r}")
            return 0

        return wait.wait_for(found, deadline, f"{self.label} says {text!r} (in {self.log_path})", interval=0.01)

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, deadline):
        """Exit status, negative for a signal; fails when it is still there at the deadline."""
        try:
            return self.child.wait(deadline)
        except subprocess.TimeoutExpired:
            raise wait.Timeout(f"{self.label} still runs after {deadline} s") from None

    def stop(self, deadline=5):
        """SIGTERM, then SIGKILL; never raises, so that a teardown gets through."""
        stop_all([self], deadline)
        return self.child.returncode


def stop_all(processes, deadline=5):
    """Ends processes side by side: SIGTERM, SIGKILL at the deadline; returns when all are gone."""
    processes = [process for process in processes if process.running()]
    for process in processes:
        process.signal(signal.SIGCONT)
        process.signal(signal.SIGTERM)
    end = time.monotonic() + deadline
    for process in processes:
        try:
            process.child.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.signal(signal.SIGKILL)
            process.child.wait()
    Process.alive = [process for process in Process.alive if process.running()]


def children_of(pid):
    """Direct children of a process, as pids of the caller's own pid namespace."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    return found


def name_of(pid):
    """The command name of a process, "" when it is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
