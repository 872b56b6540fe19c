"""One node: namespaces of its own with containerd, kubelet and kube-proxy in them.

Its processes share mount, pid, UTS and IPC namespaces; whatever containers, mounts and network namespaces they make is
in there and ends with PID 1 of them. The first node has the network namespace of the control plane.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from realbed import netns, process, settings, wait
from realbed.process import Process

from . import access, cgroups, images, layout

_INIT = Path(__file__).resolve().parent / "machine.sh"

_CONTAINERD = """\
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
"""


def _network(number, folder):
    """The pods' network: a routed pair of devices for each, so that no packet of a Service goes around conntrack."""
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [
        {"type": "ptp", "ipMasq": False,
         "ipam": {"type": "host-local", "dataDir": f"{folder}/cni-addresses",
                  "ranges": [[{"subnet": layout.pods_of(number)}]], "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]}


class Machine:
    """A node; start() begins everything, wait_ready() returns when Kubernetes calls it Ready."""

    def __init__(self, bed, number):
        self.number = number
        self.name = f"node{number}"
        self.folder = bed.folder / self.name
        self.socket = self.folder / "containerd.sock"
        self._bed = bed
        self.folder.mkdir()
        if number == 1:
            self.namespace, self.address = bed.network.hub, settings.HUB_ADDRESS
        else:
            self.namespace, self.address = bed.network.add(self.name)
        self.processes = {}
        self.init = 0
        self._configs = ()

    def start(self):
        """Namespaces and containerd, then the rest; images can be loaded as soon as this returns."""
        self._write_files()
        self._boot()
        self.load_image(images.pause(self._bed.folder))

    def _boot(self):
        self._connect()
        self._make_namespaces()
        self.run("containerd", ["containerd", f"--config={self.folder}/containerd.toml", "--log-level=info"])
        wait.wait_for(lambda: self.ctr("version"), 20, f"containerd of {self.name} answers")

    def join(self):
        """kubelet and kube-proxy; the API server may still be on its way."""
        server = f"https://{settings.HUB_ADDRESS}"
        self._configs = (access.program_config(self.folder, self._bed.authority, server, f"node:{self.name}",
                                               group="system:nodes"),
                         access.program_config(self.folder, self._bed.authority, server, "kube-proxy"))
        self._run_agents()

    def rejoin(self):
        """New ones of both; its pods go on running. The old ones would wait up to 30 s after an absence of the API server."""
        for label in ("kubelet", "kube-proxy"):
            os.kill(self.pid(label), signal.SIGKILL)
            self.processes[label].wait(5)
        self._run_agents()

    def _run_agents(self):
        kubelet, proxy = self._configs
        self.run("kubelet", [layout.kubernetes("kubelet"), f"--config={self.folder}/kubelet.json",
                             f"--kubeconfig={kubelet}", f"--node-ip={self.address}", f"--root-dir={layout.KUBELET_FOLDER}",
                             f"--hostname-override={self.name}", "--v=2"])
        self.run("kube-proxy", [layout.kubernetes("kube-proxy"), f"--kubeconfig={proxy}", "--proxy-mode=nftables",
                                f"--cluster-cidr={layout.POD_RANGE}", f"--hostname-override={self.name}",
                                "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s",
                                "--conntrack-tcp-timeout-close-wait=0s", "--healthz-bind-address=127.0.0.1:10256",
                                "--metrics-bind-address=127.0.0.1:10249", "--nodeport-addresses=primary"])

    def _write_files(self):
        (self.folder / "cni").mkdir()
        (self.folder / "cni" / "10-pods.conflist").write_text(json.dumps(_network(self.number, self.folder), indent=1))
        (self.folder / "containerd.toml").write_text(_CONTAINERD.format(
            folder=self.folder, socket=self.socket, pause=layout.PAUSE_IMAGE))
        (self.folder / "kubelet.json").write_text(json.dumps(self._kubelet(), indent=1))
        names = {**self._bed.hosts, self.name: self.address}
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n" + "".join(
            f"{address} {name}\n" for name, address in names.items()))
        (self.folder / "resolv.conf").write_text(f"nameserver {settings.HUB_ADDRESS}\n")

    def _kubelet(self):
        certificate, key = self._bed.authority.issue(self.name, f"/CN={self.name}",
                                                     [f"IP:{self.address}", f"DNS:{self.name}"])
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": self.address, "port": layout.KUBELET_PORT, "readOnlyPort": 0,
            "tlsCertFile": str(certificate), "tlsPrivateKeyFile": str(key),
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                               "x509": {"clientCAFile": str(self._bed.authority.certificate)}},
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs", "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [], "failCgroupV1": False, "failSwapOn": False, "oomScoreAdj": 0,
            "localStorageCapacityIsolation": False, "evictionHard": {}, "imageGCHighThresholdPercent": 100,
            "makeIPTablesUtilChains": False, "podLogsDir": f"{self.folder}/log/pods",
            "clusterDNS": [layout.DNS_SERVICE], "clusterDomain": layout.CLUSTER_DOMAIN,
            "resolvConf": f"{self.folder}/resolv.conf",
            "configMapAndSecretChangeDetectionStrategy": "Watch", "syncFrequency": "2s",
            # A sign of life every 2 s, for a control plane that is to miss it soon.
            "nodeLeaseDurationSeconds": 8,
            "allowedUnsafeSysctls": list(layout.POD_SYSCTLS),
        }

    def _connect(self):
        """Routes between the pods of this node and everything else."""
        netns.set_sysctl(self.namespace, "ipv4/ip_forward", 1)
        if self.number > 1:
            netns.run_inside(self._bed.network.hub, "ip", "route", "replace", layout.pods_of(self.number), "via", self.address)

    def _make_namespaces(self):
        self.processes["init"] = Process(
            "init", ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--",
                     _INIT, self.name, self.folder, images.init(self._bed.folder)],
            self.folder, namespace=self.namespace)
        wait.wait_for((self.folder / "made").exists, 10, f"the namespaces of {self.name}")
        self.init = wait.wait_for(lambda: process.children_of(self.processes["init"].pid), 5, "PID 1 of the node")[0]
        process.note(self.folder / "pid1.pid", self.init)

    def command(self, arguments):
        """The command line that runs a program in the node."""
        return ["nsenter", f"--target={self.init}", "--mount", "--pid", "--uts", "--ipc", "--net", "--", *arguments]

    def run(self, label, arguments):
        """Starts a program of the node in it."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        self.processes[label] = Process(label, self.command(arguments), self.folder, environment=environment)

    def ctr(self, *arguments, deadline=60):
        """One call of containerd's client."""
        done = subprocess.run(["ctr", "--address", self.socket, "--namespace", "k8s.io", *map(str, arguments)],
                              capture_output=True, text=True, timeout=deadline)
        if done.returncode != 0:
            raise OSError(f"ctr {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def load_image(self, archive):
        """Makes the images of an archive, Docker's or OCI's, known to the node; not those of another architecture."""
        done = subprocess.run([settings.ROOT / "images" / "copy", archive, "containerd"], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "CONTAINERD_ADDRESS": str(self.socket)})
        if done.returncode != 0:
            raise OSError(done.stderr.strip())

    def pid(self, label):
        """The pid of one of its programs, outside; 0 when it is gone."""
        with contextlib.suppress(OSError, IndexError):
            return process.children_of(self.processes[label].pid)[0]
        return 0

    def check(self):
        """Fails when one of its programs has ended."""
        for label, one in self.processes.items():
            if not one.running():
                raise wait.Timeout(f"{label} of {self.name} ended ({one.log_path})\n{one.tail()}")

    def running(self):
        """Whether it is switched on."""
        return self.processes["init"].running()

    def is_ready(self):
        """What Kubernetes says of it."""
        conditions = self._bed.control.get(f"/api/v1/nodes/{self.name}")["status"]["conditions"]
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def wait_ready(self, deadline=60):
        """Returns when Kubernetes calls it Ready and Services reach pods from it."""

        def ready():
            self.check()
            return self.is_ready()

        wait.wait_for(ready, deadline, f"{self.name} is Ready", interval=0.2)

    def lose(self):
        """A power failure; not for the first node, in whose network the control plane is."""
        self.kill()
        self._bed.network.remove(self.namespace)

    def come_back(self):
        """A lost node is switched on again: disk and address are as they were, what was in memory is gone."""
        shutil.rmtree(self.folder / "containerd-state")
        (self.folder / "made").unlink()
        self._bed.network.add(self.name, host=int(self.address.rpartition(".")[2]))
        self._boot()
        self._run_agents()

    def kill(self):
        """All its processes end at once, without being asked."""
        containers = cgroups.containers_of(self.folder)
        if self.init:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.init, signal.SIGKILL)
        for one in self.processes.values():
            one.stop()
        cgroups.remove(containers)
