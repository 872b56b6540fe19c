"""Values that cannot work are refused by a sentence that begins with the value's name."""

import pytest

import charts

KEY = {"auth": {"secret": "key"}}
TARGET = {"target": {"ip": "100.64.0.1"}, "ports": [{"port": 80}]}
CONTAINERS = {"containers": [{"name": "web", "image": "web"}]}


def proxy(mode="httpProxy", tailscale=None, **values):
    """Values that work, but for what a case adds."""
    return {"mode": mode, "tailscale": KEY | (tailscale or {}), **values}


def service(**members):
    return {"ports": [{"port": 80}], **members}


COMBINATIONS = [
    ("network: is userspace, and mode egress needs kernel", proxy("egress", network="userspace", egress=TARGET)),
    ("network: is userspace, and mode egress needs kernel", proxy("egress", {"userspace": True}, egress=TARGET)),
    ("network: is kernel, and tailscale.userspace is true", proxy(network="kernel", tailscale={"userspace": True})),
    ("tailscale.auth.secret: no key and no identity", {"mode": "httpProxy"}),
    ("tailscale.authKeyRefs.proxy: is missing", {"mode": "httpProxy", "tailscale": {"authKeyRefs": {"web": "k"}}}),
    ("sidecar.containers: is empty, and mode sidecar needs a pod to join", proxy("sidecar")),
    ("replicas: is 2, and the pods of a Deployment", proxy("sidecar", sidecar=CONTAINERS, replicas=2)),
    ("replicas: is 2, and the pods of a Job", proxy("sidecar", sidecar=CONTAINERS | {"kind": "Job"}, replicas=2)),
    ("networkPolicy.enabled: would close the ports", proxy("sidecar", sidecar=CONTAINERS, networkPolicy={"enabled": True})),
    ("tailscale.state.claim: is empty", proxy("sidecar", {"state": {"kind": "volume"}}, sidecar=CONTAINERS)),
    ("tailscale.state.claim: one volume cannot", proxy(tailscale={"state": {"kind": "volume", "claim": "c"}}, replicas=2)),
    ("tailscale.state.identityExists: there is no identity",
     proxy(tailscale={"state": {"kind": "memory", "identityExists": True}})),
    ("tailscale.tags: is empty", {"mode": "httpProxy", "tailscale": {"auth": {"oauth": {"secret": "client"}}}}),
    ("tailscale.auth.workloadIdentity.audience: is empty",
     proxy(tailscale={"auth": {"workloadIdentity": {"clientId": "c"}}, "tags": ["tag:a"]})),
    ("tailscale.controlUrl: another control server", {"mode": "httpProxy", "tailscale": {
        "auth": {"oauth": {"secret": "client"}}, "tags": ["tag:a"], "controlUrl": "https://headscale.example.com"}}),
    ("tailscale.controlUrl: is \"headscale\"", proxy(tailscale={"controlUrl": "headscale"})),
    ("tailscale.ca.configMap: only one", proxy(tailscale={"ca": {"configMap": "a", "secret": "b"}})),
    ("tailscale.kernel: has no meaning", proxy(tailscale={"kernel": {"privileged": True}})),
    ("egress.target.fqdn: no target", proxy("egress")),
    ("egress.target.ip: only one of", proxy("egress", egress={"target": {"ip": "100.64.0.1", "fqdn": "a.b"}})),
    ("egress.services: cannot be combined", proxy("egress", egress=TARGET | {"services": {"web": service(ip="100.64.0.2")}})),
    ("egress.ports: is empty", proxy("egress", egress={"target": {"ip": "100.64.0.1"}})),
    ("egress.services.web: needs exactly one", proxy("egress", egress={"services": {"web": service()}})),
    ("egress.services.web.ports: port 80 meets one of egress.services.db", proxy("egress", egress={"services": {
        "web": {"ip": "100.64.0.2", "ports": [{"port": 80, "matchPort": 10000}]},
        "db": {"ip": "100.64.0.3", "ports": [{"port": 81, "matchPort": 10000}]}}})),
    ("tailscale.state.kind: must be secret with egress.services",
     proxy("egress", {"state": {"kind": "volume"}}, egress={"services": {"web": service(ip="100.64.0.2")}})),
    ("egress.target: has no meaning in mode httpProxy", proxy(egress={"target": {"ip": "100.64.0.1"}})),
    ("ingress.destination: has no meaning in mode httpProxy", proxy(ingress={"destination": "web"})),
    ("sidecar.containers: has no meaning in mode httpProxy", proxy(sidecar=CONTAINERS)),
    ("subnetRouter.routes: has no meaning in mode exitNode", proxy("exitNode", subnetRouter={"routes": ["10.0.0.0/8"]})),
    ("subnetRouter.routes: is empty", proxy("subnetRouter")),
    ("ingress.destination: is empty", proxy("ingress")),
    ("ingress.destination: is empty", proxy("ingress", network="kernel")),
    ("ingress.ports: is empty", proxy("ingress", ingress={"destination": "web"})),
    ("ingress.ports: has no meaning with kernel", proxy("ingress", network="kernel",
                                                        ingress={"destination": "web", "ports": [{"port": 80}]})),
    ("tailscale.serve: cannot be combined", proxy("ingress", {"serve": {"TCP": {}, "Web": {}}},
                                                  ingress={"destination": "web", "ports": [{"port": 80}]})),
    ("httpProxy.port: 9002 is the port of the probes", proxy(httpProxy={"port": 9002})),
]

TYPES = [
    ("/mode", "must be one of", {"mode": "proxy"}),
    ("/mode", "must be one of", {}),
    ("/network", "must be one of", proxy(network="native")),
    ("/replicas", "want integer", proxy(replicas="two")),
    ("/replicas", "minimum", proxy(replicas=0)),
    ("/tailscale/enabled", "want boolean", proxy(tailscale={"enabled": "yes"})),
    ("/tailscale/userspace", "want null or boolean", proxy(tailscale={"userspace": "true"})),
    ("/tailscale/image", "want string", proxy(tailscale={"image": {"tag": "1"}})),
    ("/tailscale/authKeyRefs/web", "want string", proxy(tailscale={"authKeyRefs": {"web": 1}})),
    ("/tailscale/tags/0", "does not match pattern", proxy(tailscale={"tags": ["web"]})),
    ("/tailscale", "'control' not allowed", proxy(tailscale={"control": "x"})),
    ("/egress/services/web/ports/0/port", "maximum", proxy("egress", egress={"services": {
        "web": {"ip": "100.64.0.1", "ports": [{"port": 70000}]}}})),
    ("/subnetRouter/routes/0", "does not match pattern", proxy("subnetRouter", subnetRouter={"routes": ["web"]})),
]

LIBRARY = [
    ("tailscale.userspace: must be a boolean", {"userspace": "true"}),
    ("tailscale.tags: must be a list", {"tags": "tag:a"}),
    ("tailscale.authKeyRefs: must be a map", {"authKeyRefs": "web"}),
    ("tailscale.image: must be a string", {"image": {"tag": "1"}}),
]


@pytest.mark.parametrize("sentence, values", COMBINATIONS)
def test_a_combination(sentence, values):
    assert f"): {sentence}" in charts.refusal(values)


@pytest.mark.parametrize("place, words, values", TYPES)
def test_a_type(place, words, values):
    found = charts.refusal(values)
    assert f"at '{place}'" in found and words in found


@pytest.mark.parametrize("sentence, tailscale", LIBRARY)
def test_a_type_in_the_library_chart(sentence, tailscale):
    assert f"): {sentence}" in charts.refusal({"tailscale": tailscale}, charts.APP)
