"""Tailnet to cluster: the peer asks a node, a pod behind a Service answers."""

from nodebed import objects
from realbed import wait
from realbed.web import fetch

PAGE = "a page of the cluster"


def test_peer_to_service(node, space):
    """TS_DEST_IP is the address of a Service; its pod is on the other node."""
    space.apply(objects.pod("web", objects.pod_spec([objects.web(PAGE)], nodeName="node2")),
                objects.service("web", {80: 8080}))
    space.node_state("ingress")
    container = objects.proxy({"TS_DEST_IP": space.host("web")})
    space.apply(objects.pod("ingress", objects.pod_spec([container], account_name="ingress", nodeName="node1")))
    pod = space.pod("ingress").wait_ready()
    space.pod("web", "web").wait_ready()
    answer = wait.wait_for(lambda: fetch(node.peer.namespace, pod.client.address(), 80), 15, "the page in the tailnet")
    assert answer == (200, PAGE)
