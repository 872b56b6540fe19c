"""The client library of the API server on a real one: verbs, pages, watches, and what befalls them."""

import random
import time

import pytest

from realbed import kube_drive, settings, wait
from realbed.kube_drive import CONFIG_MAPS

_MAPS = "/api/v1/namespaces/default/configmaps"
_BULK = "/api/v1/namespaces/bulk/configmaps"
_AT_ONCE = 32


def _config_map(name, value="x", namespace="default", **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, **metadata},
            "data": {"value": value}}


def test_each_answer_has_its_outcome(drive):
    where = {**CONFIG_MAPS, "ns": "default", "name": "verbs"}
    outcome, made = drive.outcome("create", **CONFIG_MAPS, ns="default", body=_config_map("verbs"))
    assert outcome == "OK"
    assert drive.outcome("create", **CONFIG_MAPS, ns="default", body=_config_map("verbs"))[0] == "AlreadyExists"
    assert drive.outcome("get", **where)[1]["data"] == {"value": "x"}
    # Update: only with the version that was read.
    newer = {**made, "data": {"value": "y"}}
    outcome, updated = drive.outcome("update", **where, body=newer)
    assert outcome == "OK" and updated["data"] == {"value": "y"}
    assert drive.outcome("update", **where, body=newer)[0] == "Conflict"
    # The patches.
    assert drive.outcome("patch", **where, body={"data": {"a": "1", "value": None}})[1]["data"] == {"a": "1"}
    patch = [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "add", "path": "/data/b", "value": "2"}]
    assert drive.outcome("patch", **where, patch="json", body=patch)[1]["data"] == {"a": "1", "b": "2"}
    patch[0]["value"] = "other"
    assert drive.outcome("patch", **where, patch="json", body=patch)[0] == "Invalid"
    labelled = {"metadata": {"labels": {"x": "y"}}}
    assert drive.outcome("patch", **where, patch="strategic", body=labelled)[1]["metadata"]["labels"] == {"x": "y"}
    # Apply: the second one changes nothing, fields of others are refused or, by force, taken over.
    mine = _config_map("verbs", "mine")
    mine["data"] = {"a": "mine"}
    assert drive.outcome("apply", **where, manager="driver", body=mine)[0] == "Conflict"
    outcome, first = drive.outcome("apply", **where, manager="driver", force=True, body=mine)
    assert outcome == "OK" and first["data"] == {"a": "mine", "b": "2"}
    second = drive.outcome("apply", **where, manager="driver", force=True, body=mine)[1]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    # Deletion: of this incarnation only, and what is gone is no failure.
    uid = first["metadata"]["uid"]
    assert drive.outcome("delete", **where, uid="00000000-0000-0000-0000-000000000000")[0] == "Conflict"
    assert drive.outcome("delete", **where, uid=uid, propagation="Background")[0] == "OK"
    wait.wait_for(lambda: drive.outcome("get", **where)[0] == "NotFound", 20, "the object is gone")
    assert drive.outcome("delete", **where, uid=uid)[0] == "OK"
    assert drive.outcome("apply", **where, manager="driver", body=mine)[0] == "OK"
    # What will never work.
    bad = _config_map("Upper_Case")
    assert drive.outcome("create", **CONFIG_MAPS, ns="default", body=bad)[0] == "Invalid"
    large = _config_map("large", "x" * 1_500_000)
    assert drive.outcome("create", **CONFIG_MAPS, ns="default", body=large)[0] == "Invalid"
    assert drive.outcome("get", **{**where, "name": "a/../b?c=d"})[0] == "NotFound"
    assert drive.outcome("get", **{**where, "name": ".."})[0] == "Refused"
    assert drive.outcome("get", plural="nothings", group="none.example", ns="default", name="x")[0] == "NotFound"
    assert drive.outcome("delete-many", **CONFIG_MAPS, ns="default", labels="none=here")[0] == "OK"


def test_a_missing_permission_is_one(bed, cluster, drive_program):
    folder = cluster.add_pod("powerless", bed.folder / "powerless")
    client = kube_drive.KubeDrive(drive_program, folder, bed.network.hub)
    try:
        assert client.outcome("get", **CONFIG_MAPS, ns="default", name="x")[0] == "Forbidden"
        client.say(do="watch", id="all", **CONFIG_MAPS)
        client.wait_event(20, "the refusal", id="all", event="trouble", outcome="Forbidden")
        # The permission comes later: the watch finds it by itself.
        cluster.write("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
            "metadata": {"name": "powerless"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "powerless", "namespace": "default"}]})
        client.wait_event(40, "the content", id="all", event="synced")
        # So it does with a token that is replaced while the old one is revoked.
        (folder / "token").write_text("no.longer.valid")
        assert client.outcome("get", **CONFIG_MAPS, ns="default", name="x")[0] == "Unauthorized"
    finally:
        assert client.close() == 0


_KUBECONFIG = """
# As kubectl writes it, by hand and with comments.
apiVersion: v1
kind: Config
current-context: &name bed
contexts:
- name: *name
  context: {{cluster: bed, user: bed, namespace: default}}
clusters:
- name: bed
  cluster:
    server: https://{address}
    certificate-authority: {authority}
    tls-server-name: {name}
users:
- name: bed
  user:
    {user}
"""


def _kubeconfig(bed, cluster, label, user):
    path = bed.folder / f"{label}.kubeconfig"
    path.write_text(_KUBECONFIG.format(address=settings.HUB_ADDRESS, name=settings.API_NAME,
                                       authority=bed.authority.certificate, user=user))
    return path


def test_a_kubeconfig_is_enough(bed, cluster, drive_program):
    certificate, key = cluster.admin
    user = f"client-certificate: {certificate}\n    client-key: {key}"
    client = kube_drive.KubeDrive(drive_program, _kubeconfig(bed, cluster, "admin", user), bed.network.hub)
    try:
        assert client.outcome("get", **CONFIG_MAPS, ns="default", name="none")[0] == "NotFound"
    finally:
        assert client.close() == 0


def test_a_plug_in_makes_the_credential(bed, drive_account, cluster, drive_program):
    plug = bed.folder / "plug"
    plug.write_text("#!/bin/sh\nprintf '{\"apiVersion\":\"%s\",\"status\":{\"token\":\"%s\"}}' "
                    f"client.authentication.k8s.io/v1 \"$(cat {bed.folder}/plug.token)\"\n")
    plug.chmod(0o755)
    (bed.folder / "plug.token").write_text("no.such.token")
    user = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plug, interactiveMode: Never}"
    client = kube_drive.KubeDrive(drive_program, _kubeconfig(bed, cluster, "plug", user), bed.network.hub)
    try:
        client.wait_event(20, "the first credential", event="credentials", error="")
        before = len(client.events)
        (bed.folder / "plug.token").write_text((drive_account / "token").read_text())
        # The refusal of the old credential asks for a new one.
        assert client.outcome("get", **CONFIG_MAPS, ns="default", name="none")[0] == "Unauthorized"
        client.wait_event(20, "another credential", before, event="credentials", error="")
        assert client.outcome("get", **CONFIG_MAPS, ns="default", name="none")[0] == "NotFound"
    finally:
        assert client.close() == 0


def _contents(cluster, namespace):
    items = cluster.write("GET", f"/api/v1/namespaces/{namespace}/configmaps")["items"]
    return {f"{namespace}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in items}


def _agree(cluster, drive, names, namespace="default"):
    """All caches have what the server has."""
    def same():
        wanted = _contents(cluster, namespace)
        return all(drive.dump(name)["entries"] == wanted for name in names)
    wait.wait_for(same, 40, "the caches agree with the server", interval=0.2)


def _storm(cluster, chance, count):
    """Random writes of another client."""
    for _ in range(count):
        name = f"storm{chance.randrange(40)}"
        kind = chance.randrange(3)
        try:
            if kind == 0:
                cluster.write("DELETE", f"{_MAPS}/{name}")
            elif kind == 1:
                cluster.write("POST", _MAPS, _config_map(name))
            else:
                cluster.write("PATCH", f"{_MAPS}/{name}", {"data": {"value": str(chance.random())}},
                              "application/merge-patch+json")
        except OSError as error:
            assert getattr(error, "status", 0) in (404, 409), error


def test_no_change_is_missed(cluster, drive):
    chance = random.Random(4711)
    names = ["paged", "streamed"]
    drive.say(do="watch", id="paged", ns="default", **CONFIG_MAPS)
    drive.say(do="watch", id="streamed", ns="default", by_watch=True, **CONFIG_MAPS)
    for name in names:
        drive.wait_event(20, "the first list", id=name, event="synced")
    _storm(cluster, chance, 150)
    _agree(cluster, drive, names)
    assert drive.dump("paged")["lists"] == 1
    # The server is gone and comes back: resumed, or listed anew if it no longer knows the version.
    cluster.kill()
    drive.wait_event(40, "the outage is noticed", id="paged", event="trouble")
    cluster.restart()
    _storm(cluster, chance, 100)
    _agree(cluster, drive, names)
    # While the client is stopped, the history is compacted and the server restarted: its version is gone.
    lists = drive.dump("paged")["lists"]
    drive.freeze()
    cluster.kill()
    cluster.restart()
    _storm(cluster, chance, 100)
    cluster.compact()
    cluster.kill()
    cluster.restart()
    drive.thaw()
    _storm(cluster, chance, 50)
    _agree(cluster, drive, names)
    assert drive.dump("paged")["lists"] > lists
    assert any(event.get("outcome") == "Gone" for event in drive.events)
    # A server that hangs, and then goes on.
    cluster.pause()
    waiting = drive.op("get", **CONFIG_MAPS, ns="default", name="storm0")
    cluster.resume()
    assert drive.answer(waiting)["outcome"] in ("OK", "NotFound")
    _storm(cluster, chance, 50)
    _agree(cluster, drive, names)


@pytest.mark.alone
def test_many_watches_beside_a_long_list(cluster, drive, figure):
    cluster.write("POST", "/api/v1/namespaces", {"metadata": {"name": "bulk"}})
    tags = []
    for number in range(1200):
        body = _config_map(f"bulk{number}", "y" * 40_000, "bulk")
        tags.append(drive.op("create", **CONFIG_MAPS, ns="bulk", body=body))
        if len(tags) >= _AT_ONCE:
            assert drive.answer(tags[-_AT_ONCE])["outcome"] == "OK"
    for tag in tags[-_AT_ONCE:]:
        assert drive.answer(tag)["outcome"] == "OK"
    drive.events.clear()
    for number in range(20):
        drive.say(do="watch", id=f"w{number}", ns="default", loud=number == 0, labels="of=watch", **CONFIG_MAPS)
    for number in range(20):
        drive.wait_event(30, "the lists", id=f"w{number}", event="synced")
    assert drive.connections() <= 2, "watches share one connection, all else another"
    tag = drive.list(**CONFIG_MAPS)
    delays = []
    while not any(event.get("tag") == tag for event in drive.events):
        value = str(len(delays))
        body = _config_map("watched", value, labels={"of": "watch"})
        cluster.write("PATCH", f"{_MAPS}/watched?fieldManager=test&force=true", body, "application/apply-patch+yaml")
        written = time.monotonic()
        event = drive.wait_event(20, "the change", id="w0", event="is", value=value)
        delays.append(max(0, event["at"] - written))
    # As large as an object may be.
    cluster.write("POST", _MAPS, _config_map("large", "z" * 1_000_000, labels={"of": "watch"}))
    wait.wait_for(lambda: "default/large" in drive.dump("w1")["entries"], 20, "a large object in a watch")
    listed = drive.answer(tag)
    assert listed["items"] >= 1200 and listed["pages"] >= 3
    figure(f"50 MB in {listed['pages']} pages: {listed['ms']} ms, peak {drive.memory():.1f} MiB, "
           f"from a write to its watch {max(delays) * 1000:.0f} ms at most of {len(delays)}")
    assert drive.memory() < 64
    assert max(delays) < 0.1


def test_what_egress_relies_on(drive):
    """An apply under a version, endpoints that are left out, conditions that are merged and removed by their type."""
    where = {**CONFIG_MAPS, "ns": "default", "name": "numbers"}
    applied = {"manager": "driver", "force": True}
    first = drive.outcome("apply", **where, **applied, body=_config_map("numbers", "1"))[1]
    version = first["metadata"]["resourceVersion"]
    under = {"resourceVersion": version}
    second = drive.outcome("apply", **where, **applied, body=_config_map("numbers", "2", **under))
    assert second[0] == "OK" and second[1]["data"] == {"value": "2"}
    assert drive.outcome("apply", **where, **applied, body=_config_map("numbers", "3", **under))[0] == "Conflict"
    slices = {"group": "discovery.k8s.io", "plural": "endpointslices", "kind": "EndpointSlice", "ns": "default",
              "name": "ends-ipv4"}
    ends = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "ends-ipv4", "namespace": "default"},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 10123, "protocol": "TCP"}]}
    pod = {"addresses": ["10.1.2.3"], "hostname": "a-pod",
           "conditions": {"ready": True, "serving": True, "terminating": False}}
    assert drive.outcome("apply", **slices, **applied, body=ends)[0] == "OK"
    with_pod = drive.outcome("apply", **slices, **applied, body={**ends, "endpoints": [pod]})[1]
    assert with_pod["endpoints"][0]["hostname"] == "a-pod"
    assert not drive.outcome("apply", **slices, **applied, body=ends)[1]["endpoints"]
    kind = {"plural": "services", "kind": "Service", "ns": "default"}
    services = {**kind, "name": "web"}
    user = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"type": "ExternalName", "externalName": "placeholder", "ports": [{"port": 80}]}}
    assert drive.outcome("create", **kind, body=user)[0] == "OK"

    def conditions(*changes):
        body = {"status": {"conditions": changes}}
        outcome, after = drive.outcome("patch", **services, subresource="status", patch="strategic", body=body)
        assert outcome == "OK", after
        return {c["type"]: c["status"] for c in after["status"].get("conditions", [])}

    def condition(name, status):
        return {"type": name, "status": status, "reason": "Test", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}

    assert conditions(condition("A", "True"), condition("B", "False")) == {"A": "True", "B": "False"}
    assert conditions(condition("B", "True")) == {"A": "True", "B": "True"}
    assert conditions({"$patch": "delete", "type": "A"}) == {"B": "True"}
