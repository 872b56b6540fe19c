"""Probes as shipped while the control server is away: a node that works is neither taken out nor restarted."""

import os
import signal
import time

from nodebed import charts, objects
from realbed import wait
from realbed.probe import TwoWayProbe

# Five minutes in a long run.
AWAY = int(os.environ.get("TAILBOOT_CONTROL_AWAY", "30"))


def _conditions(pod):
    """When each condition of the pod last changed, and how often its container began."""
    changed = {one["type"]: (one["status"], one["lastTransitionTime"]) for one in pod.object()["status"]["conditions"]}
    return changed, pod.restarts()


def test_without_control_server(node, space, figure):
    """It hangs; readiness never changes, no container begins again, and packets of known peers pass."""
    _, key = node.headscale.new_key()
    space.apply(objects.secret("key", {"authkey": key}))
    space.bed.apply(charts.render("probed", {
        "mode": "egress", "egress": {"target": {"ip": node.peer.address}, "ports": [{"port": 8000}]},
        "tailscale": charts.tailscale("key", kernel={"privileged": True})}), space.name)
    pod = space.pod("probed-0", secret="probed-0-state").wait_ready()
    before = _conditions(pod)
    with TwoWayProbe(node.peer, pod) as probe:
        began = time.monotonic()
        node.headscale.process.signal(signal.SIGSTOP)
        try:
            # The absence itself is what is waited for; a change that was undone has moved the time of the condition.
            time.sleep(AWAY)
        finally:
            node.headscale.process.signal(signal.SIGCONT)
        figure(f"{AWAY} s without control server, longest silence {probe.longest_silence(began):.2f} s")
    assert _conditions(pod) == before
    node.headscale.wait_online("probed", 40)
    wait.wait_for(lambda: pod.get("/readyz")[0] == 200, 20, "ready")
    assert _conditions(pod) == before
