"""What a machine must offer for a node, tried rather than guessed, each lack with a sentence."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import cgroups

_PROGRAMS = {"containerd": "containerd", "containerd-shim-runc-v2": "containerd", "ctr": "containerd",
             "runc": "runc", "nft": "nftables", "conntrack": "conntrack", "nsenter": "util-linux",
             "unshare": "util-linux", "ip": "iproute2", "gcc": "gcc", "openssl": "openssl"}
_CNI = Path("/usr/lib/cni")


def _try(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return "" if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"


def _programs():
    for program, package in _PROGRAMS.items():
        if not shutil.which(program):
            yield f"{program} is missing: install the package {package}, or run scripts/need node"
    for plugin in ("ptp", "host-local", "loopback", "portmap"):
        if not (_CNI / plugin).exists():
            yield f"{_CNI / plugin} is missing: install containernetworking-plugins, or run scripts/need node"


def _namespaces():
    trouble = _try("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--mount-proc", "true")
    if trouble:
        yield f"namespaces of its own are not allowed here (unshare: {trouble}); run it as root with CAP_SYS_ADMIN"


def _overlay():
    with tempfile.TemporaryDirectory(prefix="tailboot-overlay.", dir="/var/tmp") as folder:
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(f"{folder}/{name}")
        trouble = _try("unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o",
                       f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work", f"{folder}/merged")
    if trouble:
        yield f"overlayfs cannot be mounted below /var/tmp ({trouble}); images need it (modprobe overlay)"


def _groups():
    found = {path.name for path in cgroups.hierarchies()}
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        found = set(Path("/sys/fs/cgroup/cgroup.controllers").read_text().split())
    lacking = [name for name in ("cpu", "cpuset", "memory", "pids") if name not in found]
    if lacking:
        yield f"/sys/fs/cgroup lacks the controllers {', '.join(lacking)}: containers cannot be made without them"
    for hierarchy in cgroups.hierarchies():
        probe = hierarchy / f"tailboot-probe-{os.getpid()}"
        try:
            probe.mkdir()
            probe.rmdir()
        except OSError as error:
            yield f"control groups cannot be made in {hierarchy} ({error.strerror}); it is mounted read-only or not ours"
            return


def _firewall():
    trouble = _try("unshare", "--net", "nft", "add", "table", "inet", "probe")
    if trouble:
        yield f"nftables does not work in a namespace of its own ({trouble}); Services need it (modprobe nf_tables)"
    if not os.path.exists("/dev/net/tun"):
        yield "/dev/net/tun is missing; kernel networking needs it (modprobe tun)"


def reasons():
    """Why this machine cannot run a node, [] when it can."""
    if os.geteuid() != 0:
        return ["a node makes namespaces, mounts and control groups: run it as root"]
    found = list(_programs())
    return found or [reason for check in (_namespaces, _overlay, _groups, _firewall) for reason in check()]
