"""Where pods are measured: a real API server, a client and a far end, each in a namespace without uplink.

    client 10.244.0.2 -- c0 10.244.0.1 [pod] 100.64.0.1 tailscale0 (MTU 1280) -- t0 100.65.1.1 far end
                                       eth0 -- bridge of the hub: etcd, API server
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from realbed import settings
from realbed.cluster import Cluster
from realbed.netns import Network
from realbed.pki import Authority
from realbed.process import Process, stop_all

from . import shapes

POD_ADDRESS = "10.244.0.1"
#: the tunnel has no link addresses: a far end with the same one, and no question for it, is as near as veth gets
_LINK_ADDRESS = "02:00:00:00:64:01"
_GATEWAY = "100.64.255.1"


def _do(namespace, *commands):
    text = "\n".join(commands)
    done = subprocess.run(["ip", "-n", namespace, "-batch", "-"], input=text, capture_output=True,
                          text=True, timeout=20)
    if done.returncode != 0:
        raise RuntimeError(f"ip -n {namespace}: {done.stderr.strip()}\n{text}")


def _sysctl(namespace, *values):
    subprocess.run(["nsenter", f"--net=/run/netns/{namespace}", "sysctl", "-qw", *values], check=True,
                   capture_output=True, timeout=20)


class Place:
    """A context manager; pods come and go, the rest stays."""

    def __init__(self):
        if os.geteuid() != 0:
            raise PermissionError("network namespaces are made by root")
        self.folder = Path(tempfile.mkdtemp(prefix="tailboot-bench.", dir="/var/tmp"))
        self.hosts = {settings.API_NAME: settings.HUB_ADDRESS}
        self.network = Network(f"tb{secrets.token_hex(2)}")
        self._numbers = 0
        try:
            self.client, _ = self.network.add("client")
            self.far, _ = self.network.add("far")
            self._shape_ends()
            authority = Authority(self.folder / "pki")
            self.cluster = Cluster(self.folder / "cluster", self.network, authority)
        except BaseException:
            self.close()
            raise

    def _shape_ends(self):
        _sysctl(self.client, "net.ipv4.tcp_timestamps=0", "net.ipv4.ip_local_port_range=1024 65535")
        _sysctl(self.far, "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        _do(self.far, f"addr add {shapes.TARGET}/32 dev lo")

    def copy(self, program):
        """The path of a copy: a pod has a /tmp of its own, and a rebuild must not change what runs."""
        target = self.folder / ("program-" + hashlib.sha256(program.encode()).hexdigest()[:16])
        if not target.exists():
            shutil.copy2(program, target)
        return target

    def add_pod(self):
        """(name, namespace, address on the bridge) with links to both ends."""
        self._numbers += 1
        name = f"pod-{self._numbers}"
        pod, address = self.network.add(name)
        _sysctl(pod, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        _do(pod, f"link add c0 type veth peer name e0 netns {self.client}",
            f"link add tailscale0 address {_LINK_ADDRESS} mtu 1280 type veth"
            f" peer name t0 address {_LINK_ADDRESS} mtu 1280 netns {self.far}",
            f"addr add {POD_ADDRESS}/24 dev c0", "link set c0 up",
            f"addr add {shapes.OWN_ADDRESS}/32 dev tailscale0", "link set tailscale0 arp off",
            "link set tailscale0 up",
            f"route add {shapes.TARGET} via {_GATEWAY} dev tailscale0 onlink src {shapes.OWN_ADDRESS}")
        _do(self.client, "addr add 10.244.0.2/24 dev e0", "link set e0 up")
        _do(self.far, f"addr add {_GATEWAY}/32 dev t0", "link set t0 arp off", "link set t0 up",
            f"route add {shapes.OWN_ADDRESS}/32 dev t0")
        return name, pod, address

    def remove_pod(self, namespace):
        """Takes the links away at once, which the end of a namespace does some time later."""
        _do(namespace, "link del tailscale0", "link del c0")
        self.network.remove(namespace)

    def close(self):
        """Ends all that was started, by pid, and removes namespaces and folder."""
        stop_all(Process.alive, deadline=2)
        with contextlib.suppress(RuntimeError):
            self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
