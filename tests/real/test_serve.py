"""The serve config: applied, shown by the client, reachable from the tailnet, and followed when it changes."""

import json
import time

from realbed import settings, wait
from realbed.mounted import MountedFolder
from realbed.web import fetch, serve

PAGE = "served from inside the pod"


def _config(port):
    return json.dumps({"TCP": {str(port): {"TCPForward": "127.0.0.1:8080"}}})


def _served_ports(pod):
    return sorted((json.loads(pod.client.run("serve", "status", "--json")).get("TCP") or {}).keys())


def test_serve_config_is_applied_and_followed(bed, headscale, new_pod):
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key})
    serve(pod.namespace, "127.0.0.1", 8080, pod.folder, PAGE)
    mounted = MountedFolder(pod.folder / "serve", {"serve.json": _config(8001)})
    pod.environment["TS_SERVE_CONFIG"] = mounted.path / "serve.json"
    pod.boot()
    wait.wait_for(lambda: _served_ports(pod) == ["8001"], 10, "serve status shows port 8001")
    address = pod.client.address()
    assert wait.wait_for(lambda: fetch(bed.peer.namespace, address, 8001), 10, "page by serve")[1] == PAGE

    mounted.write({"serve.json": _config(8002)})
    wait.wait_for(lambda: _served_ports(pod) == ["8002"], 10, "serve status shows port 8002")

    mounted.write({"serve.json": "{ this is not JSON"})
    mounted.write({"serve.json": _config(8003)})
    wait.wait_for(lambda: _served_ports(pod) == ["8003"], 10, "a bad file in between did no harm")

    pod.kill_daemon()
    wait.wait_for(lambda: _served_ports(pod) == ["8003"], 15, "serve status after the daemon's death")
    assert pod.stop() == 0


def test_serve_config_that_is_cleared_by_hand_comes_back(headscale, new_pod, figure):
    """`serve reset` is undone and reported once; a file in the services format is served as it is meant."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key})
    mounted = MountedFolder(pod.folder / "serve", {"serve.json": _config(8001)})
    pod.environment["TS_SERVE_CONFIG"] = mounted.path / "serve.json"
    pod.boot()
    wait.wait_for(lambda: _served_ports(pod) == ["8001"], 10, "serve status shows port 8001")
    for _ in range(2):
        pod.client.run("serve", "reset")
        begun = time.monotonic()
        wait.wait_for(lambda: _served_ports(pod) == ["8001"], 5, "the serve config is back")
        figure(f"back after {time.monotonic() - begun:.1f} s")
    assert pod.log().count("somebody has cleared what tailscaled serves") == 1
    mounted.write({"serve.json": json.dumps({"version": "0.0.1", "services": {"svc:web": {"endpoints": {
        "tcp:443": "http://127.0.0.1:80"}}}})})

    def services():
        return json.loads(pod.client.run("serve", "status", "--json")).get("Services")
    served = wait.wait_for(services, 10, "the Service is served")
    assert served["svc:web"]["TCP"] == {"443": {"HTTP": True}}
    assert list(served["svc:web"]["Web"]) == [f"web.{settings.TAILNET_DOMAIN}:443"]
    assert pod.stop(60) == 0


def test_serve_config_in_a_cluster_publishes_no_https(headscale, cluster, new_pod):
    """Headscale has no certificate domains, so the endpoint field says that there is none."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", environment={"TS_AUTHKEY": key})
    mounted = MountedFolder(pod.folder / "serve", {"serve.json": _config(8001)})
    pod.environment["TS_SERVE_CONFIG"] = mounted.path / "serve.json"
    pod.boot()
    pod.wait_published(15, https_endpoint="no-https")
    assert pod.stop() == 0
