"""A program that is driven line by line: commands in, events out, both JSON."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time

#: beyond this it is address space that a sanitizer has reserved
_LARGEST = 1 << 30


class Driven:
    """One running program. Events are kept in the order in which it said them, each with the time `at`."""

    def __init__(self, command):
        # The search for leaks stops the process by ptrace at its end, and hangs there once in some fifty ends; the unit
        # tests look for leaks.
        options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "detect_leaks=0")))
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                       env={**os.environ, "ASAN_OPTIONS": options})
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

    def holds(self, text):
        """How often a text stands in its writable memory."""
        found = 0
        with open(f"/proc/{self.pid}/maps", encoding="ascii") as maps, open(f"/proc/{self.pid}/mem", "rb") as memory:
            for line in maps:
                place, rights = line.split()[:2]
                first, last = (int(end, 16) for end in place.split("-"))
                if "rw" not in rights or last - first > _LARGEST or "[v" in line:
                    continue
                with contextlib.suppress(OSError):
                    memory.seek(first)
                    found += memory.read(last - first).count(text.encode())
        return found

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
