"""The engine and the caches of the controller on a real API server: what is written, and what befalls them."""

import random
import time

import pytest

from realbed import engine_drive, kube_drive, wait

_NAMESPACE = "engine"
_SERVICES = "/api/v1/namespaces/default/services"
_CHILDREN = f"/api/v1/namespaces/{_NAMESPACE}/configmaps"
_FINALIZER = "gateway.tailscale.com/finalizer"
_MERGE = "application/merge-patch+json"
_SEED = 20261130


def _annotations(target):
    return {"tailscale.com/proxy-group": "g", "tailscale.com/tailnet-fqdn": target}


def _service(name, target):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": _annotations(target)},
            "spec": {"type": "ExternalName", "externalName": "placeholder", "ports": [{"port": 80}]}}


@pytest.fixture(scope="module")
def engine_program():
    return kube_drive.build("engine_drive")


@pytest.fixture
def start(bed, cluster, engine_program, tmp_path):
    """Starts a controller, and ends all of them."""
    account = cluster.add_admin("engine", bed.folder / "engine") if not (bed.folder / "engine").is_dir() \
        else bed.folder / "engine"
    if _NAMESPACE not in {item["metadata"]["name"] for item in cluster.get("/api/v1/namespaces")["items"]}:
        cluster.write("POST", "/api/v1/namespaces", {"metadata": {"name": _NAMESPACE}})
    running = []

    def begin():
        running.append(engine_drive.EngineDrive(engine_program, account, bed.network.hub, _NAMESPACE,
                                                tmp_path / "engine.log"))
        return running[-1]

    yield begin
    for one in running:
        one.close()


def _difference(cluster):
    """What is not as the Services ask for, "" when all is."""
    services = [s for s in cluster.get(_SERVICES)["items"] if s["metadata"]["name"].startswith("s")]
    children = {c["metadata"]["name"]: c["data"] for c in cluster.get(_CHILDREN)["items"]
                if c["metadata"]["name"].startswith("child-")}
    wanted = {}
    for service in services:
        target = service["metadata"].get("annotations", {}).get("tailscale.com/tailnet-fqdn")
        finalizers = service["metadata"].get("finalizers", [])
        if (target is not None) != (_FINALIZER in finalizers):
            return f"finalizers of {service['metadata']['name']}: {finalizers}"
        if target is not None:
            wanted[f"child-default-{service['metadata']['name']}"] = {"target": target}
            messages = [c["message"] for c in service.get("status", {}).get("conditions", [])]
            if messages != [target]:
                return f"conditions of {service['metadata']['name']}: {messages}, not {target}"
        if "deletionTimestamp" in service["metadata"]:
            return f"{service['metadata']['name']} is still being deleted"
    return "" if children == wanted else f"{children} instead of {wanted}"


def _wait_converged(cluster, deadline=60):
    try:
        wait.wait_for(lambda: _difference(cluster) == "", deadline, "all is as the Services ask for", interval=0.2)
    except wait.Timeout as late:
        raise AssertionError(_difference(cluster)) from late


def _wait_quiet(controller):
    """Nothing is left to do; returns the numbers."""
    return wait.wait_for(lambda: (now := controller.count())["pending"] == 0 and now, 40, "no key waits", interval=0.05)


def _versions(cluster):
    return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"]
            for path in (_SERVICES, _CHILDREN) for item in cluster.get(path)["items"]}


def test_nothing_is_written_twice(cluster, start, figure):
    controller = start()
    synced = controller.wait_synced()
    for number in range(40):
        cluster.write("POST", _SERVICES, _service(f"s{number}", f"t{number}.example.net"))
    _wait_converged(cluster)
    used = _wait_quiet(controller)["requests"] - synced
    # Finalizer, look-up of the child, child, condition; each once. Besides: the watches that follow the lists, and each
    # minute a look for the two kinds that do not exist.
    assert 40 * 4 <= used <= 40 * 4 + 16, used
    assert len(controller.log(": patch ")) == 80 and len(controller.log(": apply ")) == 40
    assert not controller.log("changed meanwhile")
    figure(f"40 objects with a child, a finalizer and a status: {used} requests")
    # Quiet, and quiet after a new start.
    versions = _versions(cluster)
    assert controller.close() == 0
    again = start()
    synced = again.wait_synced()
    numbers = _wait_quiet(again)
    assert numbers["handled"] >= 40 and numbers["requests"] - synced <= 16
    assert _versions(cluster) == versions
    # What another one changes is put right; what is gone comes back.
    cluster.write("PATCH", f"{_CHILDREN}/child-default-s0", {"data": {"target": "other"}}, _MERGE)
    cluster.write("DELETE", f"{_CHILDREN}/child-default-s1")
    _wait_converged(cluster)
    # A field that nobody asks for any more: removed by its annotation alone.
    for number in range(40):
        cluster.write("PATCH", f"{_SERVICES}/s{number}",
                      {"metadata": {"annotations": {"tailscale.com/tailnet-fqdn": None}}}, _MERGE)
    _wait_converged(cluster)
    for number in range(40):
        cluster.write("DELETE", f"{_SERVICES}/s{number}")


def test_an_object_of_another_one_is_left_alone(cluster, start):
    controller = start()
    controller.wait_synced()
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "child-default-taken"},
               "data": {"target": "theirs"}}
    cluster.write("POST", _CHILDREN, foreign)
    cluster.write("POST", _SERVICES, _service("taken", "ours.example.net"))
    wait.wait_for(lambda: controller.log("exists and was not made by this controller"), 20, "it is said")
    assert cluster.get(f"{_CHILDREN}/child-default-taken")["data"] == {"target": "theirs"}
    cluster.write("PATCH", f"{_SERVICES}/taken", {"metadata": {"finalizers": []}}, _MERGE)
    cluster.write("DELETE", f"{_SERVICES}/taken")
    cluster.write("DELETE", f"{_CHILDREN}/child-default-taken")


def _day(cluster, chance, count):
    """Random changes of users."""
    for _ in range(count):
        name = f"s{chance.randrange(30)}"
        target = f"t{chance.randrange(1000)}.example.net"
        try:
            kind = chance.randrange(4)
            if kind == 0:
                cluster.write("POST", _SERVICES, _service(name, target))
            elif kind == 1:
                cluster.write("DELETE", f"{_SERVICES}/{name}")
            elif kind == 2:
                cluster.write("PATCH", f"{_SERVICES}/{name}",
                              {"metadata": {"annotations": _annotations(target)}}, _MERGE)
            else:
                cluster.write("PATCH", f"{_SERVICES}/{name}", {"metadata": {"annotations": None}}, _MERGE)
        except OSError as error:
            assert getattr(error, "status", 0) in (404, 409), error


def test_it_converges_whatever_happens(cluster, start, figure):
    chance = random.Random(_SEED)
    controller = start()
    begun = time.monotonic()
    for _ in range(5):
        _day(cluster, chance, 12)
        controller.kill()
        controller = start()
        _day(cluster, chance, chance.randrange(12))
    # The server goes away, and its history as well while the controller is stopped.
    cluster.kill()
    cluster.restart()
    _day(cluster, chance, 20)
    controller.wait_synced(60)
    controller.freeze()
    _day(cluster, chance, 20)
    cluster.compact()
    cluster.kill()
    cluster.restart()
    controller.thaw()
    _day(cluster, chance, 20)
    _wait_converged(cluster, 90)
    assert _wait_quiet(controller)["pending"] == 0
    assert not controller.log("has been written three times")
    figure(f"converged after 5 kills and 2 restarts of the server, {time.monotonic() - begun:.0f} s, seed {_SEED}")
    for service in cluster.get(_SERVICES)["items"]:
        if service["metadata"]["name"].startswith("s"):
            cluster.write("DELETE", f"{_SERVICES}/{service['metadata']['name']}")
    _wait_converged(cluster)


def test_foreign_services_cost_little(cluster, drive, start, figure):
    tags = []
    for number in range(5000):
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"foreign{number}"},
                "spec": {"type": "ExternalName", "externalName": "example.net"}}
        tags.append(drive.op("create", plural="services", kind="Service", ns=_NAMESPACE, body=body))
        if len(tags) >= 32:
            drive.answer(tags[-32])
    for tag in tags[-32:]:
        drive.answer(tag)
    controller = start()
    begun = time.monotonic()
    controller.wait_synced(60)
    seconds = time.monotonic() - begun
    numbers = _wait_quiet(controller)
    assert numbers["handled"] < 50
    figure(f"5,000 foreign Services: synced after {seconds:.1f} s, peak {controller.memory():.1f} MiB")
    assert controller.memory() < 24
