"""Cluster to tailnet: a pod asks a Service, the peer answers, and sees the node of the proxy as its client."""

import json

from nodebed import objects
from realbed import echo, services, settings, wait
from realbed.services import service
from realbed.web import fetch

PORT = 7000


def test_pod_to_peer_and_back(node, space):
    """Through a proxy of services: the Service's port → the pod's → the peer's; then the peer's page by one target."""
    peer = node.peer
    peer.echo()
    wanted = {"echo": service(("TCP", 1001, PORT), fqdn=f"{peer.name}.{settings.TAILNET_DOMAIN}")}
    space.node_state("egress-0")
    space.apply(objects.config_map("egress", {"egress-services": json.dumps(wanted)}))
    container = objects.proxy({"TS_EGRESS_PROXIES_CONFIG_PATH": "/etc/proxies"},
                              mounts=[{"name": "proxies", "mountPath": "/etc/proxies", "readOnly": True}])
    spec = objects.pod_spec([container], account_name="egress-0",
                            volumes=[{"name": "proxies", "configMap": {"name": "egress"}}])
    space.apply(objects.workload("StatefulSet", "egress", spec), objects.service("egress", {PORT: 1001}))
    pod = space.pod("egress-0").wait_ready()
    client, address = space.client(), space.host("egress")
    answer = echo.wait_answer(client.namespace, address, PORT)
    assert (answer.name, answer.source) == (peer.name, pod.client.address())
    found = pod.published()[services.STATUS]
    assert json.loads(found)["services"]["echo"]["tailnetTargetIPs"] == [peer.address, peer.address6]


def test_single_target(node, space):
    """Everything that reaches the pod goes to one peer; the page that only the tailnet has is read in the cluster."""
    space.node_state("single")
    container = objects.proxy({"TS_TAILNET_TARGET_IP": node.peer.address})
    space.apply(objects.pod("single", objects.pod_spec([container], account_name="single")),
                objects.service("single", {80: 8000}))
    pod = space.pod("single").wait_ready()
    assert pod.exec("tailscale", "--socket=/tmp/tailscaled.sock", "ip", "-4").strip() == pod.client.address()
    assert "Startup complete" in pod.log()
    client, address = space.client(), space.host("single")
    status, page = wait.wait_for(lambda: fetch(client.namespace, address, 80), 10, "the peer's page in the cluster")
    assert status == 200 and "only the tailnet" in page
