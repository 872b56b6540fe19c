"""Every value is documented, typed and has an effect; names that people use already work as they are."""

import json

import pytest
import yaml

import charts


def leaves(values, path=()):
    """(name, default) of each value."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, name))
        else:
            yield ".".join((*path, name)), value


def schema_leaves(schema, path=()):
    for name, member in schema["properties"].items():
        if member.get("additionalProperties") is False and "properties" in member:
            yield from schema_leaves(member, (*path, name))
        elif (*path, name) not in (("global",), ("tailboot-sidecar",)):
            yield ".".join((*path, name))


def all_values():
    own = dict(leaves(yaml.safe_load((charts.TAILBOOT / "values.yaml").read_text())))
    library = yaml.safe_load((charts.SIDECAR / "values.yaml").read_text())
    return {f"tailscale.{name}": value for name, value in leaves(library)} | own


def test_each_value_has_a_type():
    schema = json.loads((charts.TAILBOOT / "values.schema.json").read_text())
    assert set(schema_leaves(schema)) == set(all_values())


def test_each_value_is_documented():
    text = (charts.TAILBOOT / "README.md").read_text()
    missing = [name for name in all_values() if f"| `{name}` |" not in text]
    assert not missing


def test_each_value_has_an_effect():
    """Each name occurs in a set of values that is rendered and compared."""
    used = set()
    for path in charts.EXAMPLES + charts.CASES:
        used |= {name for name, _ in leaves(yaml.safe_load(path.read_text()))}
    lacking = [name for name in all_values() if not any(each == name or each.startswith(f"{name}.") for each in used)]
    assert not lacking


def test_the_versions_are_those_of_the_program():
    project = (charts.ROOT / "CMakeLists.txt").read_text()
    for chart in (charts.TAILBOOT, charts.SIDECAR):
        description = yaml.safe_load((chart / "Chart.yaml").read_text())
        assert f"project(tailboot VERSION {description['appVersion']} " in project
        assert description["version"] == description["appVersion"]
    library = yaml.safe_load((charts.SIDECAR / "values.yaml").read_text())
    assert library["image"] == f"localhost/tailboot:{description['appVersion']}"
    for path in ("deploy/compose/compose.yaml", "deploy/nomad/tailboot.nomad.hcl", "docs/migration.md"):
        assert library["image"] in (charts.ROOT / path).read_text()


def test_names_that_are_in_use_work_as_they_are():
    found = charts.documents({
        "mode": "httpProxy", "component": "idp",
        "tailscale": {"enabled": True, "controlUrl": "https://headscale.example.com", "userspace": True,
                      "image": "registry.example.com/tailscale:1", "authKeyRefs": {"idp": "idp-authkey"},
                      "resources": {"limits": {"memory": "64Mi"}}}})
    node = charts.node(found)
    assert node["image"] == "registry.example.com/tailscale:1"
    assert node["resources"] == {"limits": {"memory": "64Mi"}}
    assert charts.environment(found)["TS_EXTRA_ARGS"] == "--login-server=https://headscale.example.com"
    assert charts.environment(found)["TS_USERSPACE"] == "true"
    key = next(each for each in node["env"] if each["name"] == "TS_AUTHKEY")
    assert key["valueFrom"]["secretKeyRef"] == {"name": "headscale-auth-keys", "key": "idp-authkey"}


def test_disabled_renders_nothing():
    assert not charts.documents({"mode": "httpProxy", "tailscale": {"enabled": False}})


def test_nothing_is_cluster_wide():
    for path in charts.EXAMPLES + charts.CASES:
        kinds = {each["kind"] for each in charts.documents(yaml.safe_load(path.read_text()))}
        assert not {kind for kind in kinds if kind.startswith("Cluster") or kind in ("Namespace", "PriorityClass")}


@pytest.mark.parametrize("path", charts.EXAMPLES + charts.CASES, ids=lambda path: path.stem)
def test_rights_are_on_the_state_secrets_by_name(path):
    found = charts.documents(yaml.safe_load(path.read_text()))
    made = {each["metadata"]["name"] for each in charts.of_kind(found, "Secret")}
    for role in charts.of_kind(found, "Role"):
        (rule,) = role["rules"]
        assert rule["resources"] == ["secrets"] and set(rule["resourceNames"]) == made
        assert sorted(rule["verbs"]) == ["get", "patch", "update"]
    assert bool(made) == bool(charts.of_kind(found, "Role"))


@pytest.mark.parametrize("path", charts.EXAMPLES + charts.CASES, ids=lambda path: path.stem)
def test_a_policy_lets_only_probes_metrics_and_the_ports_of_services_in(path):
    found = charts.documents(yaml.safe_load(path.read_text()))
    for policy in charts.of_kind(found, "NetworkPolicy"):
        assert policy["spec"]["policyTypes"] == ["Ingress"]
        assert all(rule["from"] and rule["ports"] for rule in policy["spec"]["ingress"])
        allowed = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        served = {port["targetPort"] for each in charts.of_kind(found, "Service") for port in each["spec"]["ports"]}
        assert allowed == served - {"tailnet-health"} | {9002}


def test_the_package_of_the_chart_has_the_library_in_it(tmp_path):
    values = {"mode": "httpProxy", "tailscale": {"auth": {"secret": "key"}}}
    done = charts.helm("package", charts.TAILBOOT, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.iterdir()
    done = charts.helm("template", "proxy", package, values=values)
    assert (done.returncode, done.stderr) == (0, "")
    assert [each for each in yaml.safe_load_all(done.stdout) if each] == charts.documents(values)


def test_a_port_of_an_egress_service_stays_when_others_are_added():
    def ports(services):
        found = charts.documents({"mode": "egress", "tailscale": {"auth": {"secret": "key"}},
                                  "egress": {"services": services}})
        web = next(each for each in charts.of_kind(found, "Service") if each["metadata"]["name"] == "proxy-web")
        return web["spec"]["ports"]

    web = {"ip": "100.64.0.2", "ports": [{"port": 80}]}
    assert ports({"web": web}) == ports({"web": web, "a": {"ip": "100.64.0.3", "ports": [{"port": 80}]}})


def test_the_file_of_egress_services_names_the_ports_of_the_services():
    found = charts.documents({"mode": "egress", "replicas": 2, "tailscale": {"auth": {"secret": "key"}}, "egress": {
        "services": {"web": {"fqdn": "web.tail.test", "ports": [{"port": 80, "targetPort": 8080}]}}}})
    data = next(each for each in charts.of_kind(found, "ConfigMap"))["data"]
    (port,) = json.loads(data["egress-services"])["web"]["ports"]
    (service,) = charts.of_kind(found, "Service")
    assert port["targetPort"] == 8080 and port["protocol"] == "tcp"
    assert port["matchPort"] == service["spec"]["ports"][0]["targetPort"]
    assert data["hep-pings"] == "6"


@pytest.mark.parametrize("path", charts.EXAMPLES + charts.CASES, ids=lambda path: path.stem)
def test_helm_lint(path):
    done = charts.helm("lint", "--strict", charts.TAILBOOT, "-f", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("chart", [charts.SIDECAR, charts.APP], ids=lambda path: path.name)
def test_helm_lint_of_the_library(chart):
    done = charts.helm("lint", "--strict", chart)
    assert done.returncode == 0, done.stdout + done.stderr
