"""The process under test, its log, and the processes that belong to one root."""

import contextlib
import os
import re
import signal
import subprocess

from fakes.waiting import wait_until

LINE = re.compile(r"^boot: \d{4}/\d\d/\d\d \d\d:\d\d:\d\d (.*)$")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: \w+Sanitizer")


def processes_of(root):
    """(pid, argv) of all processes whose environment names that root."""
    mark = f"TS_TEST_RECORD_ARGS={root}/args".encode() + b"\0"
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/environ", "rb") as f:
                if mark not in f.read():
                    continue
            with open(f"/proc/{name}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
            found.append((int(name), argv))
    return found


def kill_all(root):
    """Kill what is left of one root, by pid."""
    for pid, _ in processes_of(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Program:
    """One run of the program. Output goes to a file: a pipe would end with its last holder."""

    def __init__(self, command, env, output):
        self.output_path = output
        with open(output, "ab") as sink:
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL,
                                            stdout=sink, stderr=sink, close_fds=True)
        self.pid = self.process.pid

    # -- log

    def output(self):
        """All that program and children wrote."""
        return self.output_path.read_text(errors="replace")

    def lines(self):
        """The texts of the program's own lines."""
        return [m.group(1) for m in map(LINE.match, self.output().split("\n")) if m]

    def has_log(self, suffix):
        """True when a line ends with a blank and that text."""
        return any((" " + line).endswith(" " + suffix) for line in self.lines())

    def log_count(self, text):
        """The number of lines that contain that text."""
        return sum(text in line for line in self.lines())

    def wait_log(self, suffix, timeout=5.0):
        """Wait for a line that ends with that text."""
        wait_until(lambda: self.has_log(suffix) or self._gone(suffix), timeout,
                   lambda: f"log line {suffix!r}")

    def wait_log_part(self, text, timeout=5.0, least=1):
        """Wait for lines that contain that text."""
        wait_until(lambda: self.log_count(text) >= least or self._gone(text), timeout,
                   lambda: f"{least} x log line with {text!r}")

    def _gone(self, text):
        """Fail at once when the program has ended without the awaited line."""
        if self.process.poll() is None:
            return False
        if text in self.output():
            return True
        raise AssertionError(f"ended with {self.process.returncode} before the line {text!r}")

    # -- life

    def alive(self):
        """True while it runs."""
        return self.process.poll() is None

    def terminate(self, sig=signal.SIGTERM):
        """Send a signal."""
        self.process.send_signal(sig)

    def wait_exit(self, timeout=10.0):
        """Wait for the end; returns the exit status."""
        wait_until(lambda: not self.alive(), timeout, "program ended")
        return self.process.returncode

    def stop(self, timeout=10.0, sig=signal.SIGTERM):
        """SIGTERM and wait; returns the exit status."""
        self.terminate(sig)
        return self.wait_exit(timeout)

    def end(self, timeout=30.0):
        """Make sure that it has ended; returns complaints."""
        if not self.alive():
            return []
        self.process.terminate()
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return [f"SIGTERM was not obeyed within {timeout:g} s"]
        return [] if status == 0 else [f"exit status {status} after SIGTERM"]

    def sanitizer_reports(self):
        """Complaints of the sanitizers in the output."""
        return [line for line in self.output().split("\n") if SANITIZER.search(line)]

    def children(self):
        """Pids of the direct children."""
        path = f"/proc/{self.pid}/task/{self.pid}/children"
        with open(path, encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
