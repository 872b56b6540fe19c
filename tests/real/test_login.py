"""How a node gets in, and that it stays the same node."""

from realbed import settings


def test_first_login_by_key(headscale, new_pod):
    """A single-use key in the environment is enough for a node that is online and healthy."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    node = headscale.wait_online(pod.name)
    assert pod.client.address() in node["ip_addresses"]
    assert pod.get("/healthz") == (200, "ok")
    assert pod.stop() == 0


def test_login_by_key_in_memory(headscale, new_pod):
    """No store at all is the default, and works."""
    _, key = headscale.new_key(ephemeral=True)
    pod = new_pod(store="memory", environment={"TS_AUTHKEY": key}).boot()
    headscale.wait_online(pod.name)
    assert pod.stop() == 0


def test_login_by_key_in_secret(headscale, cluster, new_pod):
    """The key is picked up from the state Secret, which then also holds the daemon's state."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", secret={"authkey": key}).boot()
    headscale.wait_online(pod.name)
    fields = cluster.secret(pod.name)
    assert fields["authkey"] == key, "only the once mode takes the key out of the Secret"
    assert {"_machinekey", "_profiles", "_current-profile"} <= fields.keys()
    assert pod.stop() == 0


def test_once_mode_needs_the_key_once(headscale, cluster, new_pod):
    """With TS_AUTH_ONCE the key leaves the Secret after the login, and no later start needs one."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", secret={"authkey": key}, environment={"TS_AUTH_ONCE": "true"}).boot()
    pod.wait_log("Deleting authkey from Kubernetes Secret", 1)
    assert "authkey" not in cluster.secret(pod.name)
    node = headscale.wait_online(pod.name)
    assert pod.stop() == 0
    pod.boot()
    assert "Running 'tailscale up'" not in pod.log()
    assert "Running 'tailscale set'" in pod.log()
    assert headscale.wait_online(pod.name)["id"] == node["id"]
    assert pod.stop() == 0


def _restart(headscale, pod):
    """Stops and starts a pod whose key is spent; it must come back as the node that it was."""
    pod.boot()
    before, address = headscale.wait_online(pod.name), pod.client.address()
    assert pod.stop() == 0
    pod.boot()
    after = headscale.wait_online(pod.name)
    same = ("id", "node_key", "machine_key", "given_name")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert pod.client.address() == address
    assert pod.stop() == 0


def test_restart_keeps_the_node_from_a_folder(headscale, new_pod):
    _, key = headscale.new_key()
    _restart(headscale, new_pod(environment={"TS_AUTHKEY": key}))


def test_restart_keeps_the_node_from_a_secret(headscale, cluster, new_pod):
    _, key = headscale.new_key()
    _restart(headscale, new_pod(store="secret", environment={"TS_AUTHKEY": key}))


def test_interactive_login_shows_its_url(headscale, new_pod):
    """Without a key the URL reaches the container's log, and approval there lets the node in."""
    pod = new_pod().start()
    place = pod.wait_log(f"{settings.CONTROL_URL}/register/", 15)
    request = pod.log()[place:].split()[0]
    headscale.register(request)
    pod.wait_log("Startup complete, waiting for shutdown signal", 20)
    headscale.wait_online(pod.name)
    assert pod.stop() == 0


def test_tagged_node_comes_back_with_a_fresh_key_after_a_logout(headscale, new_pod):
    """The same node, with one registration, whose answer is the first: nothing is refused, and no other key is asked."""
    _, first = headscale.new_key(tags=["tag:sidecar"])
    pod = new_pod(environment={"TS_AUTHKEY": first}).boot()
    before, place = headscale.wait_online(pod.name), len(pod.log())
    assert before["tags"] == ["tag:sidecar"]
    pod.client.run("logout")
    pod.wait_log("condition KeyUsed", 20, place)
    assert pod.stop() == 0
    identifier, pod.environment["TS_AUTHKEY"] = headscale.new_key(tags=["tag:sidecar"])
    pod.boot()
    assert headscale.wait_online(pod.name)["id"] == before["id"]
    assert headscale.is_key_used(identifier)
    log = pod.log()
    assert log.count("RegisterReq: got response") == 1, "one single-use key is one registration"
    assert "condition " not in log and "Received error" not in log
    assert pod.stop() == 0
