"""A pod of the cluster seen from outside: its processes, its network, its log, what it publishes."""

import base64
import contextlib
import json
import os
import signal
from pathlib import Path

from realbed import process, wait
from realbed.web import fetch

from . import layout


def _pids_of(container):
    """All processes of a container, by the name of their control group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if container in (entry / "cgroup").read_text():
                    found.append(int(entry.name))
    return sorted(found)


class _Client:
    """What realbed's probes ask of a node's own client, answered from what the pod publishes."""

    def __init__(self, pod):
        self._pod = pod

    def address(self):
        return json.loads(self._pod.published()["device_ips"])[0]


class Pod:
    """One pod by name; everything is looked up when it is asked for, since a pod may be replaced by its like."""

    def __init__(self, bed, name, namespace, container="tailscale", secret=None):
        """container is the one of the node; its state Secret has the pod's name unless another is given."""
        self.name = name
        self.space = namespace
        self.container = container
        self.client = _Client(self)
        self._bed = bed
        self._secret = secret or name

    def object(self):
        return self._bed.get("pod", self.name, self.space)

    def uid(self):
        return self.object()["metadata"]["uid"]

    @property
    def address(self):
        return self.object()["status"]["podIP"]

    def status(self):
        """The container's own status."""
        status = self.object()["status"]
        every = status.get("containerStatuses", []) + status.get("initContainerStatuses", [])
        return next(one for one in every if one["name"] == self.container)

    def ended(self):
        """How its container ended for good; nothing while it has not."""
        every = self.object()["status"].get("containerStatuses", [])
        return next((one["state"].get("terminated") for one in every if one["name"] == self.container), None)

    def restarts(self):
        """How often its container was started again."""
        return self.status()["restartCount"]

    def ready(self):
        conditions = self.object()["status"].get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def wait_ready(self, deadline=40):
        try:
            wait.wait_for(self.ready, deadline, f"{self.name} is ready", interval=0.2)
        except wait.Timeout as error:
            raise wait.Timeout(f"{error}\n{self.explain()}") from None
        return self

    def explain(self):
        """Events and the end of the log, for a failed story."""
        with contextlib.suppress(OSError):
            return self._bed.kubectl("describe", "pod", self.name, "-n", self.space)[-3000:] + self.log()[-3000:]
        return "no such pod"

    def pids(self):
        """The processes of the container, as pids outside."""
        return _pids_of(self.status()["containerID"].rpartition("/")[2])

    def supervisor(self):
        """The container's first process; 0 when there is none."""
        pids = self.pids()
        inside = set(pids)
        return next((pid for pid in pids if not _parent(pid) in inside), 0)

    def daemon(self):
        """The daemon below it; 0 when there is none."""
        supervisor = self.supervisor()
        with contextlib.suppress(OSError):
            return next((pid for pid in process.children_of(supervisor) if process.name_of(pid) == "tailscaled"), 0)
        return 0

    @property
    def namespace(self):
        """Its network namespace, for sockets of stories inside it."""
        return f"/proc/{self.supervisor()}/ns/net"

    def kill_daemon(self):
        pid = self.daemon()
        if not pid:
            raise LookupError(f"{self.name} has no daemon")
        os.kill(pid, signal.SIGKILL)
        return pid

    def volume(self, name):
        """A volume of a ConfigMap or Secret, as the folder in which kubelet swaps ..data."""
        machine = next(one for one in self._bed.nodes if one.name == self.object()["spec"]["nodeName"])
        kubelet = f"{layout.KUBELET_FOLDER}/pods/{self.uid()}/volumes"
        found = [f"{kubelet}/kubernetes.io~{kind}/{name}" for kind in ("configmap", "secret", "projected")]
        inside = [Path(f"/proc/{machine.init}/root{path}") for path in found]
        return next(path for path in inside if path.exists())

    def exec(self, *command, deadline=20):
        """Runs a command in the container by the API, as people do."""
        return self._bed.kubectl("exec", "-n", self.space, self.name, "-c", self.container, "--", *command,
                                 deadline=deadline)

    def log(self, previous=False):
        more = ["--previous"] if previous else []
        return self._bed.kubectl("logs", "-n", self.space, self.name, "-c", self.container, *more)

    def wait_log(self, text, deadline):
        wait.wait_for(lambda: text in self.log(), deadline, f"{self.name} says {text!r}", interval=0.2)

    def published(self):
        """The decoded state Secret."""
        return self._bed.secret(self._secret, self.space)

    def get(self, path, port=9002):
        """Status and body of a GET on the pod's own loopback, (0, "") without a listener."""
        with contextlib.suppress(OSError):
            return fetch(self.namespace, "127.0.0.1", port, path)
        return 0, ""

    def delete(self, *options, deadline=60):
        """Deletes it; options are kubectl's."""
        self._bed.kubectl("delete", "pod", "-n", self.space, self.name, *options, deadline=deadline)


def _parent(pid):
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    return 0


def decoded(secret):
    """The data of a Secret as texts."""
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in (secret.get("data") or {}).items()}
