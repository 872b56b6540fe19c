"""The one-step mode: the daemon logs in from a config file, follows it, and asks for a new key in a Secret."""

import pytest

from realbed import wait
from realbed.config import config_files, config_folder

NO_FLAGS = {"TS_HOSTNAME": None, "TS_EXTRA_ARGS": None}


@pytest.mark.parametrize("store", ["folder", "secret"])
def test_login_and_reload(store, headscale, new_pod):
    """No client is run; a swapped file is loaded and its host name reaches the control server."""
    _, key = headscale.new_key()
    pod = new_pod(store=store, environment=NO_FLAGS)
    mounted = config_folder(pod, key)
    pod.boot()
    assert "Running 'tailscale up'" not in pod.log()
    node = headscale.wait_online(pod.name)
    mounted.write(config_files(key, f"{pod.name}-new"))
    pod.wait_log("tailscaled config watch: config was reloaded", 10)
    wait.wait_for(lambda: _hostname(headscale, node) == f"{pod.name}-new", 15, "the new host name in Headscale")
    assert pod.stop() == 0


def _hostname(headscale, node):
    return next(entry["name"] for entry in headscale.nodes() if entry["id"] == node["id"])


def test_file_that_does_not_load_is_survived(headscale, new_pod):
    """A bad edit is logged and changes nothing; the next good one is loaded."""
    _, key = headscale.new_key()
    pod = new_pod(environment=NO_FLAGS)
    mounted = config_folder(pod, key)
    pod.boot()
    node, daemon = headscale.wait_online(pod.name), pod.daemon()
    place = len(pod.log())
    mounted.write({name: "{ not even HuJSON" for name in config_files(key, pod.name)})
    pod.wait_log("config", 10, place)
    mounted.write(config_files(key, f"{pod.name}-good"))
    wait.wait_for(lambda: _hostname(headscale, node) == f"{pod.name}-good", 15, "the good file is loaded")
    assert pod.daemon() == daemon
    assert pod.stop() == 0


def test_refused_key_is_reissued(headscale, cluster, new_pod, figure):
    """The request appears in the Secret, a new key in the file ends the run with 0, the next run logs in."""
    identifier, key = headscale.new_key()
    headscale.expire_key(identifier)
    pod = new_pod(store="secret", environment=NO_FLAGS)
    mounted = config_folder(pod, key)
    pod.start()
    pod.wait_log("Requesting a new auth key from operator", 15)
    pod.wait_published(5, reissue_authkey=key)
    _, fresh = headscale.new_key()
    mounted.write(config_files(fresh, pod.name))
    pod.wait_log("Successfully received new auth key, restarting to apply configuration", 10)
    assert pod.process.wait(30) == 0
    fields = cluster.secret(pod.name)
    assert "reissue_authkey" not in fields
    assert not {"_machinekey", "_profiles", "_current-profile"} & fields.keys(), "the old daemon wrote its state again"
    pod.boot()
    headscale.wait_online(pod.name)
    assert pod.stop() == 0


def test_kill_in_one_step_mode(headscale, new_pod):
    """The daemon comes back from its config file and its state."""
    _, key = headscale.new_key()
    pod = new_pod(environment=NO_FLAGS)
    config_folder(pod, key)
    pod.boot()
    node, old = headscale.wait_online(pod.name), pod.kill_daemon()
    wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
    wait.wait_for(lambda: pod.client.state() == "Running", 15, "running again")
    assert headscale.wait_online(pod.name)["id"] == node["id"]
    assert pod.stop() == 0


@pytest.mark.parametrize("store", ["folder", "secret"])
def test_fresh_key_after_the_login_was_lost(store, headscale, new_pod):
    """The node expires, and the first key is spent: one in the file brings the same node back in place."""
    _, key = headscale.new_key()
    pod = new_pod(store=store, environment=NO_FLAGS)
    mounted = config_folder(pod, key)
    pod.boot()
    node, place = headscale.wait_online(pod.name), len(pod.log())
    headscale.expire_node(node)
    pod.wait_log("condition NodeKeyExpired", 15, place)
    _, fresh = headscale.new_key()
    mounted.write(config_files(fresh, pod.name))
    pod.wait_log("condition NodeKeyExpired cleared", 30, place)
    wait.wait_for(lambda: pod.client.state() == "Running", 15, "running again")
    assert headscale.wait_online(pod.name)["id"] == node["id"]
    wait.wait_for(lambda: pod.get("/readyz")[0] == 200, 15, "ready")
    assert pod.process.running() and fresh not in pod.log()
    assert pod.stop() == 0
