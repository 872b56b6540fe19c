"""The node with all that belongs to it, for stories, for `make cluster` and for tests of other folders."""

import contextlib
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from realbed import netns, settings, wait
from realbed.bed import Bed
from realbed.headscale import Headscale
from realbed.peer import Peer
from realbed.process import Process

from . import access, dns, images, layout, teardown
from .control import ControlPlane
from .machine import Machine
from .pods import decoded
from .requirements import reasons


class Unsuitable(RuntimeError):
    """The machine cannot run a node; each line of the text is a reason."""


class NodeBed(Bed):
    """A cluster of one node or two, beside a Headscale and a peer with a web page. A context manager.

    kubectl(), apply(), load_image(), node(n), kubeconfig, audit_log, headscale, peer are what stories need.
    """

    def __init__(self, folder=None, *, nodes=1, report=lambda step, seconds: None):
        lacks = reasons()
        if lacks:
            raise Unsuitable("\n".join(lacks))
        self.nodes, self.control = [], None
        self._count = nodes
        self._report = report
        self._kubectl = layout.kubernetes("kubectl")
        super().__init__(folder)

    @contextlib.contextmanager
    def _step(self, name):
        began = time.monotonic()
        yield
        self._report(name, time.monotonic() - began)

    def _start(self):
        """Everything begins as early as it can; the API server's start is what the others fill."""
        with self._step("etcd and the API server begin"):
            netns.set_sysctl(self.network.hub, "ipv4/ip_forward", 1)
            self.control = ControlPlane(self)
            self._open_gate()
        with self._step("Headscale"):
            self.headscale = Headscale(self.folder / "headscale", self.network, self.authority)
        with self._step("containerd with the pause image"):
            self.nodes = [Machine(self, number + 1) for number in range(self._count)]
            for machine in self.nodes:
                machine.start()
        # Nothing else needs a disk meanwhile.
        loading = ThreadPoolExecutor().submit(self._load_own_images)
        with self._step("tailnet peer"):
            self.peer = Peer(self)
        with self._step("API server is ready"):
            self.control.wait_ready()
        with self._step("controllers, kubelet, kube-proxy, CoreDNS begin"):
            self.control.start_controllers()
            for machine in self.nodes:
                machine.join()
            self.dns = dns.start(self, self.kubeconfig_inside)
            dns.publish(self.control)
        with self._step("images, begun with containerd"):
            loading.result()
        with self._step("nodes are Ready"):
            for machine in self.nodes:
                machine.wait_ready()
        with self._step("service accounts"):
            wait.wait_for(lambda: self.get("serviceaccount", "default"), 30, "the default service account")

    def _load_own_images(self):
        for archive in (images.tools(self.folder), images.under_test(self.folder)):
            self.load_image(archive)

    def _open_gate(self):
        """Makes the API server reachable from the machine's own loopback, and by no other."""
        port_file = self.folder / "gate.port"
        self.gate = Process("gate", ["/usr/bin/python3", layout.NODE / "nodebed" / "gate.py", self.network.hub,
                                     settings.HUB_ADDRESS, 443, port_file], self.folder)
        wait.wait_for(port_file.exists, 10, "the way to the API server is open")
        self.kubeconfig = access.write_config(self.folder / "kubeconfig", self.authority,
                                              f"https://127.0.0.1:{port_file.read_text()}", self.control.admin)
        self.kubeconfig_inside = access.write_config(self.folder / "kubeconfig.inside", self.authority,
                                                     f"https://{settings.HUB_ADDRESS}", self.control.admin)

    def cluster(self):
        """The control plane, with what realbed's stories do to it: pause(), kill(), restart()."""
        return self.control

    @property
    def audit_log(self):
        """The API server's audit log: a JSON event a line."""
        return self.control.audit_log

    def node(self, number):
        """A node; the first is number 1."""
        return self.nodes[number - 1]

    def kubectl(self, *arguments, stdin=None, deadline=60):
        """One call of kubectl; returns what it printed, fails with its words."""
        done = subprocess.run([self._kubectl, f"--kubeconfig={self.kubeconfig}", *map(str, arguments)],
                              input=stdin, capture_output=True, text=True, timeout=deadline)
        if done.returncode != 0:
            raise OSError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def get(self, kind, name, namespace="default"):
        """A pod, Secret, Service or other object of the core group as the API server has it."""
        return self.control.get(f"/api/v1/namespaces/{namespace}/{kind}s/{name}")

    def secret(self, name, namespace="default"):
        """The decoded content of a Secret."""
        return decoded(self.get("secret", name, namespace))

    def apply(self, documents, namespace=None):
        """Applies objects: a list of them, or YAML text; namespace is for those that name none."""
        text = documents
        if not isinstance(documents, str):
            text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
        where = ["-n", namespace] if namespace else []
        return self.kubectl("apply", "--server-side", "--force-conflicts", *where, "-f", "-", stdin=text)

    def load_image(self, archive):
        """Makes the images of an archive known to every node, without a registry."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda machine: machine.load_image(archive), self.nodes))

    def recover(self):
        """After the API server was away: everything that asks it does so at once instead of after its own pause."""
        self.control.restart_controllers()
        for machine in self.nodes:
            machine.rejoin()
        self.dns.stop()
        self.dns = dns.start(self, self.kubeconfig_inside)
        for machine in self.nodes:
            machine.wait_ready()

    def processes(self):
        """What runs: (name, version, pid, log) of each."""
        kubernetes, plain = "kubernetes", settings.partner_version
        rows = [("etcd", plain("etcd"), self.control.etcd), ("kube-apiserver", plain(kubernetes), self.control.process),
                ("kube-controller-manager", plain(kubernetes), self.control.controllers),
                ("kube-scheduler", plain(kubernetes), self.control.scheduler), ("coredns", plain("coredns"), self.dns),
                ("headscale", plain("headscale"), self.headscale.process),
                ("tailscaled of the peer", plain("tailscale"), self.peer.process)]
        listed = [(name, version, process.pid, process.log_path) for name, version, process in rows]
        for machine in self.nodes:
            versions = {"containerd": machine.ctr("--version").split()[-1], "kubelet": plain(kubernetes),
                        "kube-proxy": plain(kubernetes)}
            listed += [(f"{label} of {machine.name}", version, machine.pid(label), machine.processes[label].log_path)
                       for label, version in versions.items()]
        return listed

    def close(self):
        """Ends all of it and keeps the logs; nothing else is left."""
        for machine in self.nodes:
            machine.kill()
        if self.control:
            self.control.end()
        teardown.keep_logs(self.folder)
        super().close()
