"""A program that is driven line by line: commands in, events out, both JSON."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time


class Driven:
    """One running program. Events are kept in the order in which it said them, each with the time `at`."""

    def __init__(self, command):
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._child.pid
        self.events = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._child.stdout:
            self.events.append({**json.loads(line), "at": time.monotonic()})

    def say(self, **command):
        """One command."""
        self._child.stdin.write(json.dumps(command) + "\n")
        self._child.stdin.flush()

    def find(self, after=0, **members):
        """The first event from the place `after` on that has these members, None when there is none."""
        for event in self.events[after:]:
            if all(event.get(key) == value for key, value in members.items()):
                return event
        return None

    def ended(self):
        """Its exit status, None while it runs."""
        return self._child.poll()

    def freeze(self):
        """Stops it."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        """Lets it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def memory(self):
        """Peak of its resident memory, in MiB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))

    def close(self):
        """Ends it; returns its exit status."""
        with contextlib.suppress(OSError):
            self._child.stdin.close()
        if self._child.poll() is None:
            self.thaw()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(5)
        return self._child.returncode
