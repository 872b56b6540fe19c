"""A proxy of several replicas is shut down by a preStop hook: no request through it fails."""

import threading

import pytest

from realbed import services, settings, wait
from realbed.balancer import Balancer, Load
from realbed.services import EgressFolder, service
from realbed.web import fetch

RATE = 200
PORT = 1001
HEALTH = 9002
HOOK = "/internal-egress-services-preshutdown"


class _Hook:
    """The preStop hook as kubelet calls it: one GET on the pod's port 9002, with its answer."""

    def __init__(self, pod):
        self.answer = None
        self._thread = threading.Thread(target=self._call, args=(pod,), daemon=True)
        self._thread.start()

    def _call(self, pod):
        self.answer = fetch(pod.namespace, pod.address, HEALTH, HOOK, timeout=60)

    def running(self):
        return self._thread.is_alive()


@pytest.mark.alone
def test_drain_under_load(bed, cluster, new_proxy, figure):
    """200 requests a second through two pods: one leaves the rotation, its hook returns, it stops."""
    peer = bed.peer
    peer.echo()
    pods = [new_proxy(store="secret") for _ in range(2)]
    with Balancer(bed, {PORT: PORT, HEALTH: HEALTH}, pods) as balancer:
        wanted = service(("TCP", PORT, 7000), fqdn=f"{peer.name}.{settings.TAILNET_DOMAIN}",
                         health=f"http://{balancer.address}:{HEALTH}/healthz")
        for pod in pods:
            pod.forward()
            EgressFolder(pod, {"web": wanted}, pings=3 * len(pods))
            pod.start()
        for pod in pods:
            pod.wait_log("Startup complete, waiting for shutdown signal", 30)
            services.wait_status(pod, {"web": (wanted, [peer.address, peer.address6])})
        with Load(bed.client(), balancer.address, PORT, RATE) as load:
            load.wait_more(RATE, 10)
            hook = _Hook(pods[0])
            load.wait_more(2 * RATE, 10)
            assert hook.running(), "the hook returned while the pod was in rotation"
            balancer.rotate(pods[1:])
            wait.wait_for(lambda: not hook.running(), 20, "the hook returns", interval=0.01)
            assert hook.answer == (200, "")
            assert pods[0].stop() == 0
            load.wait_more(RATE, 10)
        assert not load.failures, f"{len(load.failures)} failed: {load.failures[:5]}"
        sources = [pod_source for pod_source in load.answers]
        assert len(sources) == 2, "both pods carried requests"
        figure(f"{load.count()} requests at {load.rate():.0f}/s while one of two pods drained and stopped, none failed")
    assert pods[1].stop() == 0


def test_hook_without_services(new_proxy):
    """Nothing to drain: the hook answers at once, and says so."""
    pod = new_proxy()
    EgressFolder(pod, {})
    pod.boot()
    hook = _Hook(pod)
    wait.wait_for(lambda: not hook.running(), 2, "the hook returns at once")
    assert hook.answer[0] == 200
    assert pod.stop() == 0


def test_termination_during_the_drain(bed, new_proxy):
    """A pod that stays in rotation is asked to end all the same: it does, in time."""
    peer = bed.peer
    pod = new_proxy()
    with Balancer(bed, {HEALTH: HEALTH}, [pod]) as balancer:
        wanted = service(("TCP", PORT, 7000), ip=peer.address, health=f"http://{balancer.address}:{HEALTH}/healthz")
        pod.forward()
        EgressFolder(pod, {"web": wanted}, pings=3)
        pod.boot()
        services.wait_status(pod, {"web": (wanted, [peer.address])})
        hook = _Hook(pod)
        wait.wait_for(lambda: "web" in pod.log()[pod.log().find("Startup complete"):] and hook.running(), 5,
                      "the drain has begun")
        assert pod.stop(10) == 0
