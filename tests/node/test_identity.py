"""What happens to a pod does not happen to its node."""

import time

import pytest

from nodebed import objects
from realbed import settings, wait
from realbed.probe import TwoWayProbe

OUTAGE = 25
NO_GAP = 0.5
WRITTEN_WITHIN = 10


@pytest.fixture
def recovered(node):
    """Leaves the next story a cluster that has noticed the API server's return."""
    yield
    node.recover()


def _stateful(space, name):
    space.node_state(f"{name}-0")
    spec = objects.pod_spec([objects.proxy({})], account_name=f"{name}-0")
    space.apply(objects.workload("StatefulSet", name, spec))
    return space.pod(f"{name}-0").wait_ready()


def test_deleted_by_force_and_back(node, space, figure):
    """No grace, no chance to say goodbye: the successor is the same node with the same address."""
    pod = _stateful(space, "force")
    before, uid = pod.published(), pod.uid()
    pod.delete("--grace-period=0", "--force")
    wait.wait_for(lambda: pod.uid() != uid, 30, "a successor", interval=0.2)
    pod.wait_ready(60)
    after = pod.published()
    for key in ("device_id", "device_ips", "device_fqdn"):
        assert after[key] == before[key]
    nodes = [one for one in node.headscale.nodes() if one["given_name"].startswith("force-0")]
    assert len(nodes) == 1, "a second node appeared"
    with TwoWayProbe(node.peer, pod):
        pass


def test_rename_while_the_api_server_is_away(node, space, recovered, figure):
    """25 s without an API server, the node renamed meanwhile: no traffic is lost, and the write lands afterwards."""
    pod = _stateful(space, "rename")
    name, uid = pod.name, pod.uid()
    device = node.headscale.wait_online(name)
    daemon, namespace = pod.daemon(), pod.namespace
    with TwoWayProbe(node.peer, pod) as probe:
        began = time.monotonic()
        node.control.kill()
        try:
            node.headscale.rename(device, f"{name}-new")
            # The outage itself is what is waited for here.
            time.sleep(OUTAGE)
            during = probe.longest_silence(began)
        finally:
            node.control.restart()
        back = time.monotonic()
        wait.wait_for(lambda: pod.published()["device_fqdn"] == f"{name}-new.{settings.TAILNET_DOMAIN}.", WRITTEN_WITHIN,
                      "the new name in the Secret", interval=0.1)
        figure(f"longest silence {during:.2f} s, write {time.monotonic() - back:.1f} s after the API was back")
        assert probe.longest_silence(began) < NO_GAP
    assert (pod.daemon(), pod.namespace, pod.uid(), pod.restarts()) == (daemon, namespace, uid, 0)
