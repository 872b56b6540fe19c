"""The controller on the node: a tailnet, a group of proxies, Services of the cluster that lead to a peer."""

from nodebed import controller, objects
from realbed import settings, wait

PAGE_PORT = 8000
ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=3).read().decode())"


def _asker(space):
    """A pod that asks for pages by the names of Services."""
    spec = objects.pod_spec([objects.tool("ask", "-c", "import time; time.sleep(100000)")], terminationGracePeriodSeconds=1)
    space.apply(objects.pod("ask", spec))
    return space.pod("ask", "ask").wait_ready()


def _page(pod, host):
    return pod.exec("python3", "-c", ASK, f"http://{host}:{PAGE_PORT}/")


def test_services_lead_to_a_peer(node, control, space, figure):
    """One Service by name, one by address: a pod of the cluster reads the page that only the tailnet has."""
    node.apply([controller.group("first", 2)])
    control.wait_condition("tailscaleproxygroup", "first", "ProxyGroupReady", deadline=90)
    space.apply(controller.service("by-name", "first", {"web": PAGE_PORT}, fqdn=f"{node.peer.name}.{settings.TAILNET_DOMAIN}"),
                controller.service("by-address", "first", {"web": PAGE_PORT}, ip=node.peer.address))
    for name in ("by-name", "by-address"):
        ready = control.wait_condition("service", name, "TailscaleEgressSvcReady", namespace=space.name, deadline=60)
        assert ready["reason"] == "ReadyToRouteTraffic"
    ask = _asker(space)
    for name in ("by-name", "by-address"):
        page = wait.wait_for(lambda host=f"{name}.{space.name}": _page(ask, host), 20, f"the page by {name}")
        assert "only the tailnet" in page
