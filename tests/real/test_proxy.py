"""Userspace mode as applications use it: through the daemon's proxies, before and after the daemon's death."""

from realbed import peer, wait
from realbed.web import fetch

PROXY = ("127.0.0.1", 1056)


def test_page_through_the_http_proxy(bed, headscale, new_pod):
    """An application in the pod reaches the tailnet by the outbound proxy, and again after a kill."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key, "TS_OUTBOUND_HTTP_PROXY_LISTEN": "127.0.0.1:1056"}).boot()

    def page():
        return fetch(pod.namespace, bed.peer.address, peer.PORT, proxy=PROXY)

    wait.wait_for(lambda: page() == (200, peer.PAGE), 15, "the page through the proxy")
    old = pod.kill_daemon()
    wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
    wait.wait_for(lambda: page() == (200, peer.PAGE), 20, "the page through the proxy after the kill")
    assert pod.stop() == 0
