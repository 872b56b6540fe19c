"""Leaving Running is a state with a reason, never an exit, and recovery is tried."""

from realbed import wait


def test_expired_node_key_is_survived(headscale, new_pod):
    """Expired in Headscale while running: a key that is still good brings the same node back."""
    _, key = headscale.new_key(reusable=True)
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    node, daemon = headscale.wait_online(pod.name), pod.daemon()
    place = len(pod.log())
    headscale.expire_node(node)
    pod.wait_log("condition ", 10, place)
    wait.wait_for(lambda: pod.client.state() == "Running", 30, "running again")
    assert headscale.wait_online(pod.name)["id"] == node["id"]
    assert pod.daemon() == daemon
    assert pod.stop() == 0


def test_expired_node_key_without_a_good_key_waits(headscale, new_pod):
    """A spent key cannot heal it: named, unhealthy, still there, and ended by SIGTERM alone."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    node, place = headscale.wait_online(pod.name), len(pod.log())
    headscale.expire_node(node)
    pod.wait_log("condition ", 10, place)
    wait.wait_for(lambda: pod.get("/healthz")[0] == 503, 10, "unhealthy")
    assert pod.process.running()
    assert pod.stop() == 0


def test_down_by_hand_is_survived(headscale, new_pod):
    """`tailscale down` and `tailscale up` by hand, the supervisor stays."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    place = len(pod.log())
    pod.client.run("down")
    pod.wait_log("condition ", 10, place)
    wait.wait_for(lambda: pod.process.running() and pod.client.run("up", deadline=30) is not None, 30, "up by hand")
    wait.wait_for(lambda: pod.get("/healthz") == (200, "ok"), 15, "healthy again")
    assert pod.stop() == 0


def test_down_by_hand_at_the_stop(headscale, new_pod):
    """The next start switches the node on, also one that logs in once."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key, "TS_AUTH_ONCE": "true"}).boot()
    node = headscale.wait_online(pod.name)
    pod.client.run("down")
    assert pod.stop() == 0
    pod.boot()
    assert "condition Stopped: tailscale was switched off" in pod.log()
    assert headscale.wait_online(pod.name)["id"] == node["id"]
    assert pod.stop() == 0


def test_tagged_node_that_was_logged_out(headscale, cluster, new_pod, figure):
    """A spent key is named by the first answer, once; a fresh one in the Secret is used once, and brings it back."""
    tagged = ("preauthkeys", "create", "--expiration", "1h", "--tags", "tag:sidecar")
    pod = new_pod(store="secret", secret={"authkey": headscale.run(*tagged)["key"]}).boot()
    headscale.wait_online(pod.name)
    place = len(pod.log())
    pod.client.run("logout")
    pod.wait_log("condition KeyUsed: authkey already used", 20, place)
    cluster.set_secret(pod.name, authkey=headscale.run(*tagged)["key"])
    pod.wait_log("another authkey was found in the state Secret", 60, place)
    wait.wait_for(lambda: pod.client.state() == "Running", 30, "running again")
    headscale.wait_online(pod.name)
    wait.wait_for(lambda: pod.get("/readyz")[0] == 200, 15, "ready")
    lines = [line for line in pod.log()[place:].splitlines() if line.startswith("boot: ")]
    figure(f"{len(lines)} lines, of them {sum('condition KeyUsed' in line for line in lines)} of KeyUsed")
    assert sum("condition KeyUsed: " in line for line in lines) == 1
    assert pod.stop() == 0
