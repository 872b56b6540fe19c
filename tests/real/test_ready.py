"""A pod with egress is ready when its tunnel carries traffic, not when its rules stand."""

import json
import time

from realbed import echo, settings, wait
from realbed.services import EgressFolder, service

STARTS = 6
PORT = 1001
UNUSED = "100.99.99.99"
LIMIT = 12.0


def _ready(pod):
    """Waits for /healthz, which does not ask for the tunnel, and for /readyz; returns when each turned."""
    wait.wait_for(lambda: pod.get("/healthz")[0] == 200, 30, "healthy", interval=0.01)
    healthy = time.monotonic()
    wait.wait_for(lambda: pod.get("/readyz")[0] == 200, 30, "ready", interval=0.01)
    return healthy, time.monotonic()


def test_first_connection_after_ready(bed, new_proxy, figure):
    """Started, killed and started again with the same identity: once ready, a connection needs no second try."""
    peer, client = bed.peer, bed.client()
    peer.echo()
    pod = new_proxy()
    pod.forward()
    EgressFolder(pod, {"echo": service(("TCP", PORT, echo.PORT), fqdn=f"{peer.name}.{settings.TAILNET_DOMAIN}")})
    waits = []
    for run in range(STARTS):
        if run:
            pod.crash()
        pod.start()
        healthy, ready = _ready(pod)
        assert echo.who(client, pod.address, PORT, timeout=1.0).name == peer.name
        assert "echo" in json.loads(pod.wait_published(2, **{"egress-services": None})["egress-services"])["services"]
        waits.append(ready - healthy)
    figure("from the rules to ready: " + " ".join(f"{one:.2f}" for one in waits) + " s")
    assert "condition EgressTargetSilent" not in pod.log()
    assert pod.stop() == 0


def test_target_that_is_nowhere(new_proxy, figure):
    """It holds the pod up for some seconds, and is named."""
    pod = new_proxy()
    pod.forward()
    EgressFolder(pod, {"gone": service(("TCP", PORT, echo.PORT), ip=UNUSED)})
    pod.start()
    healthy, ready = _ready(pod)
    figure(f"from the rules to ready: {ready - healthy:.2f} s")
    assert ready - healthy < LIMIT + 1
    pod.wait_log(f"condition EgressTargetSilent: target {UNUSED} does not answer a ping through the tunnel", 2)
    assert "gone" in json.loads(pod.wait_published(2, **{"egress-services": None})["egress-services"])["services"]
    assert pod.stop() == 0
