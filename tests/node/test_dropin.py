"""The same pod, written by the upstream operator, with the reference's entry program and with ours: only the image differs.

Each case asks the operator twice for the same, once with a ProxyClass that names the reference's image.
"""

import pytest

from nodebed import layout
from nodebed import objects as plain
from realbed import settings, wait
from realbed.peer import PAGE, PORT
from realbed.web import fetch
from upstream import compare, objects
from upstream.install import NAMESPACE, OURS, REFERENCE, REFERENCE_IMAGE

_HERE = "a page of the cluster"


class Case:
    """What is asked for by a name and a ProxyClass, whose children they are, and how traffic is seen."""

    def __init__(self, make, parent=lambda name: name, carries=None):
        self.make = make
        self.parent = parent
        self.carries = carries


def _fqdn(node):
    return f"{node.peer.name}.{settings.TAILNET_DOMAIN}"


def _group(name):
    return f"{name}-group"


def _to_peer(node, space, name, pod):
    """A pod of the cluster gets the peer's page through the proxy."""
    return fetch(space.asking.namespace, pod.address, PORT) == (200, PAGE)


def _to_cluster(node, space, name, pod):
    """The peer gets the cluster's page through the proxy."""
    return fetch(node.peer.namespace, pod.client.address(), 80) == (200, _HERE)


def _by_service(node, space, name, pod):
    """A pod of the cluster gets the peer's page at the Service that the operator made for the group."""
    host = node.kubectl("get", "service", "-n", NAMESPACE, "-l", f"tailscale.com/parent-resource={name}", "-o",
                        "jsonpath={.items[0].spec.clusterIP}")
    return fetch(space.asking.namespace, host, PORT) == (200, PAGE)


CASES = {
    "egress": Case(lambda node, space, name, kind: [objects.egress(name, _fqdn(node), kind)], carries=_to_peer),
    "ingress": Case(lambda node, space, name, kind: [objects.exposed(name, "web", {80: 8080}, kind)],
                    carries=_to_cluster),
    "ingress-name": Case(lambda node, space, name, kind: [
        objects.exposed_name(name, f"web.{space.name}.svc.cluster.local", kind)], carries=_to_cluster),
    "egress-group": Case(lambda node, space, name, kind: [
        objects.proxy_group(_group(name), "egress", 1, kind),
        objects.group_egress(name, _group(name), _fqdn(node), PORT)], _group, _by_service),
    # Without traffic: Headscale has no Services.
    "ingress-group": Case(lambda node, space, name, kind: [
        objects.proxy_group(_group(name), "ingress", 1, kind),
        objects.group_ingress(name, _group(name), "web", {80: 8080})], _group),
}


@pytest.fixture
def served(new_space, label):
    """The story's namespace with a page of the cluster, behind a Service, and a pod that asks."""
    space = new_space(f"dropin-{label}")
    space.apply(plain.pod("web", plain.pod_spec([plain.web(_HERE)])), plain.service("web", {80: 8080}))
    space.asking = space.client()
    space.pod("web", "web").wait_ready()
    return space


@pytest.fixture
def pair(node, served):
    """Asks for a case by two ProxyClasses, and says by which names; what was asked for goes away."""
    asked = []

    def ask(case):
        names = {kind: f"{served.name}-{kind}" for kind in (OURS, REFERENCE)}
        for kind, name in names.items():
            documents = case.make(node, served, name, kind)
            asked.extend(documents)
            node.apply(documents, namespace=served.name)
        return names

    yield ask
    for document in reversed(asked):
        where = ["-n", served.name] if document["kind"] == "Service" else []
        node.kubectl("delete", document["kind"], document["metadata"]["name"], *where, "--wait=false",
                     "--ignore-not-found")


def own_texts(node, space, upstream, name):
    """What the cluster, the operator and the tailnet have chosen for one of the two, and common names for it."""
    texts = {name: "NAME"}
    host = node.get("service", name, space.name)["spec"].get("clusterIP")
    if host:
        texts[host] = "HOST"
    for number, address in enumerate(upstream.api.services.all().get(f"svc:{space.name}-{name}", {}).get("addrs", [])):
        texts[address] = f"VIRTUAL{number}"
    for service in upstream.children(name, "service"):
        for port in service["spec"].get("ports") or []:
            texts[f'"matchPort":{port["targetPort"]},'] = '"matchPort":PORT,'
    return texts


@pytest.mark.parametrize("label", CASES)
def test_only_the_image_differs(node, served, upstream, pair, label):
    """The pods that the operator wrote, their Secrets, their statuses, their probes, their traffic."""
    case = CASES[label]
    names = pair(case)
    pods = {kind: upstream.wait_pods(case.parent(name), deadline=90)[0] for kind, name in names.items()}
    if case.carries:
        for kind, pod in pods.items():
            wait.wait_for(lambda kind=kind, pod=pod: case.carries(node, served, names[kind], pod), 40,
                          f"{kind} carries traffic", interval=0.3)
    own = {kind: own_texts(node, served, upstream, name) for kind, name in names.items()}
    images = {layout.PROXY_IMAGE: "IMAGE", REFERENCE_IMAGE: "IMAGE"}
    templates = [compare.template(upstream.children(case.parent(name)), {**own[kind], **images})
                 for kind, name in names.items()]
    assert not compare.difference(*templates)

    def differs():
        seen = []
        for kind, pod in pods.items():
            published = pod.published()
            seen.append({"keys": compare.keys(published), "values": compare.shown(pod, published, own[kind]),
                         "answers": compare.answers(pod)})
        return compare.difference(*seen)

    try:
        wait.wait_for(lambda: not differs(), 15, "both show the same", interval=0.5)
    except wait.Timeout:
        pytest.fail(differs(), pytrace=False)
    assert [pod.restarts() for pod in pods.values()] == [0, 0]
