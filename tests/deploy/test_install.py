"""Helm itself on a real API server: install, upgrade, uninstall, and the notes."""

import json

import pytest

import charts

KEY = {"auth": {"secret": "key"}}


@pytest.fixture
def release(kubectl, namespace):
    """helm(command, values) for one release in a namespace of its own; returns what Helm printed."""

    def run(command, values=None):
        chart = [] if command == "uninstall" else [charts.TAILBOOT]
        arguments = [command, "proxy", *chart, "-n", namespace, f"--kubeconfig={kubectl.configuration}"]
        done = charts.helm(*arguments, values=values, namespace=kubectl.hub)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("mode, values, words", [
    ("httpProxy", {}, "ALL_PROXY=socks5h://proxy."),
    ("subnetRouter", {"subnetRouter": {"routes": ["10.0.0.0/8"]}}, "once they are approved"),
    ("sidecar", {"sidecar": {"kind": "Job", "containers": [{"name": "a", "image": "b"}]}}, "wait --for=condition=complete"),
    ("egress", {"egress": {"target": {"ip": "100.64.0.1"}, "ports": [{"port": 80}]}}, "get services -l"),
])
def test_the_notes_name_the_next_command(release, namespace, mode, values, words):
    notes = release("install", {"mode": mode, "tailscale": KEY, **values}).split("NOTES:")[1]
    assert words in notes and f"Next:\n\n  kubectl -n {namespace} " in notes


def test_an_upgrade_leaves_the_identity_alone(kubectl, namespace, release):
    values = {"mode": "httpProxy", "tailscale": KEY}
    release("install", values)
    kubectl("patch", "-n", namespace, "secret", "proxy-0-state", "-p", '{"stringData": {"device_id": "n1"}}')
    release("upgrade", values | {"image": {"tag": "next"}})
    state = json.loads(kubectl("get", "-n", namespace, "secret", "proxy-0-state", "-o", "json"))
    assert "device_id" in state["data"]
    workload = json.loads(kubectl("get", "-n", namespace, "statefulset", "proxy", "-o", "json"))
    assert workload["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost/tailboot:next"


@pytest.mark.parametrize("keep", [False, True])
def test_uninstalling_leaves_nothing_but_what_is_kept(kubectl, namespace, release, keep):
    release("install", {"mode": "httpProxy", "tailscale": KEY | {"state": {"keep": keep}}})
    release("uninstall")
    kinds = "secret,role,rolebinding,statefulset,service,configmap,networkpolicy"
    left = kubectl("get", "-n", namespace, kinds, "-o", "name").split()
    left = [name for name in left if name != "configmap/kube-root-ca.crt"]
    assert left == (["secret/proxy-0-state"] if keep else [])
