"""Everything that is shipped is accepted by a real API server, and pods by its Pod Security admission."""

import json
import subprocess

import pytest
import yaml

import charts
from realbed import settings

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
MONITOR = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "podmonitors.monitoring.coreos.com"},
    "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
             "names": {"plural": "podmonitors", "singular": "podmonitor", "kind": "PodMonitor"},
             "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                 "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]},
}


@pytest.fixture(scope="session")
def monitors(kubectl):
    """The kind PodMonitor, which the Prometheus operator brings."""
    kubectl("apply", "-f", "-", text=json.dumps(MONITOR))
    kubectl("wait", "--for=condition=Established", "--timeout=20s", "crd/podmonitors.monitoring.coreos.com")


@pytest.mark.parametrize("path", charts.MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest(kubectl, namespace, path):
    made = kubectl("apply", "-n", namespace, "--validate=strict", "-f", path)
    wanted = [each for each in yaml.safe_load_all(path.read_text()) if each]
    assert made.count(" created") == len(wanted)
    again = kubectl("apply", "-n", namespace, "--validate=strict", "-f", path)
    assert again.count(" unchanged") == len(wanted), again


@pytest.mark.parametrize("path", charts.CASES, ids=lambda path: path.stem)
def test_a_case(kubectl, namespace, monitors, path):
    text = (charts.ROOT / f"tests/deploy/golden/{path.stem}.yaml").read_text()
    made = kubectl("apply", "-n", namespace, "--validate=strict", "-f", "-", text=text)
    assert made.count(" created") == len([each for each in yaml.safe_load_all(text) if each])


def test_the_chart_that_uses_the_library(kubectl, namespace):
    text = yaml.safe_dump_all(charts.documents({}, charts.APP, "app"))
    made = kubectl("apply", "-n", namespace, "--validate=strict", "-f", "-", text=text)
    assert {"deployment.apps/app-web created", "statefulset.apps/store created", "job.batch/batch created",
            "secret/app-web-state created", "secret/store-0-state created", "secret/store-1-state created",
            "secret/batch-state created"} <= set(made.splitlines())


def test_what_a_node_has_written_stays_when_it_is_applied_again(kubectl, namespace):
    path = charts.ROOT / "deploy/manifests/http-proxy.yaml"
    kubectl("apply", "-n", namespace, "-f", path)
    kubectl("patch", "-n", namespace, "secret", "http-proxy-0-state", "-p", '{"stringData": {"device_id": "n1"}}')
    kubectl("apply", "-n", namespace, "-f", path)
    assert kubectl("get", "-n", namespace, "secret", "http-proxy-0-state", "-o", "jsonpath={.data.device_id}")


@pytest.mark.parametrize("path", charts.MANIFESTS, ids=lambda path: path.stem)
def test_a_kustomize_base_is_the_manifest(path):
    kubectl = settings.partner("kubernetes") / "kubectl"
    base = charts.ROOT / f"deploy/kustomize/{path.stem}"
    done = subprocess.run([kubectl, "kustomize", base], check=True, capture_output=True, text=True, timeout=60)

    def sorted_documents(text):
        found = [each for each in yaml.safe_load_all(text) if each]
        return sorted(found, key=lambda each: (each["kind"], each["metadata"]["name"]))

    assert sorted_documents(done.stdout) == sorted_documents(path.read_text())


def pod_of(found):
    """The pod of a workload, with the node's container alone: the others are the user's."""
    template = charts.workload(found)["spec"]["template"]
    spec = dict(template["spec"], containers=[dict(charts.node(found), name="node")])
    spec["containers"][0].pop("restartPolicy", None)
    spec.pop("initContainers", None)
    spec.pop("priorityClassName", None)
    for claim in charts.workload(found)["spec"].get("volumeClaimTemplates", []):
        spec["volumes"] = [*spec["volumes"], {"name": claim["metadata"]["name"], "emptyDir": {}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "node"}, "spec": spec}


USERSPACE = ["sidecar", "http-proxy", "http-proxy-headscale", "ingress", "subnet-router", "exit-node", "volume", "oauth"]
KERNEL = {"egress": "capabilities", "egress-services": "capabilities", "ingress-kernel": "capabilities",
          "ingress-address": "privileged"}


def admit(kubectl, namespace, name):
    """What admission says to the pod of an example or a case."""
    kubectl("label", "namespace", namespace, *(f"{key}={value}" for key, value in RESTRICTED.items()))
    folder = "deploy/manifests" if (charts.ROOT / f"deploy/manifests/{name}.yaml").exists() else "tests/deploy/golden"
    found = [each for each in yaml.safe_load_all((charts.ROOT / folder / f"{name}.yaml").read_text()) if each]
    for account in charts.of_kind(found, "ServiceAccount"):
        kubectl("apply", "-n", namespace, "-f", "-", text=json.dumps(account))
    return kubectl.run("create", "-n", namespace, "-f", "-", text=json.dumps(pod_of(found)))


@pytest.mark.parametrize("name", USERSPACE)
def test_userspace_is_admitted_where_restricted_is_enforced(kubectl, namespace, name):
    done = admit(kubectl, namespace, name)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", KERNEL)
def test_kernel_networking_is_refused_where_restricted_is_enforced(kubectl, namespace, name):
    done = admit(kubectl, namespace, name)
    assert done.returncode and 'violates PodSecurity "restricted' in done.stderr and KERNEL[name] in done.stderr
