"""A node is lost as by a power failure: its replicas go where the cluster's rules let them, the others serve meanwhile."""

import contextlib
import json
import time

import pytest

from nodebed import objects
from realbed import settings, wait
from realbed.balancer import Load
from realbed.services import service

RATE, LIMIT = 50, 2.0
PORT, MATCH = 7000, 1001
# The control plane calls a node lost after so long without a sign of life, and a pod may stay on it no longer.
NOTICED_AFTER, TOLERATED = 8, 1
# From the node's condition to the rules of the node that asks.
ROUTED_WITHIN = 3
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


@pytest.fixture
def attentive(node):
    """A control plane that misses a node sooner than it would by default."""
    node.control.restart_controllers(f"--node-monitor-grace-period={NOTICED_AFTER}s")
    yield
    node.control.restart_controllers()


@pytest.fixture
def second(node, attentive):
    """Node 2, which is there again when the story has ended."""
    machine = node.node(2)
    yield machine
    if not machine.running():
        machine.come_back()
    machine.wait_ready()
    with contextlib.suppress(OSError):
        node.kubectl("taint", "nodes", machine.name, f"{OUT_OF_SERVICE}-")


def _apart(name, required):
    """One replica on each node: as a rule without exception, or if it can be."""
    term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": "kubernetes.io/hostname"}
    if required:
        return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


class Group:
    """Two egress proxies behind a Service, one on each node, and steady requests through them from node 1."""

    def __init__(self, node, space, name, required):
        self.name, self._space = name, space
        peer = f"{node.peer.name}.{settings.TAILNET_DOMAIN}"
        names = [f"{name}-{number}" for number in range(2)]
        for one in names:
            space.node_state(one)
        mount = {"name": "proxies", "mountPath": "/etc/proxies", "readOnly": True}
        container = objects.proxy({"TS_EGRESS_PROXIES_CONFIG_PATH": "/etc/proxies"}, mounts=[mount])
        tolerated = [{"key": f"node.kubernetes.io/{reason}", "operator": "Exists", "effect": "NoExecute",
                      "tolerationSeconds": TOLERATED} for reason in ("unreachable", "not-ready")]
        spec = objects.pod_spec([container], account_name=name, affinity=_apart(name, required), tolerations=tolerated,
                                volumes=[{"name": "proxies", "configMap": {"name": name}}])
        wanted = {"echo": service(("TCP", MATCH, PORT), fqdn=peer)}
        space.apply(*objects.account(name, names), objects.config_map(name, {"egress-services": json.dumps(wanted)}),
                    objects.service(name, {PORT: MATCH}),
                    objects.workload("StatefulSet", name, spec, 2, podManagementPolicy="Parallel"))
        self.pods = [space.pod(one).wait_ready(60) for one in names]
        self.load = None

    def ask(self, client):
        self.load = Load(client.namespace, self._space.host(self.name), PORT, RATE, timeout=LIMIT)
        self.load.wait_more(RATE, 20)

    def on(self, machine):
        """Its replica on a node; None when there is none."""
        return next((pod for pod in self.pods if pod.object()["spec"].get("nodeName") == machine.name), None)

    def wait_both(self, deadline):
        """Both replicas carry requests."""
        before = dict(self.load.answers)

        def carried():
            return [source for source, count in self.load.answers.items() if count > before.get(source, 0)]

        wait.wait_for(lambda: len(carried()) == 2, deadline, f"both replicas of {self.name} carry requests")

    def late(self, since, until):
        """Requests that failed within a span of the clock."""
        began = self.load.started
        return [failure for failure in self.load.failures if since <= began + failure[0] - LIMIT and began + failure[0] <= until]


@pytest.fixture
def groups(node, space, second):
    """One group whose replicas must be apart, and one whose replicas are if they can."""
    node.peer.echo()
    made = {required: Group(node, space, "strict" if required else "loose", required) for required in (True, False)}
    client = space.client(node=1)
    for group in made.values():
        group.ask(client)
    yield made
    for group in made.values():
        group.load.__exit__()


def _identity(pod):
    published = pod.published()
    return published["device_id"], json.loads(published["device_ips"])


def _refused_by_rule(space, pod):
    """The scheduler says of a pod that its affinity leaves it no node."""
    events = space.kubectl("get", "events", "--field-selector", f"involvedObject.name={pod.name},reason=FailedScheduling",
                           "-o", "jsonpath={.items[*].message}")
    return "anti-affinity" in events and not pod.object()["spec"].get("nodeName")


def test_lost_and_back(node, space, second, groups, figure):
    """All of node 2 ends at once; it is noticed, declared out of service, and switched on again."""
    strict, loose = groups[True], groups[False]
    moved = {group: group.on(second) for group in (strict, loose)}
    assert None not in moved.values(), "a group is not spread over both nodes"
    before = {group: (pod.uid(), _identity(pod)) for group, pod in moved.items()}
    lost = time.monotonic()
    second.lose()
    wait.wait_for(lambda: not second.is_ready(), 4 * NOTICED_AFTER, "the loss is noticed", interval=0.2)
    noticed = time.monotonic()
    for group, pod in moved.items():
        wait.wait_for(lambda pod=pod: "deletionTimestamp" in pod.object()["metadata"], 20, f"{pod.name} is evicted")
        group.load.wait_more(5 * RATE, 30)
    # What a person does who knows that the machine is off: without it nothing may run under the same name.
    serving = time.monotonic()
    node.kubectl("taint", "nodes", second.name, f"{OUT_OF_SERVICE}=off:NoExecute")
    wait.wait_for(lambda: moved[loose].uid() != before[loose][0], 60, "the replica is replaced", interval=0.3)
    moved[loose].wait_ready(60)
    replaced = time.monotonic()
    assert loose.on(second) is None
    assert _identity(moved[loose]) == before[loose][1]
    loose.wait_both(20)
    wait.wait_for(lambda: _refused_by_rule(space, moved[strict]), 30, "the other one has no place", interval=0.3)
    strict.load.wait_more(2 * RATE, 10)
    failed = {group: group.late(noticed + ROUTED_WITHIN, serving) for group in groups.values()}
    assert not any(failed.values()), "requests failed after the loss was noticed"

    started = time.monotonic()
    second.come_back()
    second.wait_ready()
    node.kubectl("taint", "nodes", second.name, f"{OUT_OF_SERVICE}-")
    moved[strict].wait_ready(60)
    assert strict.on(second) is not None
    assert _identity(moved[strict]) == before[strict][1]
    strict.wait_both(20)
    failures = sum(len(group.load.failures) for group in groups.values())
    figure(f"noticed after {noticed - lost:.1f} s; replaced {replaced - serving:.1f} s after the node was declared off; "
           f"both carry again {time.monotonic() - started:.1f} s after its start; {failures} requests failed in all of "
           f"{failures + sum(group.load.count() for group in groups.values())}")
