"""A device that is deleted at a control server that does not notify it."""

import pytest

from realbed import wait
from realbed.config import config_folder

NO_FLAGS = {"TS_HOSTNAME": None, "TS_EXTRA_ARGS": None}
NOTICED = 60
OFTEN = {"TAILBOOT_REGISTRATION_INTERVAL": "5s"}


def _delete(headscale, pod):
    """Deletes the node of a pod as soon as it is online; returns it."""
    node = headscale.wait_online(pod.name)
    headscale.delete_node(node)
    return node


def _wait_back(headscale, pod, old, figure):
    """The device is registered again, under another id, and published."""
    new = wait.wait_for(lambda: _other(headscale, pod, old), NOTICED, "registered again")
    pod.wait_log("condition DeviceDeleted cleared", 15)
    wait.wait_for(lambda: pod.get("/healthz") == (200, "ok") and pod.get("/readyz")[0] == 200, 15, "healthy")
    pod.wait_published(15, device_id=str(new["id"]))
    figure(f"{pod.name} is registered again")


def _other(headscale, pod, old):
    node = headscale.node(pod.name)
    return node if node and node["id"] != old["id"] and node.get("online") else None


def test_reusable_key_brings_it_back(headscale, new_pod, figure):
    _, key = headscale.new_key(reusable=True)
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    old, daemon = _delete(headscale, pod), pod.daemon()
    pod.wait_log("condition DeviceDeleted", NOTICED)
    _wait_back(headscale, pod, old, figure)
    assert pod.daemon() == daemon
    assert pod.stop() == 0


def test_spent_key_is_named(headscale, new_pod):
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key, **OFTEN}).boot()
    _delete(headscale, pod)
    pod.wait_log("condition DeviceDeleted", NOTICED)
    pod.wait_log("condition KeyUsed: authkey already used", 20)
    wait.wait_for(lambda: pod.get("/readyz")[0] == 503 and pod.get("/healthz")[0] == 503, 15, "not ready")
    assert pod.process.running()
    assert pod.stop() == 0


@pytest.mark.parametrize("reusable", [True, False], ids=["reusable", "spent"])
def test_daemon_that_starts_again(reusable, headscale, new_pod, figure):
    """With its map on disk it is Running at once, and waits for a login at an address."""
    _, key = headscale.new_key(reusable=reusable)
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    old, place = _delete(headscale, pod), len(pod.log())
    pod.kill_daemon()
    pod.wait_log("condition DeviceDeleted", 20, place)
    if reusable:
        _wait_back(headscale, pod, old, figure)
    else:
        pod.wait_log("condition KeyUsed: authkey already used", 20, place)
        wait.wait_for(lambda: pod.get("/readyz")[0] == 503, 15, "not ready")
    assert pod.stop() == 0


def test_container_that_starts_again(headscale, new_pod):
    """A spent key and a map on disk: the start is no longer silent about it."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    node = headscale.wait_online(pod.name)
    assert pod.stop() == 0
    headscale.delete_node(node)
    pod.start()
    pod.wait_log("condition KeyUsed: authkey already used", 30)
    wait.wait_for(lambda: pod.get("/readyz")[0] == 503, 15, "not ready")
    assert pod.process.running()
    assert pod.stop() == 0


def test_one_step_mode(headscale, new_pod, figure):
    """The daemon is started again with the key of its configuration file."""
    _, key = headscale.new_key(reusable=True)
    pod = new_pod(environment={**NO_FLAGS, **OFTEN})
    config_folder(pod, key)
    old = _delete(headscale, pod.boot())
    pod.wait_log("condition DeviceDeleted", NOTICED)
    _wait_back(headscale, pod, old, figure)
    assert pod.stop() == 0
