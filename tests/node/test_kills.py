"""The daemon of a pod is killed again and again: the container stays, and traffic is back at once."""

import os
import statistics
import time

import pytest

from nodebed import objects
from realbed import wait
from realbed.probe import TwoWayProbe

KILLS = int(os.environ.get("TAILBOOT_KILLS", "20"))
MEDIAN_GAP, LONGEST_GAP = 0.7, 1.0
# The peer hears of the new daemon from the control server within this time; news of two daemons must not cross.
STEADY = 3.0


@pytest.mark.alone
def test_daemon_killed(node, space, figure):
    """Both ends send every 10 ms."""
    space.node_state("killed")
    # Kills in this order are a crash loop to the supervisor, which would wait longer each time.
    container = objects.proxy({"TAILBOOT_RESTART_WINDOW": "1s"})
    space.apply(objects.pod("killed", objects.pod_spec([container], account_name="killed")))
    pod = space.pod("killed").wait_ready()
    supervisor, gaps = pod.supervisor(), []
    with TwoWayProbe(node.peer, pod) as probe:
        for _ in range(KILLS):
            killed = time.monotonic()
            old = pod.kill_daemon()
            wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
            probe.wait_alive(killed, 40, steady=STEADY)
            gaps.append(probe.longest_silence(killed))
    figure(f"{KILLS} kills: median {statistics.median(gaps):.2f} s, longest {max(gaps):.2f} s: "
           + " ".join(f"{gap:.2f}" for gap in gaps))
    assert (pod.restarts(), pod.supervisor()) == (0, supervisor)
    assert statistics.median(gaps) <= MEDIAN_GAP
    assert max(gaps) <= LONGEST_GAP
