"""The whole bed: one run's folder, network, authority, control server, peer, and a cluster on demand."""

import contextlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from . import ending, netns, settings
from .cluster import Cluster
from .echo import Echo
from .headscale import Headscale
from .netns import Network
from .peer import Peer
from .pki import Authority
from .pod import Pod
from .process import Process, stop_all


class Bed:
    """Everything a story needs. Use as a context manager, or call close()."""

    def __init__(self, folder=None):
        """folder is a new one by default; one that is given must exist and be empty."""
        if os.geteuid() != 0:
            raise PermissionError("the bed makes network namespaces: run it as root")
        # Not under /tmp or /run: the programs in the bed get empty ones.
        self.folder = Path(folder or tempfile.mkdtemp(prefix="tailboot-real.", dir="/var/tmp"))
        self.keep = [self.folder, settings.partner("tailscale")]
        self.hosts = {settings.CONTROL_NAME: settings.HUB_ADDRESS, settings.API_NAME: settings.HUB_ADDRESS}
        self.headscale = self.peer = self._cluster = self._guest = self._client = None
        self._pods = []
        self._backends = []
        self._names = self._virtual = 0
        self.network = Network(f"tb{secrets.token_hex(2)}")
        ending.remember_network(self.folder, self.network.prefix)
        try:
            self.authority = Authority(self.folder / "pki")
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        """Starts what every story needs."""
        self.headscale = Headscale(self.folder / "headscale", self.network, self.authority)
        self.peer = Peer(self)

    def cluster(self):
        """etcd and the API server; started at the first call."""
        if not self._cluster:
            self._cluster = Cluster(self.folder / "cluster", self.network, self.authority)
        return self._cluster

    def guest(self):
        """A second peer, which accepts the routes of others; started at the first call."""
        if not self._guest:
            self._guest = Peer(self, "guest", accept_routes=True)
        return self._guest

    def new_name(self, label):
        """A name that nothing else of the run has."""
        self._names += 1
        return f"{label}{self._names}"

    def new_virtual(self):
        """Addresses for one more Tailscale Service, IPv4 and IPv6; no node of the run had a route to them before."""
        self._virtual += 1
        return f"10.77.1.{self._virtual}", f"fd77::{self._virtual}"

    def new_peer(self, name=None, **options):
        """A peer of one story's own, which the story closes."""
        return Peer(self, name or self.new_name("other"), **options)

    def client(self):
        """A namespace on the cluster network for clients, both families, with an MTU of 1500."""
        if not self._client:
            self._client = self.network.add("client", dual=True)[0]
        return self._client

    def backends(self, count):
        """Echo servers on the cluster network, each in a namespace of its own, both families."""
        while len(self._backends) < count:
            name = f"backend{len(self._backends) + 1}"
            namespace, address = self.network.add(name, dual=True)
            self._backends.append(Echo(namespace, name, self.folder / name, [address, netns.address6(address)]))
        return self._backends[:count]

    def pod(self, label="node", **options):
        """A new pod with a name of its own."""
        pod = Pod(self, self.new_name(label), **options)
        self._pods.append(pod)
        return pod

    def release(self, pod):
        """Ends a pod before the run ends."""
        pod.close()
        self._pods.remove(pod)

    def pods(self):
        return list(self._pods)

    def close(self):
        """Ends all that the bed started, by pid, and removes its namespaces and its folder."""
        for pod in self.pods():
            with contextlib.suppress(Exception):
                self.release(pod)
        stop_all(Process.alive, deadline=2)
        self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
