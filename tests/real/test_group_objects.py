"""The objects of a proxy group on a real API server: accepted, written once, never again, and put right."""

import random
import subprocess

import pytest
from drive.driven import Driven

from realbed import settings, wait

_TEMPLATES = 60
_SEED = 2026
_NAMESPACE = "ns"
_EMPTY = [None, "", [], {}]


@pytest.fixture(scope="module")
def program():
    subprocess.run([settings.ROOT / "scripts" / "build", "debug", "group_drive"], check=True, timeout=600)
    return settings.ROOT / "build" / "debug" / "tests" / "drive" / "group_drive"


@pytest.fixture(scope="module")
def namespace(cluster):
    cluster.create("/api/v1/namespaces", {"metadata": {"name": _NAMESPACE}})
    return _NAMESPACE


class Group(Driven):
    """The planner, with the API server's objects as its caches."""

    def __init__(self, program, drive):
        super().__init__([str(program)])
        self._drive = drive

    def plan(self):
        """The steps that are to be done."""
        before = len(self.events)
        self.say(do="plan")
        event = wait.wait_for(lambda: self.find(before, event="plan"), 20, "a plan", interval=0.005)
        return [step for step in event["steps"] if step["plural"] != "tailscaleproxygroups"]

    def perform(self, steps):
        """Applies the documents and shows the planner what the server made of them."""
        for step in steps:
            where = {key: step[key] for key in ("group", "version", "plural", "kind", "name")}
            body = {**step["body"], "metadata": {**step["body"]["metadata"]}}
            body["metadata"].pop("resourceVersion", None)
            outcome, made = self._drive.outcome("apply", **where, ns=_NAMESPACE, body=body, manager="gateway.tailscale.com",
                                                force=True)
            assert outcome == "OK", (step["name"], outcome, made, step["body"])
            self.say(do="put", plural=step["plural"], object=made)


@pytest.fixture
def group(program, drive, namespace):
    assert namespace
    planner = Group(program, drive)
    yield planner
    assert planner.close() == 0


def _differences(steps):
    return [(step["kind"], step["difference"]) for step in steps]


def _some(chance, items):
    return chance.sample(items, chance.randrange(len(items) + 1))


def _container(chance):
    quantity = chance.choice(["100m", "0.1", "1", "1000m"])
    fields = {
        "image": chance.choice(["", "example.test/proxy:1"]),
        "imagePullPolicy": chance.choice(["Always", "Never", ""]),
        "resources": chance.choice([{}, {"limits": {"cpu": quantity}}, {"limits": {}, "requests": {"memory": "1.5Gi"}}]),
        "env": [{"name": n, "value": chance.choice(["", "x", "1"])} for n in _some(chance, ["A", "B", "C", "A"])],
    }
    return {key: fields[key] for key in _some(chance, sorted(fields))}


def _affinity(chance):
    term = {"topologyKey": "zone", "labelSelector": chance.choice([{}, {"matchLabels": {}}, {"matchLabels": {"a": "b"}}])}
    return chance.choice([
        {}, {"podAffinity": None}, {"podAntiAffinity": {}},
        {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
        {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}},
        {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "k", "operator": "In", "values": ["b", "a"]}], "matchFields": []}]}}},
    ])


def _template(chance):
    fields = {
        "labels": chance.choice([{}, {"team": "a"}, {"team": ""}]),
        "annotations": chance.choice([{}, {"note": "b"}, {"note": "é\"<&"}]),
        "affinity": _affinity(chance),
        "nodeSelector": chance.choice([{}, {"disk": "ssd"}]),
        "tolerations": chance.choice([[], [{"key": "k", "operator": "Exists", "effect": ""}],
                                      [{"key": "l", "value": "v", "effect": "NoExecute", "tolerationSeconds": 0}]]),
        "topologySpreadConstraints": chance.choice([[], [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
             "labelSelector": {"matchLabels": {"x": "y"}, "matchExpressions": []}}]]),
        "priorityClassName": "",
        "imagePullSecrets": chance.choice([[], [{"name": "one"}, {"name": "two"}]]),
        "securityProfile": chance.choice(["Privileged", "NetAdmin", ""]),
        "container": _container(chance),
    }
    return {key: fields[key] for key in _some(chance, sorted(fields))}


def test_every_object_is_accepted_and_written_once(group):
    group.say(do="group", spec={"type": "egress", "replicas": 3})
    steps = group.plan()
    kinds = [step["kind"] for step in steps]
    assert sorted(set(kinds)) == ["ConfigMap", "PodDisruptionBudget", "Role", "RoleBinding", "Secret", "Service",
                                  "ServiceAccount", "StatefulSet"]
    group.perform(steps)
    assert _differences(group.plan()) == []


def test_random_templates_are_written_once(group, cluster):
    """Each of many templates in a row: the second plan has nothing to write, what is no longer desired is gone."""
    chance = random.Random(_SEED)
    path = f"/apis/apps/v1/namespaces/{_NAMESPACE}/statefulsets/egress"
    for number in range(_TEMPLATES):
        template = _template(chance)
        group.say(do="group", spec={"type": "egress", "replicas": chance.randrange(9), "template": template})
        group.perform(step for step in group.plan() if step["body"])
        left = [step for step in group.plan() if step["body"]]
        assert _differences(left) == [], (number, template)
        pod = cluster.get(path)["spec"]["template"]
        for key, places in {"nodeSelector": pod["spec"], "tolerations": pod["spec"], "imagePullSecrets": pod["spec"],
                            "topologySpreadConstraints": pod["spec"], "annotations": pod["metadata"]}.items():
            assert (places.get(key) in _EMPTY) == (template.get(key) in _EMPTY), (number, key, template)
        names = [variable["name"] for variable in pod["spec"]["containers"][0]["env"]]
        for name in ("A", "B", "C"):
            desired = [v["name"] for v in template.get("container", {}).get("env", [])]
            assert names.count(name) == (name in desired), (number, name, template)


def test_what_others_change_is_put_right(group, cluster, drive):
    """Labels, environment and rules come back; an annotation of another manager stays."""
    group.say(do="group", spec={"type": "egress", "replicas": 2})
    group.perform(step for step in group.plan() if step["body"])
    changes = [
        ({"group": "apps", "version": "v1", "plural": "statefulsets", "kind": "StatefulSet"},
         {"metadata": {"annotations": {"example.test/mine": "x"}}, "spec": {"template": {"spec": {"containers": [
             {"name": "tailscale", "env": [{"name": "TS_USERSPACE", "value": "true"}]}]}}}}),
        ({"group": "rbac.authorization.k8s.io", "version": "v1", "plural": "roles", "kind": "Role"}, {"rules": []}),
        ({"plural": "services", "kind": "Service"}, {"metadata": {"labels": {"tailscale.com/parent-resource": "other"}}}),
    ]
    for where, change in changes:
        outcome, live = drive.outcome("patch", **where, ns=_NAMESPACE, name="egress", patch="strategic", body=change)
        assert outcome == "OK"
        group.say(do="put", plural=where["plural"], object=live)
    steps = [step for step in group.plan() if step["body"]]
    assert sorted(step["kind"] for step in steps) == ["Role", "Service", "StatefulSet"]
    group.perform(steps)
    assert _differences(group.plan()) == []
    live = cluster.get(f"/apis/apps/v1/namespaces/{_NAMESPACE}/statefulsets/egress")
    assert live["metadata"]["annotations"]["example.test/mine"] == "x"


@pytest.mark.parametrize("template", [
    {"tolerations": [{"operator": "Sometimes"}]}, {"tolerations": [{"unknown": "x"}]}, {"affinity": {"other": {"a": 1}}},
    {"nodeSelector": {"disk": 7}}, {"tolerations": {"key": "x"}}, {"container": {"resources": {"limits": {"cpu": "much"}}}},
], ids=str)
def test_a_template_that_does_not_fit_is_the_users_to_mend(group, drive, template):
    """Not to be tried again before something changes, whatever code the server has for it."""
    group.say(do="group", spec={"type": "egress", "template": template})
    step = next(step for step in group.plan() if step["kind"] == "StatefulSet")
    where = {key: step[key] for key in ("group", "version", "plural", "kind", "name")}
    tag = drive.op("apply", **where, ns=_NAMESPACE, body=step["body"], manager="gateway.tailscale.com", force=True)
    answer = drive.answer(tag)
    assert answer["outcome"] in ("Invalid", "Refused"), answer
