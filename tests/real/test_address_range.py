"""Pods, clients and servers of a cluster whose addresses are in the range of the tailnet, 100.64.0.0/10."""

import pytest

from realbed import echo, netns, services, settings, wait
from realbed.echo import Echo
from realbed.pod import HEALTH_PORT
from realbed.services import EgressFolder, service
from realbed.web import fetch

MATCH = 1001
MASQUERADE = """table ip own {
	chain postrouting {
		type nat hook postrouting priority srcnat;
		iifname "tailscale0" oifname "eth0" masquerade
	}
}
"""


def _in_range(namespace, address):
    """The address of a namespace in 100.70.0.0/24, beside the one that it has."""
    inside = f"100.70.0.{address.rpartition('.')[2]}"
    netns.run_inside(namespace, "ip", "addr", "add", f"{inside}/24", "dev", "eth0")
    return inside


def _health(namespace, address):
    """Status of the pod's health as a probe from there sees it, 0 when nothing answers."""
    try:
        return fetch(namespace, address, HEALTH_PORT, "/healthz", timeout=1.0)[0]
    except OSError:
        return 0


@pytest.fixture
def neighbour(bed):
    """A namespace of the cluster that is a client and, by an echo server, a partner: name, address."""
    name = bed.new_name("neighbour")
    namespace, address = bed.network.add(name)
    inside = _in_range(namespace, address)
    with Echo(namespace, name, bed.folder / name, [inside]):
        yield namespace, inside
    bed.network.remove(namespace)


def _probed(client, inside):
    wait.wait_for(lambda: _health(client, inside) == 200, 10, "the probe is answered")


def _carries(client, pod, inside, peer):
    for protocol in ("tcp", "udp"):
        answer = echo.wait_answer(client, inside, MATCH, protocol)
        assert (answer.name, answer.source) == (peer.name, pod.client.addresses()[0])


def _proxy(bed, new_proxy, mode):
    """A pod with an egress service whose address is in the range: the pod, that address."""
    bed.peer.echo()
    arguments = f"--login-server={settings.CONTROL_URL} --netfilter-mode={mode}"
    pod = new_proxy(environment={"TS_EXTRA_ARGS": arguments})
    inside = _in_range(pod.namespace, pod.address)
    pod.forward()
    wanted = {"db": service(("TCP", MATCH, echo.PORT), ("UDP", MATCH, echo.PORT), ip=bed.peer.address)}
    EgressFolder(pod, wanted)
    pod.boot()
    services.wait_status(pod, {"db": (wanted["db"], [bed.peer.address])})
    assert pod.log().count(f"condition AddressInTailnetRange: the address {inside} of eth0 is in 100.64.0.0/10") == 1
    assert pod.get("/healthz")[0] == 200
    return pod, inside


@pytest.mark.parametrize("mode", ["nodivert", "off"])
def test_without_the_rules_of_the_daemon(mode, bed, neighbour, new_proxy):
    """Probes, connections of the Pod and egress work."""
    client, partner = neighbour
    pod, inside = _proxy(bed, new_proxy, mode)
    assert "tailscaled drops" not in pod.log()
    _probed(client, inside)
    assert echo.who(pod.namespace, partner).source == inside
    _carries(client, pod, inside, bed.peer)
    assert pod.stop() == 0


def test_with_the_rules_of_the_daemon(bed, neighbour, new_proxy):
    """Nothing of it works, as the log says; with the attribute probes and connections of the Pod do."""
    client, partner = neighbour
    pod, inside = _proxy(bed, new_proxy, "on")
    assert "tailscaled drops all that comes from this range but through the tunnel" in pod.log()
    assert _health(client, inside) == 0
    assert echo.refused(pod.namespace, partner)
    assert echo.refused(client, inside, MATCH)
    with bed.headscale.attribute("disable-linux-cgnat-drop-rule"):
        _probed(client, inside)
        assert echo.who(pod.namespace, partner).source == inside
        assert echo.refused(client, inside, MATCH)
    assert pod.stop() == 0


def test_ingress_to_a_server_in_the_range(bed, neighbour, new_proxy):
    """Nothing in the Pod drops it: the server's host sends the answer elsewhere. A route there brings it back, and the
    server sees the peer; a masquerade rule in the Pod brings it back with the address of the Pod."""
    server, partner = neighbour
    arguments = f"--login-server={settings.CONTROL_URL} --netfilter-mode=nodivert"
    pod = new_proxy(environment={"TS_EXTRA_ARGS": arguments, "TS_DEST_IP": partner})
    inside = _in_range(pod.namespace, pod.address)
    pod.forward()
    pod.boot()
    assert "with netfilter mode nodivert no rule of tailscaled gives what peers send to the cluster" in pod.log()
    pod.meet(bed.peer)
    own = pod.client.addresses()[0]
    assert echo.refused(bed.peer.namespace, own)
    route = (f"{bed.peer.address}/32", "via", inside)
    netns.run_inside(server, "ip", "route", "add", *route)
    answer = echo.wait_answer(bed.peer.namespace, own)
    assert (answer.source, answer.address) == (bed.peer.address, partner)
    netns.run_inside(server, "ip", "route", "del", *route)
    assert echo.refused(bed.peer.namespace, own)
    netns.run_inside(pod.namespace, "nft", "-f", "-", text=MASQUERADE)
    answer = echo.wait_answer(bed.peer.namespace, own)
    assert (answer.source, answer.address) == (inside, partner)
    assert pod.stop() == 0
