"""The chart in each of its modes, installed by Helm, carries traffic; the library chart's sidecars begin, serve and end."""

import json

import pytest

from nodebed import layout, objects
from realbed import echo, peer, settings, wait
from realbed.web import fetch
from shipped import charts

# Pods here have forwarding off, and the kubelet lets them switch it on.
SYSCTLS = {"kernel": {"sysctls": True}}
PORT = 8080
PAGE = "a page of the cluster"


class Release:
    """Helm's releases in one story's namespace, on the node's Headscale."""

    def __init__(self, space):
        self._space = space
        _, key = space.bed.headscale.new_key(reusable=True)
        space.apply(objects.secret("key", {"authkey": key}))

    def common(self, **more):
        """What every node of the stories needs."""
        return {"enabled": True, "image": layout.PROXY_IMAGE, "imagePullPolicy": "Never", "auth": {"secret": "key"},
                "controlUrl": settings.CONTROL_URL, "ca": {"configMap": objects.AUTHORITY},
                "env": [{"name": "TS_NO_LOGS_NO_SUPPORT", "value": "true"}], **more}

    def install(self, name, chart=charts.TAILBOOT, tailscale=None, **values):
        values = {**values, "tailscale": self.common(**(tailscale or {}))}
        done = charts.helm("install", name, chart, "-n", self._space.name, f"--kubeconfig={self._space.bed.kubeconfig}",
                           values=values)
        assert done.returncode == 0, done.stderr

    def proxy(self, name, number=0, **values):
        """Installs a proxy of one replica or more; returns a pod of it that is ready."""
        self.install(name, **values)
        return self._space.pod(f"{name}-{number}", secret=f"{name}-{number}-state").wait_ready(60)


@pytest.fixture
def release(space):
    return Release(space)


@pytest.fixture
def web(space):
    """A Service of the cluster with a page."""
    space.apply(objects.pod("web", objects.pod_spec([objects.web(PAGE, PORT)])), objects.service("web", {80: PORT}))
    space.pod("web", "web").wait_ready()
    return space.host("web")


def page(namespace, address, port=80, **options):
    return wait.wait_for(lambda: fetch(namespace, address, port, **options), 20, f"the page at {address}:{port}")


def test_http_proxy(node, space, release):
    release.proxy("out", mode="httpProxy", networkPolicy={"enabled": True})
    found = page(space.client().namespace, node.peer.address, peer.PORT, proxy=(space.host("out"), 1055))
    assert found == (200, peer.PAGE)


def test_state_in_memory_and_no_rights(node, space, release):
    """Without a Secret there is no token in the pod, and it works all the same."""
    release.install("mem", mode="httpProxy", tailscale={"state": {"kind": "memory"}})
    pod = space.pod("mem-0").wait_ready(60)
    assert "serviceaccount" not in json.dumps(pod.object()["spec"]["containers"])
    found = page(space.client().namespace, node.peer.address, peer.PORT, proxy=(space.host("mem"), 1055))
    assert found == (200, peer.PAGE)


def test_sidecar(node, space, release):
    release.install("shop", mode="sidecar", sidecar={"containers": [objects.web(PAGE, PORT)]},
                    tailscale={"serve": {"TCP": {"80": {"TCPForward": f"127.0.0.1:{PORT}"}}}})
    space.kubectl("rollout", "status", "deployment/shop", "--timeout=60s", deadline=70)
    address = json.loads(node.secret("shop-state", space.name)["device_ips"])[0]
    assert page(node.peer.namespace, address) == (200, PAGE)


@pytest.mark.parametrize("values", [
    {"ingress": {"destination": "web", "ports": [{"port": 80}]}},
    {"network": "kernel", "ingress": {"destination": "web"}, "tailscale": SYSCTLS},
], ids=["userspace", "kernel"])
def test_ingress(node, web, release, values):
    pod = release.proxy("in", mode="ingress", **values)
    assert page(node.peer.namespace, pod.client.address()) == (200, PAGE)


def test_egress_of_one_target(node, space, release):
    release.proxy("single", mode="egress", tailscale=SYSCTLS, egress={"target": {"ip": node.peer.address},
                                                   "ports": [{"port": 80, "targetPort": peer.PORT}]})
    assert page(space.client().namespace, space.host("single")) == (200, peer.PAGE)


def test_egress_services_of_two_replicas(node, space, release):
    node.peer.echo()
    fqdn = f"{node.peer.name}.{settings.TAILNET_DOMAIN}"
    services = {"echo": {"fqdn": fqdn, "ports": [{"port": 7000}]},
                "page": {"ip": node.peer.address, "ports": [{"port": 80, "targetPort": peer.PORT}]}}
    pods = [release.proxy("many", mode="egress", tailscale=SYSCTLS, replicas=2, egress={"services": services})]
    pods.append(space.pod("many-1", secret="many-1-state").wait_ready(60))
    client = space.client()
    assert page(client.namespace, space.host("many-page")) == (200, peer.PAGE)
    seen = echo.wait_answer(client.namespace, space.host("many-echo"), 7000, deadline=20)
    assert seen.name == node.peer.name and seen.source in [pod.client.address() for pod in pods]


def test_subnet_router(node, space, web, release):
    pod = release.proxy("router", mode="subnetRouter", subnetRouter={"routes": [f"{web}/32"]})
    guest = node.guest()
    node.headscale.approve_routes(node.headscale.wait_online(pod.published()["device_fqdn"].split(".")[0]), [f"{web}/32"])
    assert page(guest.namespace, web) == (200, PAGE)


def test_exit_node(node, release):
    pod = release.proxy("exit", mode="exitNode")
    found = node.headscale.wait_online(pod.published()["device_fqdn"].split(".")[0])
    assert sorted(found["available_routes"]) == ["0.0.0.0/0", "::/0"]


def test_library_in_a_deployment_a_stateful_set_and_a_job(node, space, release):
    """Each pod is a node of its own; the Job completes although its node would run on."""
    release.install("app", charts.APP, image=layout.TOOLS_IMAGE)
    space.kubectl("rollout", "status", "deployment/app-web", "--timeout=90s", deadline=100)
    space.kubectl("rollout", "status", "statefulset/store", "--timeout=90s", deadline=100)
    space.kubectl("wait", "--for=condition=complete", "job/batch", "--timeout=90s", deadline=100)
    secrets = ["app-web-state", "store-0-state", "store-1-state", "batch-state"]
    assert len({node.secret(name, space.name)["device_id"] for name in secrets}) == len(secrets)
    (batch,) = space.kubectl("get", "pods", "-l", "app=batch", "-o", "name").split()
    ended = space.pod(batch.removeprefix("pod/")).status()["state"]["terminated"]
    assert ended["exitCode"] == 0


def test_missing_secret_and_key_are_named(space, release):
    """The pod's events name what is missing."""
    release.install("none", mode="httpProxy", tailscale={"auth": {"secret": "absent"}})
    release.install("other", mode="httpProxy", tailscale={"auth": {"secret": "key", "key": "absent"}})
    for name, words in (("none-0", 'secret "absent" not found'), ("other-0", "couldn't find key absent in Secret")):
        wait.wait_for(lambda pod=name, text=words: text in space.kubectl("describe", "pod", pod), 40,
                      f"the events of {name} say {words}")
