"""tests/drive/kube_drive: the client library of the API server, driven line by line."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time

from . import settings, wait

CONFIG_MAPS = {"plural": "configmaps", "kind": "ConfigMap"}


def build():
    """The program, built with the tests' debug variant."""
    subprocess.run([settings.ROOT / "scripts" / "need", "build", "test"], check=True, timeout=900)
    subprocess.run([settings.ROOT / "scripts" / "build", "debug", "kube_drive"], check=True, timeout=600)
    return settings.ROOT / "build" / "debug" / "tests" / "drive" / "kube_drive"


class KubeDrive:
    """One running client. Events are kept in the order in which it said them."""

    def __init__(self, program, access, namespace):
        """access is the folder of a service account, or a kubeconfig."""
        where = [settings.HUB_ADDRESS, "443"] if access.is_dir() else []
        command = ["nsenter", f"--net=/run/netns/{namespace}", "--", str(program), str(access), *where]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._child.pid
        self.events = []
        self._tags = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._child.stdout:
            self.events.append({**json.loads(line), "at": time.monotonic()})

    def say(self, **command):
        self._child.stdin.write(json.dumps(command) + "\n")
        self._child.stdin.flush()

    def wait_event(self, deadline, what, after=0, **members):
        """The first event from the place `after` on that has these members."""

        def found():
            for event in self.events[after:]:
                if all(event.get(key) == value for key, value in members.items()):
                    return event
            if self._child.poll() is not None:
                raise wait.Timeout(f"the client ended ({self._child.returncode}) before: {what}")
            return None

        return wait.wait_for(found, deadline, what, interval=0.01)

    def op(self, verb, **command):
        """Starts a request; returns its tag."""
        self._tags += 1
        tag = f"{verb}{self._tags}"
        self.say(do="op", verb=verb, tag=tag, **command)
        return tag

    def answer(self, tag, deadline=40):
        return self.wait_event(deadline, f"the answer of {tag}", tag=tag)

    def outcome(self, verb, **command):
        """A request and what came of it: (outcome, body)."""
        event = self.answer(self.op(verb, **command))
        return event["outcome"], event.get("body")

    def converge(self, **command):
        """A document that is applied unless the live one contains it; returns the tag of the answer."""
        self._tags += 1
        self.say(do="converge", tag=f"converge{self._tags}", **command)
        return f"converge{self._tags}"

    def list(self, **command):
        self._tags += 1
        self.say(do="list", tag=f"list{self._tags}", **command)
        return f"list{self._tags}"

    def dump(self, name):
        """State and content of a watch."""
        before = len(self.events)
        self.say(do="dump", id=name)
        return self.wait_event(10, f"the content of {name}", before, event="dump")

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def memory(self):
        """Peak of its resident memory, in MiB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))

    def connections(self):
        """Its established connections."""
        folder = f"/proc/{self.pid}/fd"
        mine = set()
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                mine.add(os.readlink(f"{folder}/{name}"))
        with open(f"/proc/{self.pid}/net/tcp", encoding="ascii") as file:
            rows = [line.split() for line in file.readlines()[1:]]
        return sum(row[3] == "01" and f"socket:[{row[9]}]" in mine for row in rows)

    def close(self):
        with contextlib.suppress(OSError):
            self._child.stdin.close()
        self.thaw()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(5)
        return self._child.returncode
