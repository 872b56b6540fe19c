"""A node beside somebody's own program, by the chart: in a Deployment, in a StatefulSet, in a Job that completes."""

from nodebed import charts, objects
from realbed import peer, wait
from realbed.web import fetch

PORT = 8080


def _key(node, space, reusable=False):
    """A Secret with an auth key, as people make it."""
    _, key = node.headscale.new_key(reusable=reusable)
    space.apply(objects.secret("key", {"authkey": key}))


def _page(node, address):
    return wait.wait_for(lambda: fetch(node.peer.namespace, address, PORT), 15, f"the page at {address} in the tailnet")


def _rolled_out(space):
    space.kubectl("rollout", "status", "deployment/shop", "--timeout=60s", deadline=70)
    return space.pods("shop", secret="shop-state")[0]


def test_deployment(node, space):
    """The state is in a Secret that outlives the pod: its successor is the same node."""
    _key(node, space)
    space.bed.apply(charts.sidecar("shop", "Deployment", objects.web("the shop", PORT), "key"), space.name)
    pod = _rolled_out(space)
    device, address = pod.published()["device_id"], pod.client.address()
    assert _page(node, address) == (200, "the shop")
    space.kubectl("rollout", "restart", "deployment/shop")
    successor = _rolled_out(space)
    assert successor.name != pod.name
    assert _page(node, address) == (200, "the shop")
    assert successor.published()["device_id"] == device


def test_stateful_set_of_two(node, space):
    """Each replica is a node of its own, called after its pod."""
    _key(node, space, reusable=True)
    space.bed.apply(charts.sidecar("db", "StatefulSet", objects.web("a db", PORT), "key", replicas=2), space.name)
    addresses = set()
    for number in range(2):
        pod = space.pod(f"db-{number}", secret=f"db-{number}-state").wait_ready(60)
        assert _page(node, pod.client.address()) == (200, "a db")
        assert pod.published()["device_fqdn"].startswith(f"db-{number}.")
        addresses.add(pod.client.address())
    assert len(addresses) == 2


def test_job_completes(node, space):
    """The program asks the tailnet through the node's proxy and ends; the node ends after it, and the Job is done."""
    _key(node, space)
    script = ("import urllib.request as u; "
              "u.install_opener(u.build_opener(u.ProxyHandler({'http': 'http://127.0.0.1:1055'}))); "
              f"print(u.urlopen('http://{node.peer.address}:{peer.PORT}/', timeout=10).read().decode())")
    env = [*charts.tailscale("key")["env"], {"name": "TS_OUTBOUND_HTTP_PROXY_LISTEN", "value": "127.0.0.1:1055"}]
    space.bed.apply(charts.sidecar("report", "Job", objects.tool("report", "-c", script), "key", env=env), space.name)
    space.kubectl("wait", "--for=condition=complete", "job/report", "--timeout=60s", deadline=70)
    pod = space.pods("report")[0]
    assert peer.PAGE.strip() in space.kubectl("logs", pod.name, "-c", "report")
    assert pod.status()["state"]["terminated"]["exitCode"] == 0
