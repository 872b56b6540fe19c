"""The API server is away while the device is renamed: no traffic is lost, the write lands afterwards."""

import time

import pytest

from realbed import settings, wait
from realbed.probe import TwoWayProbe

OUTAGE = 20
NO_GAP = 0.5
BACK_WITHIN = 3
WRITTEN_WITHIN = 10


def _pause(cluster):
    cluster.pause()
    return cluster.resume


def _kill(cluster):
    cluster.kill()
    return cluster.restart


@pytest.mark.parametrize("take_away", [_pause, _kill], ids=["hangs", "refuses"])
def test_rename_during_an_api_outage(take_away, bed, headscale, cluster, new_pod, figure):
    _, key = headscale.new_key()
    pod = new_pod(store="secret", userspace=False, environment={"TS_AUTHKEY": key}).boot()
    node = headscale.wait_online(pod.name)
    pod.wait_published(5, device_fqdn=f"{pod.name}.{settings.TAILNET_DOMAIN}.")
    daemon = pod.daemon()
    with TwoWayProbe(bed.peer, pod) as probe:
        began = time.monotonic()
        bring_back = take_away(cluster)
        try:
            headscale.rename(node, f"{pod.name}-renamed")
            # The outage itself is what is waited for here.
            time.sleep(OUTAGE)
            during = probe.longest_silence(began)
        finally:
            bring_back()
        back = time.monotonic()
        pod.wait_published(WRITTEN_WITHIN, device_fqdn=f"{pod.name}-renamed.{settings.TAILNET_DOMAIN}.")
        figure(f"longest silence {during:.2f} s, write {time.monotonic() - back:.1f} s after the API was back")
        assert probe.longest_silence(began) < NO_GAP
    assert pod.daemon() == daemon, "the daemon was restarted"
    assert pod.stop() == 0


def test_boot_waits_for_an_api_server_that_comes_late(headscale, cluster, new_pod):
    """A server that is away for a moment at boot is waited for, within the boot deadline."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", environment={"TS_AUTHKEY": key})
    cluster.kill()
    try:
        pod.start()
        pod.wait_log("boot: ", 10)
    finally:
        cluster.restart()
    pod.wait_log("Startup complete, waiting for shutdown signal", 40)
    pod.wait_published(5, device_id=None)
    assert pod.stop() == 0


@pytest.mark.parametrize("take_away", [_pause, _kill], ids=["hangs", "refuses"])
def test_daemon_dies_during_an_api_outage(take_away, headscale, cluster, new_pod, figure):
    """The daemon cannot read its state when it comes back; it does within 3 s after the API server is back."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", environment={"TS_AUTHKEY": key}).boot()
    fields = pod.wait_published(5, device_id=None, device_fqdn=None)
    bring_back = take_away(cluster)
    try:
        old = pod.kill_daemon()
        wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
        if take_away is _kill:
            pod.wait_log("condition StateStoreFailed", 20)
    finally:
        bring_back()
    back = time.monotonic()
    wait.wait_for(lambda: pod.client.state() == "Running", 20, "running again")
    took = time.monotonic() - back
    figure(f"running {took:.2f} s after the API server was back")
    assert took <= BACK_WITHIN
    pod.wait_published(10, device_id=fields["device_id"], device_fqdn=fields["device_fqdn"])
    assert "(crash 2 of" not in pod.log(), "the restart counts as a crash"
    assert pod.stop() == 0
