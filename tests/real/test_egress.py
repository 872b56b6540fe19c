"""Egress services: cluster clients reach tailnet peers by the pod's ports, as a mounted folder says."""

import contextlib

import pytest

from realbed import echo, ruleset, services, settings, wait
from realbed.balancer import Load
from realbed.capture import Capture
from realbed.services import EgressFolder, service

PROTOCOLS = ("tcp", "udp")
ACCEPT_ROUTES = {"TS_EXTRA_ARGS": f"--login-server={settings.CONTROL_URL} --accept-routes"}


def _name(peer):
    return f"{peer.name}.{settings.TAILNET_DOMAIN}"


def _carries(client, pod, port, peer, target=echo.PORT, families=(4, 6), deadline=10):
    """Both protocols and families arrive at the peer's port, from the pod's own tailnet addresses."""
    own, there = pod.client.addresses(), (peer.address, peer.address6)
    for family in families:
        index = (4, 6).index(family)
        for protocol in PROTOCOLS:
            answer = echo.wait_answer(client, (pod.address, pod.address6)[index], port, protocol, deadline,
                                      accept=lambda answer: answer.name == peer.name)
            assert (answer.source, answer.address, answer.port) == (own[index], there[index], target)


def _silent(client, pod, port, families=(4, 6), deadline=10):
    """Nothing answers there any more."""
    for family in families:
        address = pod.address if family == 4 else pod.address6
        for protocol in PROTOCOLS:
            wait.wait_for(lambda: echo.refused(client, address, port, protocol), deadline,
                          f"no answer from {address}:{port}/{protocol}")


def _both(match, target=echo.PORT):
    return [("TCP", match, target), ("UDP", match, target)]


@pytest.mark.parametrize("store", ["folder", "secret"])
def test_services_by_address_and_by_name(store, bed, new_proxy):
    """A literal address of each family and a name; added, retargeted and removed while the pod runs."""
    if store == "secret":
        bed.cluster()
    one, two, client = bed.peer, bed.guest(), bed.client()
    one.echo(), two.echo()
    pod = new_proxy(store=store)
    pod.forward()
    wanted = {"by-four": service(*_both(1001), ip=one.address), "by-six": service(*_both(1002), ip=one.address6),
              "by-name": service(*_both(1003), fqdn=_name(one))}
    folder = EgressFolder(pod, wanted)
    pod.boot()
    both = [one.address, one.address6]
    status = {"by-four": (wanted["by-four"], both[:1]), "by-six": (wanted["by-six"], both[1:]),
              "by-name": (wanted["by-name"], both)}
    services.wait_status(pod, status)
    _carries(client, pod, 1001, one, families=[4])
    _carries(client, pod, 1002, one, families=[6])
    _carries(client, pod, 1003, one)
    _silent(client, pod, 1001, families=[6])

    kept = {match: {protocol: echo.Flow(client, pod.address, match, protocol) for protocol in PROTOCOLS}
            for match in (1001, 1003)}
    early = echo.Flow(client, pod.address, 1004, "udp")
    with contextlib.ExitStack() as open_flows:
        for flow in (early, *kept[1001].values(), *kept[1003].values()):
            open_flows.enter_context(flow)
        assert {flow.ask().name for flows in kept.values() for flow in flows.values()} == {one.name}
        with pytest.raises(OSError):
            early.ask()
        changed = {"by-four": wanted["by-four"], "by-name": service(*_both(1003), fqdn=_name(two)),
                   "new": service(*_both(1004), fqdn=_name(one))}
        folder.write(changed)
        services.wait_status(pod, {"by-four": status["by-four"], "new": (changed["new"], both),
                                   "by-name": (changed["by-name"], [two.address, two.address6])})
        _carries(client, pod, 1003, two)
        _carries(client, pod, 1004, one)
        _silent(client, pod, 1002)
        # Flows of another service are untouched. Of the retargeted one, datagrams go to the new target at once, and
        # a connection stays with the old one, which is still a peer. Who sent too early is heard now.
        assert {flow.ask().name for flow in kept[1001].values()} == {one.name}
        assert kept[1003]["udp"].ask().name == two.name
        assert kept[1003]["tcp"].ask().name == one.name
        assert early.ask().name == one.name

        folder.write({})
        services.wait_status(pod, {})
        for flows in kept.values():
            with pytest.raises(ConnectionError):
                flows["tcp"].ask()
    _silent(client, pod, 1001)
    _silent(client, pod, 1003)
    assert pod.stop() == 0


@pytest.mark.alone
def test_thousand_ports(bed, cluster, new_proxy, figure):
    """500 tcp and 500 udp ports, both families: each arrives at its own target port from the pod's address."""
    peer, client = bed.peer, bed.client()
    peer.echo()
    pod = new_proxy(store="secret")
    pod.forward()
    ports = [(protocol, 10000 + index, echo.FIRST_PORT + echo.PORTS - 1 - index)
             for protocol in ("TCP", "UDP") for index in range(echo.PORTS)]
    EgressFolder(pod, {"wide": service(*ports, fqdn=_name(peer))})
    pod.boot()
    services.wait_status(pod, {"wide": (service(*ports, fqdn=_name(peer)), [peer.address, peer.address6])}, 15)
    own = pod.client.addresses()
    questions = {(protocol.lower(), address, match): (source, there, target)
                 for protocol, match, target in ports
                 for address, source, there in ((pod.address, own[0], peer.address),
                                                (pod.address6, own[1], peer.address6))}
    answers = echo.who_many(client, list(questions))
    wrong = {question: answer for question, answer in answers.items()
             if (answer.source, answer.address, answer.port) != questions[question]}
    assert not wrong and len(answers) == 4 * echo.PORTS
    figure(f"{len(answers)} of {len(questions)} exchanges through {len(ports)} port maps, both families")
    assert pod.stop() == 0


def test_name_that_appears_is_renamed_vanishes_and_returns(bed, headscale, cluster, new_proxy, new_peer):
    """A target by name is followed through the whole life of a peer; other services never notice."""
    client, steady = bed.client(), bed.peer
    steady.echo()
    pod = new_proxy(store="secret")
    pod.forward()
    late = bed.new_name("late")
    wanted = {"late": service(*_both(1001), fqdn=f"{late}.{settings.TAILNET_DOMAIN}"),
              "steady": service(*_both(1002), ip=steady.address)}
    EgressFolder(pod, wanted)
    pod.boot()
    present = (wanted["steady"], [steady.address])
    services.wait_status(pod, {"late": (wanted["late"], None), "steady": present})
    _carries(client, pod, 1002, steady, families=[4])
    _silent(client, pod, 1001)

    peer = new_peer(late)
    peer.echo()
    reached = {"late": (wanted["late"], [peer.address, peer.address6]), "steady": present}
    services.wait_status(pod, reached)
    pod.wait_relay_of(peer)
    _carries(client, pod, 1001, peer)

    node = headscale.node(peer.name)
    headscale.rename(node, f"{late}-moved")
    services.wait_status(pod, {"late": (wanted["late"], None), "steady": present})
    _silent(client, pod, 1001)
    headscale.rename(node, late)
    services.wait_status(pod, reached)
    _carries(client, pod, 1001, peer)

    headscale.delete_node(node)
    services.wait_status(pod, {"late": (wanted["late"], None), "steady": present})
    _silent(client, pod, 1001)
    _carries(client, pod, 1002, steady, families=[4])
    assert pod.stop() == 0


def test_deleted_peer_comes_back_with_other_addresses(bed, headscale, cluster, new_proxy, new_peer):
    """A peer that is deleted and logs in again has new addresses; the service follows it there."""
    client, peer = bed.client(), new_peer()
    pod = new_proxy(store="secret")
    pod.forward()
    wanted = service(*_both(1001), fqdn=_name(peer))
    EgressFolder(pod, {"again": wanted})
    pod.boot()
    services.wait_status(pod, {"again": (wanted, [peer.address, peer.address6])})
    headscale.delete_node(headscale.node(peer.name))
    services.wait_status(pod, {"again": (wanted, None)})
    peer.log_in()
    peer.echo()
    services.wait_status(pod, {"again": (wanted, [peer.address, peer.address6])})
    pod.wait_relay_of(peer)
    _carries(client, pod, 1001, peer)
    assert pod.stop() == 0


def test_tailscale_service_as_target(bed, headscale, cluster, new_proxy, new_peer):
    """The name of a Tailscale Service leads to the address that a peer has a route for."""
    client = bed.client()
    virtual = ["100.100.77.1", "fd7a:115c:a1e0:77::1"]
    host = new_peer(routes=["100.100.77.1/32", "fd7a:115c:a1e0:77::1/128"])
    host.own(*virtual)
    pod = new_proxy(store="secret", environment=ACCEPT_ROUTES)
    pod.forward()
    name = f"web.{settings.TAILNET_DOMAIN}"
    wanted = service(*_both(1001), fqdn=name)
    EgressFolder(pod, {"web": wanted})
    pod.boot()
    services.wait_status(pod, {"web": (wanted, None)})
    servers = echo.Echo(host.namespace, "web", host.folder, virtual)
    headscale.set_record(name, *virtual)
    try:
        # Headscale sends records in any order.
        services.wait_status(pod, {"web": (wanted, set(virtual))})
        for address, own, there in zip((pod.address, pod.address6), pod.client.addresses(), virtual):
            for protocol in PROTOCOLS:
                answer = echo.wait_answer(client, address, 1001, protocol)
                assert (answer.name, answer.source, answer.address) == ("web", own, there)
    finally:
        headscale.set_record(name)
        servers.close()
    services.wait_status(pod, {"web": (wanted, None)})
    assert pod.stop() == 0


def test_four_via_six_name_as_target(bed, cluster, new_proxy, new_peer):
    """The name of an IPv4 address behind a site leads through the peer that routes the site."""
    client, site = bed.client(), new_peer(routes=["fd7a:115c:a1e0:b1a:0:7:a4d:1/128"])
    site.own("10.77.0.1")
    servers = echo.Echo(site.namespace, "site", site.folder, ["10.77.0.1"])
    pod = new_proxy(store="secret", environment=ACCEPT_ROUTES)
    pod.forward()
    wanted = service(*_both(1001), fqdn="10-77-0-1-via-7")
    EgressFolder(pod, {"behind": wanted})
    pod.boot()
    services.wait_status(pod, {"behind": (wanted, ["fd7a:115c:a1e0:b1a:0:7:a4d:1"])})
    for protocol in PROTOCOLS:
        answer = echo.wait_answer(client, pod.address6, 1001, protocol)
        assert (answer.name, answer.address, answer.port) == ("site", "10.77.0.1", echo.PORT)
    assert "EgressTargetSilent" not in pod.log(), "the router has not answered for what is behind it"
    servers.close()
    assert pod.stop() == 0


def test_change_while_the_api_server_is_away(bed, cluster, new_proxy):
    """Traffic follows a change at once; the status follows when the server accepts it."""
    one, two, client = bed.peer, bed.guest(), bed.client()
    one.echo(), two.echo()
    pod = new_proxy(store="secret")
    pod.forward()
    wanted = {"web": service(*_both(1001), ip=one.address)}
    folder = EgressFolder(pod, wanted)
    pod.boot()
    services.wait_status(pod, {"web": (wanted["web"], [one.address])})
    _carries(client, pod, 1001, one, families=[4])
    cluster.kill()
    try:
        wanted = {"web": service(*_both(1001), fqdn=_name(two))}
        folder.write(wanted)
        _carries(client, pod, 1001, two)
    finally:
        cluster.restart()
    services.wait_status(pod, {"web": (wanted["web"], [two.address, two.address6])}, 20)
    assert pod.stop() == 0


@pytest.mark.alone
def test_many_changes_under_load(bed, cluster, new_proxy, figure):
    """Forty changes as fast as they can be mounted: a service that none of them names loses no request."""
    peer, client = bed.peer, bed.client()
    peer.echo()
    pod = new_proxy(store="secret")
    pod.forward()
    steady = service(("TCP", 1001, echo.PORT), fqdn=_name(peer))
    folder = EgressFolder(pod, {"steady": steady})
    pod.boot()
    both = [peer.address, peer.address6]
    services.wait_status(pod, {"steady": (steady, both)})
    descriptors = pod.descriptors()
    with Load(client, pod.address, 1001, 100) as load:
        load.wait_more(20, 5)
        for turn in range(40):
            others = {f"other-{place}": service(*_both(2000 + place, echo.FIRST_PORT + turn), ip=both[turn % 2])
                      for place in range(turn % 7 * 20)}
            folder.write({"steady": steady, **others})
        expected = {name: (one, [one["tailnetTarget"]["ip"]]) for name, one in others.items()}
        services.wait_status(pod, {"steady": (steady, both), **expected})
        load.wait_more(20, 5)
    assert not load.failures, load.failures[:5]
    _carries(client, pod, 2000, peer, echo.FIRST_PORT + 39, families=[6])
    assert pod.descriptors() <= descriptors + 2
    figure(f"{load.count()} requests during 40 changes, none failed")
    assert pod.stop() == 0


def test_container_that_ended_unasked_and_runs_again(bed, cluster, new_proxy):
    """The rules outlive it and let nothing out in clear; the next run takes over and drops what is not wanted now."""
    peer, client = bed.peer, bed.client()
    peer.echo()
    pod = new_proxy(store="secret")
    pod.forward()
    wanted = {"stays": service(*_both(1001), fqdn=_name(peer)), "goes": service(*_both(1002), fqdn=_name(peer))}
    folder = EgressFolder(pod, wanted)
    pod.boot()
    both = [peer.address, peer.address6]
    services.wait_status(pod, {name: (one, both) for name, one in wanted.items()})
    _carries(client, pod, 1001, peer)
    _carries(client, pod, 1002, peer)
    with Capture(pod.namespace) as capture:
        pod.crash()
        assert ruleset.own_tables(pod.namespace) == ruleset.OWN
        for address in (pod.address, pod.address6):
            assert echo.refused(client, address, 1001)
        assert capture.seen() > 0 and not capture.leaked()
    assert ruleset.guard_drops(pod.namespace) > 0
    del wanted["goes"]
    folder.write(wanted)
    pod.boot()
    services.wait_status(pod, {"stays": (wanted["stays"], both)})
    _carries(client, pod, 1001, peer)
    _silent(client, pod, 1002)
    assert pod.stop() == 0
