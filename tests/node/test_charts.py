"""What is shipped in deploy/ is accepted by the API server, pods by its Pod Security admission, and Helm manages releases."""

import json
import subprocess

import pytest
import yaml

from nodebed import layout
from shipped import charts

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
# Objects are the point here: with this in the namespace none of them becomes a pod.
NO_PODS = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods"}, "spec": {"hard": {"pods": "0"}}}
MONITOR = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "podmonitors.monitoring.coreos.com"},
    "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
             "names": {"plural": "podmonitors", "singular": "podmonitor", "kind": "PodMonitor"},
             "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                 "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]},
}
KEY = {"auth": {"secret": "key"}}


@pytest.fixture(scope="module")
def monitors(node):
    """The kind PodMonitor, which the Prometheus operator brings."""
    node.apply([MONITOR])
    node.kubectl("wait", "--for=condition=Established", "--timeout=20s", "crd/podmonitors.monitoring.coreos.com")


@pytest.fixture
def room(space):
    """A story's namespace in which no pod starts."""
    space.apply(NO_PODS)
    return space


def parsed(text):
    return [document for document in yaml.safe_load_all(text) if document]


def apply(space, text):
    """What kubectl says about each object of a text."""
    return space.kubectl("apply", "--validate=strict", "-f", "-", stdin=text).splitlines()


def assert_created(space, text, where):
    made = apply(space, text)
    assert len(made) == len(parsed(text)) and all(line.endswith(" created") for line in made), f"{where}: {made}"


def test_manifests(room):
    for path in charts.MANIFESTS:
        text = path.read_text()
        assert_created(room, text, path)
        # kubectl replaces the selector of a PodDisruptionBudget each time, also by the same one.
        changed = [line for line in apply(room, text) if not line.endswith(" unchanged") and "poddisruption" not in line]
        assert not changed, path


def test_cases(room, monitors):
    for path in charts.CASES:
        golden = charts.ROOT / f"tests/deploy/golden/{path.stem}.yaml"
        assert_created(room, golden.read_text(), golden)


def in_order(text):
    return sorted(parsed(text), key=lambda each: (each["kind"], each["metadata"]["name"]))


def test_kustomize_bases(room):
    for path in charts.MANIFESTS:
        base = charts.ROOT / f"deploy/kustomize/{path.stem}"
        done = subprocess.run([layout.kubernetes("kubectl"), "kustomize", base], check=True, capture_output=True,
                              text=True, timeout=60)
        assert in_order(done.stdout) == in_order(path.read_text()), base
        assert_created(room, done.stdout, base)


def test_chart_that_uses_the_library(room):
    made = apply(room, yaml.safe_dump_all(charts.documents({}, charts.APP, "app")))
    assert {"deployment.apps/app-web created", "statefulset.apps/store created", "job.batch/batch created",
            "secret/app-web-state created", "secret/store-0-state created", "secret/store-1-state created",
            "secret/batch-state created"} <= set(made)


def pod_of(found):
    """The pod of a workload, with the node's container alone: the others are the user's."""
    template = charts.workload(found)["spec"]["template"]
    spec = dict(template["spec"], containers=[dict(charts.node(found), name="node")])
    spec["containers"][0].pop("restartPolicy", None)
    spec.pop("initContainers", None)
    spec.pop("priorityClassName", None)
    spec.pop("serviceAccountName", None)
    for claim in charts.workload(found)["spec"].get("volumeClaimTemplates", []):
        spec["volumes"] = [*spec["volumes"], {"name": claim["metadata"]["name"], "emptyDir": {}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "node"}, "spec": spec}


USERSPACE = ["sidecar", "http-proxy", "http-proxy-headscale", "ingress", "subnet-router", "exit-node", "volume", "oauth"]
KERNEL = {"egress": "capabilities", "egress-services": "capabilities", "ingress-kernel": "capabilities",
          "ingress-address": "privileged"}


@pytest.fixture
def admit(space):
    """admit(name): what admission says to the pod of an example or a case, where `restricted` is enforced."""
    space.bed.kubectl("label", "namespace", space.name, RESTRICTED)

    def ask(name):
        path = charts.ROOT / f"deploy/manifests/{name}.yaml"
        if not path.exists():
            path = charts.ROOT / f"tests/deploy/golden/{name}.yaml"
        return space.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod_of(parsed(path.read_text()))))

    return ask


def test_userspace_is_admitted_where_restricted_is_enforced(admit):
    for name in USERSPACE:
        assert "pod/node created" in admit(name), name


def test_kernel_is_refused_where_restricted_is_enforced(admit):
    for name, reason in KERNEL.items():
        with pytest.raises(OSError, match='violates PodSecurity "restricted') as refusal:
            admit(name)
        assert reason in str(refusal.value), name


@pytest.fixture
def release(room):
    """helm(command, values) for one release; returns what Helm printed."""

    def run(command, values=None):
        chart = [] if command == "uninstall" else [charts.TAILBOOT]
        done = charts.helm(command, "proxy", *chart, "-n", room.name, f"--kubeconfig={room.bed.kubeconfig}", values=values)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("mode, values, words", [
    ("httpProxy", {}, "ALL_PROXY=socks5h://proxy."),
    ("subnetRouter", {"subnetRouter": {"routes": ["10.0.0.0/8"]}}, "once they are approved"),
    ("sidecar", {"sidecar": {"kind": "Job", "containers": [{"name": "a", "image": "b"}]}}, "wait --for=condition=complete"),
    ("egress", {"egress": {"target": {"ip": "100.64.0.1"}, "ports": [{"port": 80}]}}, "get services -l"),
], ids=["httpProxy", "subnetRouter", "sidecar", "egress"])
def test_notes(release, room, mode, values, words):
    """They name the next command."""
    notes = release("install", {"mode": mode, "tailscale": KEY, **values}).split("NOTES:")[1]
    assert words in notes and f"Next:\n\n  kubectl -n {room.name} " in notes


def test_upgrade_leaves_the_identity_alone(release, room):
    values = {"mode": "httpProxy", "tailscale": KEY}
    release("install", values)
    room.kubectl("patch", "secret", "proxy-0-state", "-p", '{"stringData": {"device_id": "n1"}}')
    release("upgrade", values | {"image": {"tag": "next"}})
    assert room.bed.secret("proxy-0-state", room.name) == {"device_id": "n1"}
    workload = json.loads(room.kubectl("get", "statefulset", "proxy", "-o", "json"))
    assert workload["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost/tailboot:next"


@pytest.mark.parametrize("keep", [False, True])
def test_uninstalling_leaves_only_what_is_to_be_kept(release, room, keep):
    release("install", {"mode": "httpProxy", "tailscale": KEY | {"state": {"keep": keep}}})
    release("uninstall")
    found = room.kubectl("get", "secret,role,rolebinding,statefulset,service,networkpolicy", "-o", "name").split()
    assert found == (["secret/proxy-0-state"] if keep else [])
