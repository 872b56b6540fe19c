"""Settings that need the firewall end the program after validation, before anything is started."""

import pytest

KERNEL = {"TS_USERSPACE": "false"}

CASES = {
    "dest_ip": dict(KERNEL, TS_DEST_IP="10.0.0.1"),
    "dest_name": dict(KERNEL, TS_EXPERIMENTAL_DEST_DNS_NAME="a.example"),
    "target_ip": dict(KERNEL, TS_TAILNET_TARGET_IP="100.64.0.9"),
    "target_name": dict(KERNEL, TS_TAILNET_TARGET_FQDN="a.tail.ts.net"),
    "via_ingress": dict(KERNEL, TS_SERVE_CONFIG="/x", POD_IP="10.0.0.2",
                        EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS="true"),
}
IN_KUBE = {
    "egress": {"TS_EGRESS_PROXIES_CONFIG_PATH": "/etc/proxies"},
    "ingress": {"TS_INGRESS_PROXIES_CONFIG_PATH": "/etc/proxies/ingress-config.json"},
}


def refused(world, env, name):
    """One fatal line that names the setting, exit 1, nothing started."""
    program = world.start(env)
    assert program.wait_exit() == 1
    assert name in program.lines()[-1]
    assert world.commands() == []
    assert world.kube.count() == 0


@pytest.mark.parametrize("name", CASES)
def test_refused(world, name):
    """Outside Kubernetes."""
    env = CASES[name]
    setting = next(k for k in reversed(list(env)) if k.startswith(("TS_", "EXPERIMENTAL_")))
    refused(world, env, setting)


@pytest.mark.parametrize("name", IN_KUBE)
def test_refused_in_kubernetes(world, name):
    """In a pod."""
    refused(world, world.kube_env(**IN_KUBE[name]), next(iter(IN_KUBE[name])))


def test_validation_comes_first(world):
    """A combination that is wrong anyway is reported as such."""
    program = world.start({"TS_DEST_IP": "10.0.0.1"})
    assert program.wait_exit() == 1
    assert "TS_DEST_IP is not supported with TS_USERSPACE" in program.output()
