"""The upstream operator with our image: what people ask it for works, grows, and leaves nothing behind."""

import pytest

from nodebed import objects as plain
from realbed import settings, wait
from realbed.peer import PAGE, PORT
from realbed.web import fetch
from upstream import objects
from upstream.install import NAMESPACE, OURS

_ASK = "import sys, urllib.request; print(end=urllib.request.urlopen(sys.argv[1], timeout=3).read().decode())"
_HERE = "a page of the cluster"


@pytest.fixture
def delete(node, space):
    """Deletes objects as a person does, and those that a failed story has left."""
    left = []

    def forget(kind, name, namespace=None):
        left.append((kind, name, namespace))
        return lambda: _delete(node, kind, name, namespace)

    yield forget
    for kind, name, namespace in left:
        _delete(node, kind, name, namespace)


def _delete(node, kind, name, namespace):
    where = ["-n", namespace] if namespace else []
    node.kubectl("delete", kind, name, *where, "--ignore-not-found", "--wait=false")


def identifiers(pods):
    """The devices of pods."""
    return [pod.published()["device_id"] for pod in pods]


def web(space):
    """A pod of the cluster with a page."""
    space.apply(plain.pod("web", plain.pod_spec([plain.web(_HERE)])))
    return space.pod("web", "web").wait_ready()


def asking(space):
    """A pod of the cluster that asks for pages by name: asking(url)."""
    space.apply(plain.pod("asking", plain.pod_spec([plain.tool("asking", "-c", "import signal; signal.pause()")],
                                                   terminationGracePeriodSeconds=1)))
    pod = space.pod("asking", "asking").wait_ready()

    def ask(url, expected, deadline=30):
        wait.wait_for(lambda: pod.exec("python3", "-c", _ASK, url) == expected, deadline, f"{url} answers", interval=0.3)

    return ask


def peer_sees(peer, address, port, page=_HERE):
    """The page as the tailnet's peer gets it."""
    wait.wait_for(lambda: fetch(peer.namespace, address, port) == (200, page), 30,
                  f"{peer.name} gets the page at {address}:{port}", interval=0.3)


def test_connector(node, space, upstream, delete):
    """A peer that accepts routes reaches a pod of the cluster through a subnet router."""
    name, pod = f"{space.name}-router", web(space)
    route = f"{pod.address}/32"
    gone = delete("connector", name)
    node.apply([objects.connector(name, [route], OURS)])
    proxies = upstream.wait_pods(name)
    upstream.wait_condition("connector", name, "ConnectorReady")
    device = next(one for one in upstream.api.tailnet.devices() if one["id"] in identifiers(proxies))
    assert (device["hostname"], device["advertisedRoutes"]) == (name, [route])
    upstream.api.tailnet.set_routes(device, [route])
    peer_sees(node.guest(), pod.address, 8080)
    devices = identifiers(proxies)
    gone()
    upstream.wait_gone(name, devices)


def test_expose(node, space, upstream, delete):
    """The peer reaches a Service by the proxy's address."""
    web(space)
    gone = delete("service", "exposed", space.name)
    space.apply(objects.exposed("exposed", "web", {80: 8080}))
    proxies = upstream.wait_pods("exposed")
    upstream.wait_condition("service", "exposed", "TailscaleProxyReady", space.name)
    device = node.headscale.node(f"{space.name}-exposed")
    for address in device["ip_addresses"]:
        if ":" not in address:
            peer_sees(node.peer, address, 80)
    devices = identifiers(proxies)
    gone()
    upstream.wait_gone("exposed", devices)


def test_egress_by_name(node, space, upstream, delete):
    """A pod reaches the peer by the name of a Service."""
    ask = asking(space)
    gone = delete("service", "page", space.name)
    space.apply(objects.egress("page", f"{node.peer.name}.{settings.TAILNET_DOMAIN}"))
    proxies = upstream.wait_pods("page")
    ask(f"http://page.{space.name}.svc.cluster.local:{PORT}/", PAGE)
    devices = identifiers(proxies)
    gone()
    upstream.wait_gone("page", devices)


def test_egress_group_grows(node, space, upstream, delete):
    """Two Services by a group of two pods; a third joins them; all goes away."""
    ask, group = asking(space), f"{space.name}-group"
    targets = {"first": node.peer.name, "second": node.guest().name}
    ends = [delete("service", name, space.name) for name in targets] + [delete("proxygroup", group)]
    node.apply([objects.proxy_group(group, "egress", 2)])
    space.apply(*(objects.group_egress(name, group, f"{target}.{settings.TAILNET_DOMAIN}", PORT)
                  for name, target in targets.items()))
    upstream.wait_pods(group, 2)
    for name in targets:
        upstream.wait_condition("service", name, "TailscaleEgressSvcReady", space.name)
        ask(f"http://{name}.{space.name}.svc.cluster.local:{PORT}/", PAGE)
    node.kubectl("patch", "proxygroup", group, "--type=merge", "-p", '{"spec": {"replicas": 3}}')
    proxies = upstream.wait_pods(group, 3, deadline=120)
    wait.wait_for(lambda: _endpoints(upstream, "first") == {pod.address for pod in proxies}, 60,
                  "all three carry traffic", interval=0.5)
    for name in targets:
        ask(f"http://{name}.{space.name}.svc.cluster.local:{PORT}/", PAGE)
    devices = identifiers(proxies)
    for end in ends:
        end()
    for parent in (*targets, group):
        upstream.wait_gone(parent, devices if parent == group else [])


def _endpoints(upstream, service):
    """The addresses behind a Service of a group."""
    found = set()
    for piece in upstream.children(service, "endpointslice"):
        for end in piece.get("endpoints") or []:
            if end["conditions"].get("ready"):
                found.update(end["addresses"])
    return found


def test_nothing_is_left(node, upstream):
    """After all stories: the operator's own device, its own objects, no call that failed."""

    def left():
        tagged = [device["hostname"] for device in upstream.api.tailnet.devices() if "tag:k8s" in device["tags"]]
        return tagged + node.kubectl("get", "all,secret,configmap,endpointslice", "-n", NAMESPACE, "-l",
                                     "tailscale.com/managed=true", "-o", "name").split()

    wait.wait_for(lambda: not left(), 60, "nothing is left", interval=0.5)
    assert not upstream.api.failures
    bad = [call for call in upstream.api.calls.of() if call.status not in (200, 404)]
    assert not bad
