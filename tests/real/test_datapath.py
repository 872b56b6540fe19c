"""The data path as a whole: daemons that die, foreign hands, other packet filters beside it, and its end."""

import contextlib
import json
import time

import pytest

from realbed import echo, netns, ruleset, services, settings, wait
from realbed.capture import Capture
from realbed.mounted import MountedFolder
from realbed.probe import Probe
from realbed.services import EgressFolder, ingress_service, service

PROTOCOLS = ("tcp", "udp")
MEGABYTES = 10


def _egress_pod(bed, new_proxy, **options):
    """A pod with one service, port 1001 of both protocols to the peer's echo port."""
    bed.peer.echo()
    pod = new_proxy(**options)
    pod.forward()
    wanted = service(("TCP", 1001, echo.PORT), ("UDP", 1001, echo.PORT),
                     fqdn=f"{bed.peer.name}.{settings.TAILNET_DOMAIN}")
    EgressFolder(pod, {"web": wanted})
    return pod, {"web": (wanted, [bed.peer.address, bed.peer.address6])}


def _carries(bed, pod, deadline=10):
    """Both protocols and families, from the pod's own addresses."""
    for address, own in zip((pod.address, pod.address6), pod.client.addresses()):
        for protocol in PROTOCOLS:
            answer = echo.wait_answer(bed.client(), address, 1001, protocol, deadline)
            assert (answer.name, answer.source) == (bed.peer.name, own)


def _add_ingress(bed, pod):
    """The same pod takes connections for a backend at a service's addresses, too; returns those and the document."""
    backend, _, virtual = bed.backends(1)[0], bed.guest(), bed.new_virtual()
    wanted = {"svc:in": ingress_service(virtual, backend.addresses)}
    mounted = MountedFolder(pod.folder / "ingress", {"ingress-config.json": json.dumps(wanted)})
    pod.environment |= {"TS_INGRESS_PROXIES_CONFIG_PATH": mounted.path / "ingress-config.json",
                        "TS_ROUTES": ",".join(settings.routes_of(virtual))}
    return virtual, wanted


def _approve(bed, pod, virtual):
    bed.headscale.approve_routes(bed.headscale.wait_online(pod.name), settings.routes_of(virtual))
    pod.meet(bed.guest())


def _ingress_carries(bed, pod, virtual):
    for address, source in zip(virtual, (pod.address, pod.address6)):
        for protocol in PROTOCOLS:
            assert echo.wait_answer(bed.guest().namespace, address, echo.PORT, protocol).source == source


def _silence(client, addresses, since, until, deadline):
    """Asks over new connections until until() holds and all are answered; seconds between two answers at most."""
    targets = [(address, 1001, protocol) for address in addresses for protocol in PROTOCOLS]
    last, longest = since, 0.0
    while time.monotonic() < since + deadline:
        good = 0
        for target in targets:
            with contextlib.suppress(OSError):
                echo.who(client, *target, timeout=0.2)
                good += 1
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
        if good == len(targets) and until():
            return longest
    raise wait.Timeout(f"no traffic within {deadline} s")


def _spoken_to(bed, pod):
    """The peer has something to say all the time.

    A tunnel that one end has reset is otherwise silent for five seconds and more, and TCP waits longer each time.
    """
    return contextlib.closing(Probe(bed.peer.namespace, pod.client.address()))


@pytest.mark.alone
def test_daemon_killed_under_traffic_leaks_nothing(bed, new_proxy, figure):
    """Rules stay, traffic resumes by itself, and no packet for the tailnet leaves on the cluster's wire meanwhile."""
    pod, status = _egress_pod(bed, new_proxy)
    pod.boot()
    services.wait_status(pod, status)
    _carries(bed, pod)
    before = ruleset.own_tables(pod.namespace)
    with _spoken_to(bed, pod), Capture(pod.namespace) as capture:
        killed = time.monotonic()
        old = pod.kill_daemon()
        gap = _silence(bed.client(), (pod.address, pod.address6), killed, lambda: pod.daemon() not in (0, old), 15)
        figure(f"egress gap {gap:.2f} s")
        assert ruleset.own_tables(pod.namespace) == before == ruleset.OWN
        assert capture.seen() > 0
        assert not capture.leaked(), capture.leaked()[:5]
    figure(f"{capture.seen()} packets left the pod, none to the tailnet in clear; "
           f"{ruleset.guard_drops(pod.namespace)} stopped by the guard")
    _carries(bed, pod)
    assert pod.stop() == 0


@pytest.mark.alone
@pytest.mark.parametrize("family", [4, 6])
def test_daemon_killed_under_ingress_leaks_nothing(family, bed, new_proxy):
    """What a backend still sends when the tunnel is gone does not leave in clear for the peer it was meant for."""
    backend = bed.backends(1)[0]
    pod = new_proxy(environment={"TS_DEST_IP": backend.addresses[(4, 6).index(family)]}).boot()
    pod.meet(bed.peer)
    address = pod.client.addresses()[(4, 6).index(family)]
    echo.wait_answer(bed.peer.namespace, address)
    flow = echo.Flow(bed.peer.namespace, address, echo.PORT, timeout=15)
    with flow, _spoken_to(bed, pod), Capture(pod.namespace) as capture:
        with flow.receiving(100 << 20) as received:
            wait.wait_for(lambda: received() > 1 << 20, 5, "the backend sends")
            old = pod.kill_daemon()
            wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
            before = received()
            wait.wait_for(lambda: received() > before + (1 << 20), 15, "the same connection goes on")
        assert capture.seen() > 0
        assert not capture.leaked(), f"{len(capture.leaked())}: {capture.leaked()[:5]}"
    assert pod.stop() == 0


def test_ten_megabytes_each_way(bed, new_proxy, figure):
    """Egress and ingress, both families, MTU 1280 in the tunnel and 1500 at the client; the content is checked."""
    pod, status = _egress_pod(bed, new_proxy)
    virtual, _ = _add_ingress(bed, pod)
    pod.boot()
    services.wait_status(pod, status)
    _approve(bed, pod, virtual)
    size = MEGABYTES << 20
    ways = [(bed.client(), address, 1001) for address in (pod.address, pod.address6)]
    ways += [(bed.guest().namespace, address, echo.PORT) for address in virtual]
    for namespace, address, port in ways:
        echo.wait_answer(namespace, address, port)
        with echo.Flow(namespace, address, port, timeout=10) as flow:
            begun = time.monotonic()
            assert flow.send(size) and flow.receive(size)
            figure(f"{address}: {MEGABYTES} MB each way in {time.monotonic() - begun:.2f} s")
    assert pod.stop() == 0


def _choose_iptables(pod, variant):
    """Makes iptables one of its two variants for what runs in the pod, as an image's links do."""
    folder = pod.folder / "iptables"
    folder.mkdir()
    for name in ("iptables", "ip6tables"):
        (folder / name).symlink_to(f"/usr/sbin/{name}-{variant}")
    pod.environment["PATH"] = f"{folder}:{pod.environment['PATH']}"


@pytest.mark.parametrize("mode, variant", [("nftables", "nft"), ("iptables", "nft"), ("iptables", "legacy")])
def test_firewall_modes_of_the_daemon(mode, variant, bed, new_proxy):
    """Whatever the daemon uses beside us, egress and ingress carry."""
    pod, status = _egress_pod(bed, new_proxy, environment={"TS_DEBUG_FIREWALL_MODE": mode})
    _choose_iptables(pod, variant)
    virtual, wanted = _add_ingress(bed, pod)
    pod.boot()
    services.wait_status(pod, status)
    services.wait_ingress_status(pod, wanted)
    _approve(bed, pod, virtual)
    _carries(bed, pod)
    _ingress_carries(bed, pod, virtual)
    assert pod.stop() == 0


def test_end_takes_our_tables_and_no_others(bed, new_proxy):
    """A foreign table is the same before, during and after; ours are gone with the container."""
    pod, status = _egress_pod(bed, new_proxy)
    foreign = ruleset.add_foreign(pod.namespace)
    pod.boot()
    services.wait_status(pod, status)
    _carries(bed, pod)
    assert ruleset.own_tables(pod.namespace) == ruleset.OWN
    assert ruleset.foreign(pod.namespace) == foreign
    assert pod.stop() == 0
    assert not ruleset.own_tables(pod.namespace)
    assert ruleset.foreign(pod.namespace) == foreign


@pytest.mark.alone
def test_flushed_ruleset_is_repaired(bed, new_proxy, figure):
    """A foreign hand flushes everything: our rules are back within a second, and traffic with them."""
    pod, status = _egress_pod(bed, new_proxy)
    pod.boot()
    services.wait_status(pod, status)
    _carries(bed, pod)
    before = {family: ruleset.nft(pod.namespace, "list", "table", family, name) for family, name in ruleset.OWN}
    flushed = time.monotonic()
    ruleset.flush(pod.namespace)
    wait.wait_for(lambda: ruleset.own_tables(pod.namespace) == ruleset.OWN, 5, "our tables are back", interval=0.005)
    took = time.monotonic() - flushed
    figure(f"repaired after {took * 1000:.0f} ms")
    assert {family: ruleset.nft(pod.namespace, "list", "table", family, name) for family, name in ruleset.OWN} == before
    _carries(bed, pod)
    assert took <= 1
    assert pod.stop() == 0


def test_node_that_comes_back_as_another(bed, headscale, new_proxy):
    """State in memory is lost with the daemon: the new node has other addresses, which are the source from then on."""
    bed.peer.echo()
    _, key = headscale.new_key(reusable=True, ephemeral=True)
    pod = new_proxy(store="memory", environment={"TS_AUTHKEY": key, "TS_TAILNET_TARGET_IP": bed.peer.address})
    pod.boot()
    first = pod.client.address()
    assert echo.wait_answer(bed.client(), pod.address).source == first
    old = pod.kill_daemon()
    wait.wait_for(lambda: pod.daemon() not in (0, old), 10, "a new daemon")
    second = wait.wait_for(lambda: pod.client.address(), 15, "an address")
    assert second != first
    for protocol in PROTOCOLS:
        answer = echo.wait_answer(bed.client(), pod.address, echo.PORT, protocol, 15)
        assert answer.source == second
    assert pod.stop() == 0


def test_without_ipv6(bed, new_proxy):
    """IPv6 is switched off in the pod: IPv4 is complete, no table of the other family is made, nothing fails."""
    bed.peer.echo()
    pod = new_proxy()
    pod.forward(4)
    netns.set_sysctl(pod.namespace, "ipv6/conf/all/disable_ipv6", 1)
    pod.environment |= {"POD_IPS": pod.address}
    wanted = {"name": service(("TCP", 1001, echo.PORT), fqdn=f"{bed.peer.name}.{settings.TAILNET_DOMAIN}"),
              "six": service(("TCP", 1002, echo.PORT), ip=bed.peer.address6)}
    EgressFolder(pod, wanted)
    pod.address6 = ""
    pod.boot()
    services.wait_status(pod, {"name": (wanted["name"], [bed.peer.address]), "six": (wanted["six"], None)})
    assert echo.wait_answer(bed.client(), pod.address, 1001).source == pod.client.address()
    assert ruleset.own_tables(pod.namespace) == {("ip", "ts_sidecar")}
    assert pod.stop() == 0


def test_table_of_another_pod(bed, new_proxy):
    """A table of our name that says it is another Pod's is left alone: the reason is said, and the container ends."""
    pod, _ = _egress_pod(bed, new_proxy)
    ruleset.nft(pod.namespace, "add", "table", "ip", "ts_sidecar",
                "{", "comment", '"owner=other/pod schema=1"', ";", "}")
    before = ruleset.nft(pod.namespace, "list", "table", "ip", "ts_sidecar")
    pod.start()
    pod.wait_log("table ip ts_sidecar belongs to other/pod and is left alone", 15)
    assert pod.process.wait(10) == 1
    assert ruleset.nft(pod.namespace, "list", "table", "ip", "ts_sidecar") == before
