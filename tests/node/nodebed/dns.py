"""The name server of the cluster: CoreDNS beside the control plane, reached as the Service kube-dns."""

import os

from realbed import settings, wait
from realbed.process import Process

from . import layout

_CONFIG = """\
.:53 {{
    bind {address}
    errors
    health 127.0.0.1:8080
    hosts {{
        {hosts}
        fallthrough
    }}
    kubernetes {domain} in-addr.arpa ip6.arpa {{
        kubeconfig {config}
        ttl 5
    }}
}}
"""

_NAMESPACE = "kube-system"


def start(bed, config):
    """Starts it; it answers as soon as the API server does."""
    folder = bed.folder / "coredns"
    folder.mkdir(exist_ok=True)
    hosts = "\n        ".join(f"{address} {name}" for name, address in bed.hosts.items() if name != settings.API_NAME)
    (folder / "Corefile").write_text(_CONFIG.format(address=settings.HUB_ADDRESS, hosts=hosts, config=config,
                                                    domain=layout.CLUSTER_DOMAIN))
    return Process("coredns", [settings.partner("coredns") / "coredns", "-conf", folder / "Corefile"], folder,
                   namespace=bed.network.hub, environment={"PATH": os.environ["PATH"], "HOME": folder})


def publish(control):
    """Makes the Service that pods ask, with the server behind it."""
    wait.wait_for(lambda: control.get(f"/api/v1/namespaces/{_NAMESPACE}"), 30, f"the namespace {_NAMESPACE}")
    service, endpoints = _objects()
    control.create(f"/api/v1/namespaces/{_NAMESPACE}/services", service)
    control.create(f"/apis/discovery.k8s.io/v1/namespaces/{_NAMESPACE}/endpointslices", endpoints)


def _objects():
    ports = [{"name": "dns", "protocol": "UDP", "port": 53}, {"name": "dns-tcp", "protocol": "TCP", "port": 53}]
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": _NAMESPACE},
         "spec": {"clusterIP": layout.DNS_SERVICE, "ports": ports}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
         "metadata": {"name": "kube-dns-1", "namespace": _NAMESPACE, "labels": {"kubernetes.io/service-name": "kube-dns"}},
         "addressType": "IPv4", "ports": ports,
         "endpoints": [{"addresses": [settings.HUB_ADDRESS], "conditions": {"ready": True}}]},
    ]
