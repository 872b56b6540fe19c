"""How long the traffic is gone when the daemon dies: many kills, with and without the daemon's map cache."""

import os
import statistics
import time

import pytest

from realbed import echo, wait
from realbed.knock import Knock
from realbed.probe import Probe, TwoWayProbe
from realbed.services import EgressFolder, service
from realbed.stages import OURS, Stages, divide

# Enough to see the rare one; TAILBOOT_KILLS=20 measures.
KILLS = int(os.environ.get("TAILBOOT_KILLS", "6"))
# A peer hears of the new daemon from the control server within this time, and a session may break then. The next kill
# must not come before: news of two daemons would cross.
STEADY = 3.0
# The supervisor looks every 10 s which peers are active; answers of 10 ms each.
KNOWN = 1200
# Without the cache the daemon waits for the control server's map before it has any peer.
LONGEST_MEDIAN = {"cached": 0.7, "uncached": 1.5}
# Without that wait.
LONGEST = 1.0
# A session may be lost: news of the daemon can overtake its first packets, or be followed by older news. Then new
# sessions are made once the silence is noticed.
LONGEST_RENEWED = 3.0
# Each makes the daemon's device lose its addresses and get them again.
RENEWED, CHANGES_OF_A_RENEWAL = "switching tailscaled off and on", 2
# From the daemon's death to its new start, and from Running to the first ping of a target.
LONGEST_OURS = 0.1


def _kill(pod, probes, flows):
    """One kill; waits until all is as before."""
    killed, old = time.monotonic(), pod.kill_daemon()
    wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
    for probe in probes:
        probe.wait_alive(killed, 40, STEADY)
    wait.wait_for(lambda: flows.flows(killed, STEADY), 40, "connections through the port map")
    return killed


@pytest.mark.alone
@pytest.mark.parametrize("cache", ["cached", "uncached"])
def test_many_kills(cache, bed, new_proxy, new_peer, figure):
    """Three kinds of traffic at once, each with a peer of its own: both ends send; a client outside of the pod opens
    connections through a port map, so that only the pod's end sends; a peer asks and the pod answers."""
    both, target, guest, client = bed.peer, new_peer(), new_peer(), bed.client()
    target.echo()
    pod = new_proxy(environment={"TAILBOOT_RESTART_WINDOW": "1s",
                                 "TS_USE_CACHED_NETMAP": str(cache == "cached").lower()})
    pod.forward()
    EgressFolder(pod, {"knock": service(("TCP", 1001, echo.PORT), ip=target.address)})
    pod.boot()
    for peer in (both, target, guest):
        pod.meet(peer)
    echo.wait_answer(client, pod.address, 1001)
    gaps = {"both ends send": [], "port map, one way out": [], "one way in": []}
    ours, waited = [], []
    with TwoWayProbe(both, pod) as two, Knock(client, pod.address, 1001) as knock, Stages(pod.process.log_path) as log:
        incoming = Probe(guest.namespace, pod.client.address())
        try:
            incoming.wait_answers(KNOWN, 40)
            for _ in range(KILLS):
                killed = _kill(pod, [two, incoming], knock)
                for kind, probe in zip(gaps, (two, knock, incoming)):
                    gaps[kind].append(probe.longest_silence(killed))
                stages, (gap, end) = log.after(killed), two.worst(killed)
                waited.append(log.waited(killed))
                ours += [stages[OURS], log.introduction(killed)]
                figure(f"gap {gap:.2f} s: {divide(stages, gap, end - killed)}; pinged {ours[-1]:.2f} s after Running")
        finally:
            incoming.close()
    for kind, values in gaps.items():
        figure(f"{kind}: median {statistics.median(values):.2f} s, longest {max(values):.2f} s of {KILLS} kills")
    renewed, changes = pod.log().count(RENEWED), [line for line in pod.log().splitlines() if "LinkChange: major" in line]
    figure(f"sessions renewed {renewed} times; {len(changes)} times the daemon took its own device for a change of the network")
    assert len(changes) <= CHANGES_OF_A_RENEWAL * renewed, changes
    assert statistics.median(gaps["both ends send"]) <= LONGEST_MEDIAN[cache]
    without = {kind: sorted(gap - idle for gap, idle in zip(values, waited)) for kind, values in gaps.items()}
    for kind, values in without.items():
        assert values[-2] <= LONGEST, kind
        assert values[-1] <= LONGEST_RENEWED, kind
    if renewed == 0:
        assert without["both ends send"][-1] <= LONGEST
    assert max(ours) <= LONGEST_OURS, "the time went in the supervisor"
    assert pod.stop() == 0
