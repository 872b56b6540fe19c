"""/healthz while a node is coming up, up, and going down."""

from realbed import wait


def test_health_goes_from_503_to_200(headscale, new_pod):
    """503 while the node waits for a login, 200 when it has addresses; HEAD and wrong methods as documented."""
    pod = new_pod().start()
    place = pod.wait_log("/register/", 15)
    status, body = wait.wait_for(lambda: (pod.get("/healthz")[0], pod.get("/healthz")[1]), 5, "an answer")
    assert (status, body.strip()) == (503, "node currently has no tailscale IPs")
    headscale.register(pod.log()[place:].split()[0])
    wait.wait_for(lambda: pod.get("/healthz") == (200, "ok"), 20, "healthy after the login")
    assert pod.get("/no-such-path")[0] == 404
    assert pod.stop() == 0
    assert pod.get("/healthz")[0] == 0


def test_metrics_are_the_daemons(headscale, new_pod):
    """/metrics relays what the real daemon counts."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key, "TS_ENABLE_METRICS": "true"}).boot()
    status, body = pod.get("/metrics")
    assert status == 200 and "tailscaled_" in body
    assert pod.get("/debug/vars")[0] == 404, "no debug address is configured"
    assert pod.stop() == 0
