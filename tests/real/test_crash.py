"""The daemon dies: it is back in place, in the same namespaces, with little traffic lost."""

import os
import signal
import statistics
import time

import pytest

from realbed import wait
from realbed.probe import TwoWayProbe
from realbed.stages import Stages, divide

MEDIAN_GAP = 0.7
LONGEST_GAP = 1.0


def _command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


@pytest.mark.alone
def test_three_kills_and_the_traffic_gap(bed, headscale, new_pod, figure):
    """kill -9 three times; silence between two answers of 10 ms probes both ways, printed, each and their median bounded."""
    _, key = headscale.new_key()
    pod = new_pod(userspace=False, environment={"TS_AUTHKEY": key}).boot()
    node = headscale.wait_online(pod.name)
    supervisor, gaps = pod.supervisor(), []
    with TwoWayProbe(bed.peer, pod) as probe, Stages(pod.process.log_path) as log:
        for _ in range(3):
            arguments, killed = _command_line(pod.daemon()), time.monotonic()
            old = pod.kill_daemon()
            wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
            probe.wait_alive(killed, 40)
            gap, end = probe.worst(killed)
            gaps.append(gap)
            figure(f"gap {gap:.2f} s: {divide(log.after(killed), gap, end - killed)}")
            assert _command_line(pod.daemon()) == arguments
    assert pod.supervisor() == supervisor, "the supervisor itself was replaced"
    assert headscale.wait_online(pod.name)["id"] == node["id"]
    wait.wait_for(lambda: pod.get("/healthz") == (200, "ok"), 10, "healthy again")
    assert pod.stop() == 0
    assert statistics.median(gaps) <= MEDIAN_GAP
    assert max(gaps) <= LONGEST_GAP


def test_kill_in_userspace_mode(headscale, new_pod, figure):
    """The default mode recovers as well, with its fields still published."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    fields = pod.wait_published(5, device_id=None, device_fqdn=None)
    old, killed = pod.kill_daemon(), time.monotonic()
    wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
    wait.wait_for(lambda: pod.client.state() == "Running", 15, "running again")
    figure(f"running {time.monotonic() - killed:.2f} s after the kill")
    assert pod.published() == fields
    assert pod.stop() == 0


def test_kill_with_state_in_a_secret(bed, headscale, cluster, new_pod, figure):
    """The same with the daemon's state in the cluster; traffic gap printed."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", userspace=False, environment={"TS_AUTHKEY": key}).boot()
    fields = pod.wait_published(5, device_id=None, device_fqdn=None)
    with TwoWayProbe(bed.peer, pod) as probe:
        killed = time.monotonic()
        pod.kill_daemon()
        probe.wait_alive(killed, 40)
        figure(f"gap {probe.longest_silence(killed):.2f} s")
    assert pod.published()["device_id"] == fields["device_id"]
    assert pod.stop() == 0


def test_kill_without_a_store_logs_in_again(headscale, new_pod):
    """In-memory state is lost with the daemon; a reusable key brings a new node up by itself."""
    _, key = headscale.new_key(reusable=True, ephemeral=True)
    pod = new_pod(store="memory", environment={"TS_AUTHKEY": key}).boot()
    before, old = pod.client.status()["Self"]["ID"], pod.kill_daemon()
    wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
    wait.wait_for(lambda: pod.client.state() == "Running", 20, "logged in again")
    assert pod.client.status()["Self"]["ID"] != before
    wait.wait_for(lambda: pod.get("/healthz") == (200, "ok"), 10, "healthy again")
    assert pod.stop() == 0


def test_spent_key_after_a_kill_is_named_and_survived(headscale, new_pod):
    """In-memory state and a single-use key: the supervisor says why it cannot come back, and stays."""
    _, key = headscale.new_key()
    pod = new_pod(store="memory", environment={"TS_AUTHKEY": key}).boot()
    old = pod.kill_daemon()
    wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
    pod.wait_log("condition KeyUsed", 10)
    wait.wait_for(lambda: pod.get("/healthz")[0] == 503, 15, "unhealthy after its grace")
    assert pod.process.running()
    assert pod.stop() == 0


def test_stopped_daemon_is_restarted(headscale, new_pod, figure):
    """SIGSTOP: it runs and does not answer. The condition, 503, and another daemon after the limit."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key, "TAILBOOT_DAEMON_MUTE_TIMEOUT": "35s"}).boot()
    wait.wait_for(lambda: pod.get("/healthz") == (200, "ok"), 10, "healthy")
    old, stopped = pod.daemon(), time.monotonic()
    os.kill(old, signal.SIGSTOP)
    pod.wait_log("condition DaemonMute", 30)
    figure(f"named {time.monotonic() - stopped:.1f} s after the stop")
    wait.wait_for(lambda: pod.get("/healthz")[0] == 503, 15, "unhealthy after its grace")
    wait.wait_for(lambda: pod.daemon() not in (0, old), 40, "a new daemon")
    wait.wait_for(lambda: pod.client.state() == "Running", 15, "running again")
    figure(f"running {time.monotonic() - stopped:.1f} s after the stop")
    wait.wait_for(lambda: pod.get("/healthz") == (200, "ok"), 10, "healthy again")
    assert "(crash 1 of" not in pod.log(), "the restart counts as a crash"
    assert pod.stop() == 0
