"""Desired documents on a real API server: written once, never again, and put right."""

import random

_DOCUMENTS = 150
_AT_ONCE = 32
KINDS = {
    "StatefulSet": {"group": "apps", "version": "v1", "plural": "statefulsets", "kind": "StatefulSet"},
    "Service": {"plural": "services", "kind": "Service"},
    "Role": {"group": "rbac.authorization.k8s.io", "version": "v1", "plural": "roles", "kind": "Role"},
}


def _some(chance, items):
    return chance.sample(items, chance.randrange(len(items) + 1))


def _resources(chance):
    cpu = chance.choice(["100m", "0.1", "1000m", "1", "1.5", "1500m", "2"])
    memory = chance.choice(["128Mi", "134217728", "1.5Gi", "1G", "1000M", "1Gi"])
    return {"limits": {"cpu": cpu, "memory": memory}}


def _container(chance, name):
    container = {"name": name, "image": chance.choice(["example.test/a", "example.test/b:1"])}
    optional = {
        "env": [{"name": n, "value": chance.choice(["x", "1", "true"])} for n in _some(chance, ["A", "B", "C"])],
        "ports": chance.sample([{"containerPort": 80, "name": "web"}, {"containerPort": 53, "protocol": "UDP"},
                                {"containerPort": 9002, "protocol": "TCP"}], chance.randrange(1, 4)),
        "resources": _resources(chance),
        "args": ["--a", "b"],
        "imagePullPolicy": chance.choice(["Always", "IfNotPresent"]),
        "securityContext": {"privileged": chance.choice([True, False])},
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch", "readOnly": True}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": chance.choice([9002, "web"])}},
        "lifecycle": {"preStop": {"httpGet": {"path": "/drain", "port": 9002}}},
    }
    for key in _some(chance, sorted(optional)):
        if optional[key]:
            container[key] = optional[key]
    return container


def stateful_set(chance):
    pod = {
        "containers": [_container(chance, name) for name in chance.sample(["main", "side", "extra"],
                                                                        chance.randrange(1, 4))],
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": chance.choice(["1Gi", "1024Mi", "0.5G"])}}],
    }
    optional = {
        "terminationGracePeriodSeconds": 360,
        "serviceAccountName": "proxy",
        "nodeSelector": {"zone": chance.choice(["a", "b"])},
        "tolerations": [{"key": "k", "operator": "Exists"}, {"key": "l", "value": "v", "effect": "NoSchedule"}],
        "imagePullSecrets": [{"name": "one"}, {"name": "two"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
                                       "labelSelector": {"matchLabels": {"app": "x"}}}],
        "initContainers": [_container(chance, "init")],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "zone"}}]}},
        "priorityClassName": "",
        "dnsPolicy": "ClusterFirst",
    }
    del optional["priorityClassName"]  # An empty text is not stored, so it is never desired.
    if "lifecycle" in (init := optional["initContainers"][0]):
        del init["lifecycle"]  # Not allowed there, as probes are not.
    init.pop("readinessProbe", None)
    for key in _some(chance, sorted(optional)):
        pod[key] = optional[key]
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        names = [port.get("name") for port in container.get("ports", [])]
        probe = container.get("readinessProbe", {}).get("httpGet")
        if probe and probe["port"] == "web" and "web" not in names:
            probe["port"] = 80
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {
        "replicas": chance.randrange(3), "serviceName": "x", "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": pod}}}


def _service(chance):
    ports = [{"name": "a", "port": 80, "targetPort": chance.choice([10080, "web"])},
             {"name": "b", "port": 53, "protocol": "UDP"}, {"name": "c", "port": 53, "protocol": "TCP"}]
    spec = {"selector": {"app": "x"}, "ports": chance.sample(ports, chance.randrange(1, 4))}
    for key, value in {"sessionAffinity": "ClientIP", "ipFamilyPolicy": "PreferDualStack",
                       "publishNotReadyAddresses": True}.items():
        if chance.randrange(2):
            spec[key] = value
    return {"apiVersion": "v1", "kind": "Service", "spec": spec}


def _role(chance):
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch"], "resourceNames": ["a", "b"]},
             {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}]
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": chance.sample(rules, 2)}


def _documents():
    chance = random.Random(4711)
    for number in range(_DOCUMENTS):
        document = chance.choice([stateful_set, stateful_set, _service, _role])(chance)
        metadata = {"name": f"converge{number}", "namespace": "default"}
        if chance.randrange(2):
            metadata["labels"] = {"of": "converge", "number": str(number)}
            metadata["annotations"] = {"example.test/note": "x"}
        yield {**document, "metadata": metadata}


def converge(drive, documents):
    """One pass over all of them; the answers in order."""
    tags = []
    for document in documents:
        if len(tags) >= _AT_ONCE:
            drive.answer(tags[-_AT_ONCE])
        tags.append(drive.converge(**KINDS[document["kind"]], ns="default", name=document["metadata"]["name"],
                                   body=document))
    answers = [drive.answer(tag) for tag in tags]
    for document, answer in zip(documents, answers):
        assert answer["outcome"] == "OK", (answer, document)
    return answers


def test_the_second_pass_writes_nothing(drive):
    documents = list(_documents())
    first = converge(drive, documents)
    assert all(answer["wrote"] for answer in first)
    second = converge(drive, documents)
    written = [(answer["path"], document) for answer, document in zip(second, documents) if answer["wrote"]]
    assert not written, f"{len(written)} written again, for instance at {written[0]}"


def test_what_others_change_is_put_right(cluster, drive):
    document = {"apiVersion": "v1", "kind": "Service", "metadata": {
        "name": "edited", "namespace": "default", "labels": {"a": "b"}},
        "spec": {"selector": {"app": "x"}, "ports": [{"name": "a", "port": 80}]}}
    path = "/api/v1/namespaces/default/services/edited"
    assert converge(drive, [document])[0]["wrote"]
    # A label of ours changed, a port removed: written again. An annotation of others stays.
    for patch, difference in (({"metadata": {"labels": {"a": "c"}}}, "metadata.labels.a"),
                              ({"spec": {"selector": None}}, "spec.selector"),
                              ({"spec": {"ports": [{"name": "z", "port": 81}]}}, "spec.ports[0]")):
        patch.setdefault("metadata", {})["annotations"] = {"example.test/theirs": "x"}
        cluster.write("PATCH", path, patch, "application/merge-patch+json")
        answer = converge(drive, [document])[0]
        assert answer["wrote"] and answer["path"] == difference, answer
        live = cluster.write("GET", path)
        assert live["metadata"]["annotations"]["example.test/theirs"] == "x"
        assert not converge(drive, [document])[0]["wrote"]
