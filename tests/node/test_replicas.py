"""Egress through several replicas: they are replaced, and a node is drained, while requests keep coming."""

import datetime
import json
import time

import pytest

from nodebed import objects
from realbed import settings, wait
from realbed.balancer import Load
from realbed.services import service

RATE, LIMIT, AT_LEAST = 200, 1.0, 60
PORT, MATCH, HEALTH = 7000, 1001, objects.HEALTH_PORT
HOOK = "/internal-egress-services-preshutdown"


def _replicas(node, space, name, count):
    """A StatefulSet of egress proxies with a Service before them, as an operator makes it: hook, pings, health port."""
    peer = node.peer
    peer.echo()
    wanted = service(("TCP", MATCH, PORT), fqdn=f"{peer.name}.{settings.TAILNET_DOMAIN}",
                     health=f"http://{name}.{space.name}.svc.cluster.local:{HEALTH}/healthz")
    names = [f"{name}-{number}" for number in range(count)]
    for one in names:
        space.node_state(one)
    mount = {"name": "proxies", "mountPath": "/etc/proxies", "readOnly": True}
    container = objects.proxy({"TS_EGRESS_PROXIES_CONFIG_PATH": "/etc/proxies"}, mounts=[mount],
                              lifecycle={"preStop": {"httpGet": {"path": HOOK, "port": HEALTH}}})
    spec = objects.pod_spec([container], account_name=name, volumes=[{"name": "proxies", "configMap": {"name": name}}],
                            terminationGracePeriodSeconds=360)
    space.apply(*objects.account(name, names),
                objects.config_map(name, {"egress-services": json.dumps({"echo": wanted}), "hep-pings": str(3 * count)}),
                objects.service(name, {PORT: MATCH, HEALTH: HEALTH}),
                objects.workload("StatefulSet", name, spec, count, podManagementPolicy="Parallel", minReadySeconds=2))
    return [space.pod(one).wait_ready(60) for one in names]


def _until_ready(pods):
    """Seconds from the start of the container, in the kubelet's whole ones."""
    def seconds(text):
        return datetime.datetime.fromisoformat(text).timestamp()

    taken = []
    for pod in pods:
        status = pod.object()["status"]
        began = status["containerStatuses"][0]["state"]["running"]["startedAt"]
        ready = next(one["lastTransitionTime"] for one in status["conditions"] if one["type"] == "Ready")
        taken.append(f"{seconds(ready) - seconds(began):.0f}")
    return " ".join(taken) + " s"


@pytest.fixture
def load(node, space):
    """Starts the requests: a new connection each, 1 s, no second try, from a pod on the second node."""
    running = []

    def start(name):
        client = space.client(node=2)
        running.append(Load(client.namespace, space.host(name), PORT, RATE, timeout=LIMIT))
        return running[-1]

    yield start
    for one in running:
        one.__exit__()


@pytest.mark.alone
def test_rolling_update(node, space, load, figure):
    """Three replicas are replaced one after the other."""
    pods = _replicas(node, space, "egress", 3)
    before, first = {pod.name: pod.uid() for pod in pods}, _until_ready(pods)
    requests = load("egress")
    requests.wait_more(2 * RATE, 10)
    began = time.monotonic()
    space.kubectl("rollout", "restart", "statefulset/egress")
    space.kubectl("rollout", "status", "statefulset/egress", "--timeout=150s", deadline=160)
    took = time.monotonic() - began
    assert all(pod.uid() != before[pod.name] for pod in pods)
    wait.wait_for(lambda: time.monotonic() - requests.started >= AT_LEAST, AT_LEAST, "requests for a minute", interval=0.5)
    figure(f"{requests.count()} requests at {requests.rate():.0f}/s, {len(requests.failures)} failed; update {took:.0f} s; "
           f"until ready: first {first}, then {_until_ready(pods)}")
    assert not requests.failures, f"{len(requests.failures)} failed: {requests.failures[:5]}"
    assert requests.rate() >= 0.9 * RATE
    assert len(requests.answers) == 3, "a replica carried no request"


@pytest.mark.alone
def test_node_drain(node, space, load, figure):
    """The replicas of a node are evicted, hook and all; a budget keeps the others serving meanwhile."""
    pods = _replicas(node, space, "drained", 2)
    space.apply({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": objects.metadata("drained"),
                 "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "drained"}}}})
    requests = load("drained")
    requests.wait_more(2 * RATE, 10)
    where = pods[0].object()["spec"]["nodeName"]
    on_it = {pod.name: pod.uid() for pod in pods if pod.object()["spec"]["nodeName"] == where}
    began = time.monotonic()
    try:
        node.kubectl("drain", where, "--pod-selector=app=drained", "--timeout=120s", deadline=130)
        took = time.monotonic() - began
        for pod in pods:
            wait.wait_for(lambda: pod.uid() != on_it.get(pod.name), 30, f"{pod.name} is replaced", interval=0.2)
            pod.wait_ready(60)
            assert pod.object()["spec"]["nodeName"] != where
        requests.wait_more(2 * RATE, 10)
    finally:
        node.kubectl("uncordon", where)
    figure(f"{requests.count()} requests at {requests.rate():.0f}/s, {len(requests.failures)} failed; drain {took:.0f} s")
    assert not requests.failures, f"{len(requests.failures)} failed: {requests.failures[:5]}"
