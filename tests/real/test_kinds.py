"""The definitions of the controller's kinds on real API servers: installed, refusals, columns, kubectl scale and explain."""

import json

import pytest

from realbed import kinds, settings, wait
from realbed.kinds import GROUP, TAILNET, with_spec, without


@pytest.fixture(scope="session", params=["newest", "oldest"])
def server(request, cluster):
    """An API server with the kinds."""
    if request.param == "newest":
        kinds.install(cluster)
        yield cluster
        return
    with cluster.another("oldest") as old:
        kinds.install(old)
        yield old


def _create(server, document, fails=False):
    return kinds.kubectl(server, "create", "--dry-run=server", "-f", "-", text=json.dumps(document), fails=fails)


def test_a_second_installation_changes_nothing(server):
    before = [server.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{path.stem}.gateway.tailscale.com")
              for path in kinds.FILES]
    kinds.install(server)
    after = [server.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{path.stem}.gateway.tailscale.com")
             for path in kinds.FILES]
    for one, other in zip(before, after):
        assert one["metadata"]["resourceVersion"] == other["metadata"]["resourceVersion"]
        assert not [c for c in other["status"]["conditions"] if c["type"] == "NonStructuralSchema"]
    assert len(after) == 2


TARGET = {"fqdn": "web.tail1234.ts.net", "ports": [{"port": 80}]}

REFUSED = [
    # the document, and the words that name the field
    (with_spec(TAILNET, controlPlane="Other"), "spec.controlPlane"),
    (with_spec(TAILNET, controlPlane="Headscale"), "serverURL"),
    (with_spec(TAILNET, controlPlane="Headscale", serverURL="https://h.test", tailnet="corp"), "tailnet"),
    (with_spec(TAILNET, serverURL="headscale.test"), "spec.serverURL"),
    (with_spec(TAILNET, apiURL="ftp://x"), "spec.apiURL"),
    (without(TAILNET, "oauthSecretName"), "spec.oauthSecretName"),
    (with_spec(TAILNET, oauthSecretName=""), "spec.oauthSecretName"),
    (with_spec(TAILNET, oauthSecretName="No/Name"), "spec.oauthSecretName"),
    (with_spec(TAILNET, oauthSecretNamespace="a.b"), "spec.oauthSecretNamespace"),
    (with_spec(TAILNET, tags=["k8s"]), "spec.tags[0]"),
    (with_spec(TAILNET, tags=[]), "spec.tags"),
    (with_spec(TAILNET, tags=["tag:a", "tag:a"]), "spec.tags[1]"),
    (with_spec(TAILNET, proxyTags=["tag:1"]), "spec.proxyTags[0]"),
    (with_spec(TAILNET, domain="Upper.Test"), "spec.domain"),
    (with_spec(TAILNET, caSecretName="-"), "spec.caSecretName"),
    (with_spec(TAILNET, syncInterval="10s"), "syncInterval"),
    (with_spec(TAILNET, syncInterval="25h"), "syncInterval"),
    (with_spec(TAILNET, syncInterval="often"), "spec.syncInterval"),
    (with_spec(TAILNET, syncInterval=5), "syncInterval"),
    (without(GROUP, "type"), "spec.type"),
    (with_spec(GROUP, type="ingress"), "spec.type"),
    (with_spec(GROUP, replicas=-1), "spec.replicas"),
    (with_spec(GROUP, replicas=65), "spec.replicas"),
    (with_spec(GROUP, replicas="two"), "replicas"),
    (with_spec(GROUP, tags=["tag:"]), "spec.tags[0]"),
    (with_spec(GROUP, hostnamePrefix="-a"), "spec.hostnamePrefix"),
    (with_spec(GROUP, hostnamePrefix="a" * 63), "spec.hostnamePrefix"),
    (with_spec(GROUP, name="a" * 49), "metadata.name"),
    (with_spec(GROUP, name="1st"), "metadata.name"),
    (with_spec(GROUP, name="a.b"), "metadata.name"),
    (with_spec(GROUP, tailnetTarget={"ports": [{"port": 80}]}), "tailnetTarget"),
    (with_spec(GROUP, tailnetTarget={**TARGET, "ip": "100.64.0.1"}), "tailnetTarget"),
    (with_spec(GROUP, tailnetTarget={**TARGET, "tags": ["tag:a"]}), "spec.tailnetTarget.tags"),
    (with_spec(GROUP, tailnetTarget={"fqdn": "web.tail1234.ts.net"}), "spec.tailnetTarget.ports"),
    (with_spec(GROUP, tailnetTarget={**TARGET, "ports": []}), "spec.tailnetTarget.ports"),
    (with_spec(GROUP, tailnetTarget={**TARGET, "ports": [{"port": 0}]}), "spec.tailnetTarget.ports[0].port"),
    (with_spec(GROUP, tailnetTarget={**TARGET, "ports": [{"port": 1}, {"port": 2}]}), "names"),
    (with_spec(GROUP, tailnetTarget={"ip": "300.1.1.1", "ports": [{"port": 80}]}), "spec.tailnetTarget.ip"),
    (with_spec(GROUP, tailnetTarget={"serviceName": "web", "ports": [{"port": 80}]}), "spec.tailnetTarget.serviceName"),
    (with_spec(GROUP, template={"securityProfile": "Root"}), "spec.template.securityProfile"),
    (with_spec(GROUP, template={"securityProfile": "Userspace"}), "securityProfile"),
    (with_spec(GROUP, template={"container": {"env": [{"value": "x"}]}}), "spec.template.container.env[0].name"),
    (with_spec(GROUP, template={"container": {"env": [{"name": "A"}, {"name": "A"}]}}), "spec.template.container.env[1]"),
    (with_spec(GROUP, template={"tolerations": {}}), "tolerations"),
]


@pytest.mark.parametrize("document,words", REFUSED, ids=[f"{d['kind'][9:]}-{w}" for d, w in REFUSED])
def test_what_is_wrong_is_refused_by_the_name_of_its_field(server, document, words):
    assert words in _create(server, document, fails=True)


ACCEPTED = [
    TAILNET,
    with_spec(TAILNET, serverURL="", apiURL="", tailnet="-", domain="", caSecretName="", oauthSecretNamespace=""),
    with_spec(TAILNET, controlPlane="Headscale", serverURL="https://headscale.test:8443", domain="tail.test", syncInterval="1m30s"),
    with_spec(GROUP, name="a" * 48, replicas=0, hostnamePrefix="", tags=["tag:k8s"], acceptRoutes=True),
    with_spec(GROUP, tailnetTarget=TARGET),
    with_spec(GROUP, tailnetTarget={"ip": "fd7a:115c:a1e0::1",
                                    "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "t", "port": 53}]}),
    with_spec(GROUP, template={"affinity": {"podAntiAffinity": {}}, "tolerations": [{"operator": "Exists"}],
                               "securityProfile": "NetAdmin", "container": {"resources": {"limits": {"cpu": "1"}}}}),
]


@pytest.mark.parametrize("document", ACCEPTED)
def test_what_is_right_is_accepted(server, document):
    _create(server, document)


def test_what_cannot_be_changed_is_not(server):
    api = kinds.API
    server.write("POST", f"{api}/tailscaleproxygroups", with_spec(GROUP, name="fixed", tailnet="one"))
    server.write("POST", f"{api}/tailscaleproxygroups", with_spec(GROUP, name="default"))
    server.write("POST", f"{api}/tailscaletailnets", with_spec(TAILNET, name="fixed"))
    for plural, name, patch, words in (
            ("tailscaleproxygroups", "fixed", {"tailnet": "two"}, "tailnet cannot be changed"),
            ("tailscaleproxygroups", "fixed", {"tailnet": None}, "tailnet cannot be changed"),
            ("tailscaleproxygroups", "default", {"tailnet": "one"}, "tailnet cannot be changed"),
            ("tailscaletailnets", "fixed", {"controlPlane": "Headscale", "serverURL": "https://h.test"},
             "controlPlane cannot be changed")):
        said = kinds.kubectl(server, "patch", plural, name, "--type=merge", "-p", json.dumps({"spec": patch}), fails=True)
        assert words in said
    # A change of something else is none of these.
    kinds.kubectl(server, "patch", "tspg", "default", "--type=merge", "-p", json.dumps({"spec": {"acceptRoutes": True}}))


def test_columns_and_scale(server):
    api = kinds.API
    server.write("POST", f"{api}/tailscaleproxygroups", with_spec(GROUP, name="columns"))
    server.write("POST", f"{api}/tailscaletailnets", with_spec(TAILNET, name="columns"))
    condition = {"status": "True", "reason": "Fine", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    patches = (("tailscaleproxygroups", {"readyReplicas": 1, "replicas": 2, "selector": "a=b",
                                         "conditions": [{**condition, "type": "ProxyGroupReady"}]}),
               ("tailscaletailnets", {"tailnetInfo": {"name": "tail.test", "organization": "Organization"},
                                      "conditions": [{**condition, "type": "Ready"}]}))
    for plural, status in patches:
        server.write("PATCH", f"{api}/{plural}/columns/status", {"status": status}, "application/merge-patch+json")
    lines = kinds.kubectl(server, "get", "tspg", "columns").splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "TYPE", "REPLICAS", "READY", "AGE"]
    assert lines[1].split()[:5] == ["columns", "Fine", "egress", "2", "1"]
    lines = kinds.kubectl(server, "get", "tstn", "columns").splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "TAILNET", "ORGANIZATION", "AGE"]
    assert lines[1].split()[:4] == ["columns", "Fine", "tail.test", "Organization"]
    kinds.kubectl(server, "scale", "tspg/columns", "--replicas=3")
    assert server.get(f"{api}/tailscaleproxygroups/columns")["spec"]["replicas"] == 3
    scale = server.get(f"{api}/tailscaleproxygroups/columns/scale")
    assert scale["status"] == {"replicas": 2, "selector": "a=b"}
    # The number of replicas is the only thing that scale may change.
    kinds.kubectl(server, "scale", "tspg/columns", "--replicas=65", fails=True)


def test_each_field_is_explained(server):
    for path in kinds.FILES:
        name = path.stem
        wait.wait_for(lambda name=name: name in kinds.kubectl(server, "api-resources", "--api-group=gateway.tailscale.com"),
                      20, "the kind is found")
        said = " ".join(kinds.kubectl(server, "explain", name, "--recursive").split())
        fields = list(kinds.described(kinds.schema_of(path)))
        assert len(fields) > 30
        for field, schema in fields:
            assert schema.get("description"), f"{path.name}: {field} has no description"
            assert f"{field.rsplit('.', 1)[1]} <" in said, field
        for field in ("spec", "status", "status.conditions", "spec.tags"):
            words = " ".join(kinds.kubectl(server, "explain", f"{name}.{field}").split())
            text = dict(kinds.described(kinds.schema_of(path)))[f".{field}"]["description"]
            assert " ".join(text.split()) in words


SHIPPED = settings.ROOT / "deploy" / "controller"
SPACE = "tailscale-gateway-system"


def test_what_is_shipped_is_accepted(server):
    """The controller's own objects and the examples, all of their fields known; a second time changes nothing."""
    server.write("POST", "/api/v1/namespaces", {"metadata": {"name": SPACE}})
    for path in sorted(SHIPPED.glob("*.yaml")):
        # The examples name their namespaces.
        space = ("-n", SPACE) if path.stem == "controller" else ()
        apply = ("apply", "--server-side", "--validate=strict", *space, "-f", path, "-o", "json")
        first = _versions(kinds.kubectl(server, *apply, "--force-conflicts"))
        assert len(first) >= 4, path
        assert _versions(kinds.kubectl(server, *apply)) == first, path
        # The examples have names in common.
        if path.stem != "controller":
            kinds.kubectl(server, "delete", "-f", path, "--wait=false")


def _versions(text):
    decoder, place, found = json.JSONDecoder(), 0, {}
    while place < len(text.rstrip()):
        document, place = decoder.raw_decode(text, place)
        for each in document.get("items", [document]):
            found[each["kind"], each["metadata"]["name"]] = each["metadata"]["resourceVersion"]
        while place < len(text) and text[place].isspace():
            place += 1
    return found
