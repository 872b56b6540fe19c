"""The chart of the controller: each value has a type, a text and an effect; permissions are those that the program asks for."""

import json
import re

import pytest
import yaml

import charts

CHART = charts.CHARTS / "tailboot-controller"
CASE = charts.ROOT / "tests/deploy/controller/all.values.yaml"
EXAMPLES = sorted((charts.ROOT / "deploy/controller").glob("*scale.yaml"))
KINDS = sorted((charts.ROOT / "controller/crds").glob("*.yaml"))
# Maps that are one value.
WHOLE = ("resources",)


def names(values, path=()):
    for name, value in values.items():
        if isinstance(value, dict) and value and name not in WHOLE:
            yield from names(value, (*path, name))
        else:
            yield ".".join((*path, name))


def typed(schema, path=()):
    for name, member in schema["properties"].items():
        if "properties" in member:
            yield from typed(member, (*path, name))
        elif name != "global":
            yield ".".join((*path, name))


def documents(values=None):
    return charts.documents(values or {}, CHART, "tailboot-controller")


def one(found, kind):
    (document,) = charts.of_kind(found, kind)
    return document


def test_each_value_has_a_type_a_text_and_a_case():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(typed(json.loads((CHART / "values.schema.json").read_text()))) == set(names(values))
    text = (CHART / "README.md").read_text()
    assert not [name for name in names(values) if f"| `{name}` |" not in text]
    used = set(names(yaml.safe_load(CASE.read_text())))
    assert not [name for name in names(values) if not any(each == name or each.startswith(f"{name}.") for each in used)]


def test_the_version_is_that_of_the_program():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f"project(tailboot VERSION {chart['appVersion']} " in (charts.ROOT / "CMakeLists.txt").read_text()
    assert chart["version"] == chart["appVersion"]


def test_it_passes_helm_lint():
    done = charts.helm("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout + done.stderr


def test_permissions_are_those_that_the_program_checks():
    """The program looks at its start for the rows of its table, which this document is generated from; no others are given."""
    text = (charts.ROOT / "docs/controller-permissions.md").read_text()
    table = re.findall(r'^\| (cluster|namespace) \| `([^`]*)` \| `([^`]+)` \| ([a-z ]+) \|', text, re.M)
    wanted = {(scope == "cluster", group.strip('"'), resource, verb)
              for scope, group, resource, verbs in table for verb in verbs.split()}
    found = documents()
    given = {(kind == "ClusterRole", group, resource, verb) for kind in ("ClusterRole", "Role")
             for rule in one(found, kind)["rules"] for group in rule["apiGroups"] for resource in rule["resources"]
             for verb in rule["verbs"]}
    assert len(table) > 15
    assert given == wanted


def test_the_kinds_are_part_of_it_and_stay():
    made = {each["metadata"]["name"]: each for each in charts.of_kind(documents(), "CustomResourceDefinition")}
    assert len(made) == len(KINDS)
    for path in KINDS:
        definition = yaml.safe_load(path.read_text())
        kept = made[definition["metadata"]["name"]]
        assert kept["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert kept["spec"] == definition["spec"]
    assert not charts.of_kind(documents({"crds": {"install": False}}), "CustomResourceDefinition")


def test_pods_have_no_privilege():
    found = documents()
    for workload in (one(found, "Deployment"), one(found, "Job")):
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}
        assert not {"hostNetwork", "hostPID", "volumes"} & set(pod)


def test_two_pods_one_may_be_away():
    found = documents()
    assert one(found, "Deployment")["spec"]["replicas"] == 2
    assert one(found, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    (container,) = one(found, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_settings_are_those_of_the_program():
    """A variable that the program does not read would be ignored without a word."""
    table = (charts.ROOT / "controller/settings/settings_table.c").read_text()
    known = set(re.findall(r'"([A-Z][A-Z_]*)"', table))
    values = yaml.safe_load(CASE.read_text())
    found = charts.documents(values, CHART, "tailboot-controller")
    (container,) = one(found, "Deployment")["spec"]["template"]["spec"]["containers"]
    set_here = {each["name"] for each in container["env"]}
    assert set_here <= known
    assert one(found, "Job")["spec"]["template"]["spec"]["containers"][0]["env"] == container["env"]


def test_the_cleanup_runs_before_a_removal():
    job = one(documents(), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["cleanup"]
    assert not charts.of_kind(documents({"cleanup": {"enabled": False}}), "Job")


@pytest.mark.parametrize("values", [{"replicas": 0}, {"firewallMode": "ipset"}, {"finalizerTimeout": "soon"}, {"image": {"name": "x"}},
                                    {"httpsProxy": "socks5://x"}, {"unknown": 1}])
def test_values_of_another_type_are_refused(values):
    (name,) = values
    assert name in charts.refusal(values, CHART)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_have_what_they_name(path):
    made = {each["kind"]: each for each in yaml.safe_load_all(path.read_text())}
    assert made["TailscaleTailnet"]["spec"]["oauthSecretName"] == made["Secret"]["metadata"]["name"]
    assert made["TailscaleTailnet"]["metadata"]["name"] == yaml.safe_load((CHART / "values.yaml").read_text())["defaultTailnet"]
    assert made["Service"]["metadata"]["annotations"]["gateway.tailscale.com/proxy-group"] == \
        made["TailscaleProxyGroup"]["metadata"]["name"]
