"""tests/drive/kube_drive: the client library of the API server, driven line by line."""

import contextlib
import os
import subprocess

from drive.driven import Driven

from . import settings, wait

CONFIG_MAPS = {"plural": "configmaps", "kind": "ConfigMap"}


def build(name="kube_drive"):
    """A driven program, built with the tests' debug variant."""
    subprocess.run([settings.ROOT / "scripts" / "need", "build", "test"], check=True, timeout=900)
    subprocess.run([settings.ROOT / "scripts" / "build", "debug", name], check=True, timeout=600)
    return settings.ROOT / "build" / "debug" / "tests" / "drive" / name


class KubeDrive(Driven):
    """One running client."""

    def __init__(self, program, access, namespace):
        """access is the folder of a service account, or a kubeconfig."""
        where = [settings.HUB_ADDRESS, "443"] if access.is_dir() else []
        super().__init__(["nsenter", f"--net=/run/netns/{namespace}", "--", str(program), str(access), *where])
        self._tags = 0

    def wait_event(self, deadline, what, after=0, **members):
        """The first event from the place `after` on that has these members."""

        def found():
            event = self.find(after, **members)
            if event is None and self.ended() is not None:
                raise wait.Timeout(f"the client ended ({self.ended()}) before: {what}")
            return event

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
