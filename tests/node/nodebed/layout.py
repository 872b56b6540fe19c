"""Addresses and names of the cluster, and where the run's folders are."""

import os
from pathlib import Path

from realbed import settings

NODE = Path(__file__).resolve().parent.parent

SERVICE_RANGE = "10.96.0.0/16"
DNS_SERVICE = "10.96.0.10"
POD_RANGE = "10.200.0.0/16"
CLUSTER_DOMAIN = "cluster.local"
KUBELET_PORT = 10250
# Inside of a node.
KUBELET_FOLDER = "/var/lib/kubelet"

# What a pod may set for itself by securityContext.sysctls.
POD_SYSCTLS = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.all.src_valid_mark")

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
PAUSE_IMAGE = "localhost/tailboot-pause:1"
PROXY_IMAGE = "localhost/tailboot:dev"
TOOLS_IMAGE = "localhost/tailboot-tools:1"
BENCH_IMAGE = "localhost/tailboot-bench:1"

# Where the cluster of `make cluster` lives (not under /tmp or /run, which are others' in there), and where logs of those that are gone are kept.
CLUSTER_FOLDER = Path(os.environ.get("TAILBOOT_CLUSTER", "/var/tmp/tailboot-cluster"))
LOGS_FOLDER = Path("/var/tmp/tailboot-logs")


def pods_of(number):
    """The range of the pods of a node; the first node is number 1."""
    return f"10.200.{number - 1}.0/24"


def kubernetes(program):
    """The path of one of Kubernetes' own programs."""
    for partner in ("kubernetes", "node"):
        path = settings.partner(partner) / program
        if path.exists():
            return path
    raise FileNotFoundError(f"no {program}: run tests/real/partners kubernetes node")
