"""Single targets: one tailnet peer for a cluster's clients, or one cluster service for the tailnet."""

import json
import time

import pytest

from realbed import echo, netns, settings, wait
from realbed.names import NameServer
from realbed.pod import FORWARDING, HEALTH_PORT
from realbed.web import fetch

PROTOCOLS = ("tcp", "udp")
# A connection that was broken is found out and made anew in ten seconds at the earliest.
CONTROL_ANSWERS = 5


def _family(address):
    return 6 if ":" in address else 4


def _cluster_address(pod, target):
    return pod.address6 if ":" in target else pod.address


def _own(pod, target):
    return pod.client.addresses()[1 if ":" in target else 0]


def _egress_carries(client, pod, target, deadline=10):
    """Any port of the pod is that of the target, and the target sees the pod's tailnet address."""
    for protocol in PROTOCOLS:
        for port in (echo.PORT, echo.FIRST_PORT):
            answer = echo.wait_answer(client, _cluster_address(pod, target), port, protocol, deadline,
                                      accept=lambda answer: answer.address == target)
            assert (answer.source, answer.port) == (_own(pod, target), port)


def _ingress_carries(peer, pod, backend, deadline=10):
    """Any port of the node is that of the backend, and the backend sees the pod's cluster address."""
    for protocol in PROTOCOLS:
        answer = echo.wait_answer(peer.namespace, _own(pod, backend), echo.PORT, protocol, deadline)
        assert (answer.address, answer.source) == (backend, _cluster_address(pod, backend))


@pytest.mark.parametrize("family", [4, 6])
def test_tailnet_target_ip(family, bed, new_proxy):
    """Everything that reaches the pod goes to the address; forwarding is switched on by the supervisor."""
    peer, client = bed.peer, bed.client()
    peer.echo()
    target = peer.address if family == 4 else peer.address6
    pod = new_proxy(environment={"TS_TAILNET_TARGET_IP": target})
    netns.set_sysctl(pod.namespace, FORWARDING[family], 0)
    pod.boot()
    assert netns.get_sysctl(pod.namespace, FORWARDING[family]) == "1"
    _egress_carries(client, pod, target)
    # The pod's own listener is not caught by the forwarding of everything.
    assert fetch(client, _cluster_address(pod, target), HEALTH_PORT, "/healthz")[0] == 200
    assert pod.stop() == 0


def test_control_connection_survives_the_rules(bed, headscale, new_proxy, figure):
    """Only we need connection tracking, and control is connected before the rules for everything come."""
    peer, client = bed.peer, bed.client()
    peer.echo()
    arguments = f"--login-server={settings.CONTROL_URL} --netfilter-mode=off"
    pod = new_proxy(environment={"TS_TAILNET_TARGET_IP": peer.address, "TS_EXTRA_ARGS": arguments})
    pod.boot()
    started = time.monotonic()
    name = f"{pod.name}-renamed"
    headscale.rename(headscale.wait_online(pod.name), name)
    pod.wait_published(CONTROL_ANSWERS, device_fqdn=f"{name}.{settings.TAILNET_DOMAIN}.")
    figure(f"renamed {time.monotonic() - started:.2f} s after the start-up")
    _egress_carries(client, pod, peer.address)
    assert pod.stop() == 0


def test_tailnet_target_fqdn(bed, headscale, new_proxy, new_peer):
    """Not there at first, then it is; renamed away and back, it is followed."""
    client = bed.client()
    pod = new_proxy()
    name = bed.new_name("target")
    pod.environment["TS_TAILNET_TARGET_FQDN"] = f"{name}.{settings.TAILNET_DOMAIN}"
    pod.forward()
    pod.start()
    pod.wait_log(f'could not find Tailscale node, service or 4via6 address "{name}.{settings.TAILNET_DOMAIN}"', 20)
    peer = new_peer(name)
    peer.echo()
    pod.wait_log("Startup complete, waiting for shutdown signal", 15)
    pod.wait_relay_of(peer)
    _egress_carries(client, pod, peer.address)
    _egress_carries(client, pod, peer.address6)
    headscale.delete_node(headscale.node(name))
    peer.log_in()
    with echo.Echo(peer.namespace, "again", peer.folder, [peer.address, peer.address6]):
        pod.wait_relay_of(peer)
        _egress_carries(client, pod, peer.address)
        _egress_carries(client, pod, peer.address6)
    assert pod.stop() == 0


@pytest.mark.parametrize("family", [4, 6])
def test_dest_ip(family, bed, new_proxy):
    """The node is the backend; the backend sees the Pod."""
    backend = bed.backends(1)[0].addresses[0 if family == 4 else 1]
    pod = new_proxy(environment={"TS_DEST_IP": backend})
    netns.set_sysctl(pod.namespace, FORWARDING[family], 0)
    pod.boot().meet(bed.peer)
    _ingress_carries(bed.peer, pod, backend)
    assert pod.stop() == 0


EVERY_WAY = [(family, protocol) for family in (4, 6) for protocol in ("tcp", "udp")]


def _spread(peer, pod, family, protocol, count=30):
    """How many of `count` flows each backend got."""
    target = pod.client.addresses()[0 if family == 4 else 1]
    found = {}
    for _ in range(count):
        answer = echo.who(peer.namespace, target, protocol=protocol)
        assert answer.source == (pod.address if family == 4 else pod.address6)
        found[answer.name] = found.get(answer.name, 0) + 1
    return found


@pytest.mark.alone
def test_dns_target_with_three_backends(bed, new_proxy):
    """Connections are spread; a backend that leaves gets no more; a name that fails changes nothing."""
    backends, peer = bed.backends(3), bed.peer
    with NameServer(bed) as names:
        names.set("web.cluster.test", *(address for one in backends for address in one.addresses))
        pod = new_proxy(environment={"TS_EXPERIMENTAL_DEST_DNS_NAME": "web.cluster.test"})
        names.serve(pod)
        pod.boot().meet(peer)
        for family in (4, 6):
            echo.wait_answer(peer.namespace, pod.client.addresses()[0 if family == 4 else 1])
        for family, protocol in EVERY_WAY:
            assert _spread(peer, pod, family, protocol) == {"backend1": 10, "backend2": 10, "backend3": 10}
        place = len(pod.log())
        names.set("web.cluster.test", *(address for one in backends[:2] for address in one.addresses))
        pod.wait_log("Backend address change detected, installing proxy rules for backends", 10, place)
        for family, protocol in EVERY_WAY:
            assert _spread(peer, pod, family, protocol) == {"backend1": 15, "backend2": 15}
        place = len(pod.log())
        names.set("web.cluster.test")
        pod.wait_log("reconfigureTimer: last DNS resolution attempt failed", 10, place)
        for family, protocol in EVERY_WAY:
            assert _spread(peer, pod, family, protocol) == {"backend1": 15, "backend2": 15}
    assert pod.stop() == 0


def test_cluster_traffic_via_ingress(bed, new_proxy):
    """Clients of the cluster reach what is served to the tailnet at the Pod's address, both families."""
    client = bed.client()
    pod = new_proxy(environment={"EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS": "true"})
    pod.forward()
    config = pod.folder / "serve.json"
    config.write_text(json.dumps({"TCP": {"80": {"HTTP": True}}, "Web": {
        f"{name}:80": {"Handlers": {"/": {"Text": "served to the cluster"}}}
        for name in (pod.name, f"{pod.name}.{settings.TAILNET_DOMAIN}")}}))
    pod.environment["TS_SERVE_CONFIG"] = config
    pod.boot()
    for address in (pod.address, pod.address6):
        answer = wait.wait_for(lambda: fetch(client, address, 80, host=pod.name), 10,
                               f"the page by the Pod's address {address}")
        assert answer == (200, "served to the cluster")
    assert pod.stop() == 0
