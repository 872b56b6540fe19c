"""Ingress services: tailnet peers reach cluster addresses by those of Tailscale Services.

Headscale has no Services: approved subnet routes of the pod play their addresses, extra DNS records their names.
"""

import json

import pytest

from realbed import echo, services, settings, wait
from realbed.mounted import MountedFolder
from realbed.services import ingress_service

PROTOCOLS = ("tcp", "udp")


def _service(virtual, backend):
    return ingress_service(virtual, backend.addresses)


def _proxy(bed, new_proxy, virtual, wanted, **options):
    """A pod with ingress services whose routes are approved, and its mounted folder."""
    guest, pod = bed.guest(), new_proxy(**options)
    routes = [route for pair in virtual for route in settings.routes_of(pair)]
    pod.forward()
    pod.environment["TS_ROUTES"] = ",".join(routes)
    mounted = MountedFolder(pod.folder / "proxies", {"ingress-config.json": json.dumps(wanted)})
    pod.environment["TS_INGRESS_PROXIES_CONFIG_PATH"] = mounted.path / "ingress-config.json"
    pod.boot()
    bed.headscale.approve_routes(bed.headscale.wait_online(pod.name), routes)
    pod.meet(guest)
    return pod, mounted


def _carries(peer, pod, virtual, backend, deadline=10):
    """Both protocols and families arrive at the backend, which sees the Pod."""
    for address, there, source in zip(virtual, backend.addresses, (pod.address, pod.address6)):
        for protocol in PROTOCOLS:
            answer = echo.wait_answer(peer.namespace, address, echo.PORT, protocol, deadline,
                                      accept=lambda answer: answer.address == there)
            assert (answer.source, answer.port) == (source, echo.PORT)


def test_services_in_a_cluster(bed, headscale, cluster, new_proxy):
    """Two services; one is changed and then deleted while the other carries flows."""
    guest, (one, two, three) = bed.guest(), bed.backends(3)
    virtual = bed.new_virtual(), bed.new_virtual()
    wanted = {"svc:one": _service(virtual[0], one), "svc:two": _service(virtual[1], two)}
    pod, mounted = _proxy(bed, new_proxy, virtual, wanted, store="secret")
    services.wait_ingress_status(pod, wanted)
    _carries(guest, pod, virtual[0], one)
    _carries(guest, pod, virtual[1], two)

    flows = [echo.Flow(guest.namespace, address, echo.PORT, protocol)
             for address in virtual[0] for protocol in PROTOCOLS]
    before = [flow.ask() for flow in flows]
    moved = {protocol: echo.Flow(guest.namespace, virtual[1][0], echo.PORT, protocol) for protocol in PROTOCOLS}
    assert {flow.ask().name for flow in moved.values()} == {"backend2"}
    wanted = {**wanted, "svc:two": _service(virtual[1], three)}
    mounted.write({"ingress-config.json": json.dumps(wanted)})
    services.wait_ingress_status(pod, wanted)
    _carries(guest, pod, virtual[1], three)
    assert [flow.ask() for flow in flows] == before
    # What was open to the old backend: datagrams go to the new one, a connection is reset.
    assert moved["udp"].ask().name == "backend3"
    with pytest.raises(ConnectionError):
        moved["tcp"].ask()

    del wanted["svc:two"]
    mounted.write({"ingress-config.json": json.dumps(wanted)})
    services.wait_ingress_status(pod, wanted)
    for address in virtual[1]:
        for protocol in PROTOCOLS:
            wait.wait_for(lambda: echo.refused(guest.namespace, address, echo.PORT, protocol), 10,
                          "the deleted service answers no more")
    assert [flow.ask() for flow in flows] == before
    _carries(guest, pod, virtual[0], one)
    for flow in (*flows, *moved.values()):
        flow.close()
    assert pod.stop() == 0


def test_services_without_kubernetes(bed, headscale, new_proxy):
    """The same file with the folder store; the status is a file there. Peers find the service by its name."""
    guest, backend, virtual = bed.guest(), bed.backends(1)[0], bed.new_virtual()
    name = f"one.{settings.TAILNET_DOMAIN}"
    wanted = {"svc:one": _service(virtual, backend)}
    headscale.set_record(name, *virtual)
    try:
        pod, _ = _proxy(bed, new_proxy, [virtual], wanted)
        services.wait_ingress_status(pod, wanted)
        _carries(guest, pod, virtual, backend)
        found = wait.wait_for(lambda: guest.client.resolve(name), 10, f"{name} at the guest")
        assert sorted(found) == sorted(virtual)
    finally:
        headscale.set_record(name)
    assert pod.stop() == 0


@pytest.mark.alone
def test_changed_service_is_never_without_a_rule(bed, headscale, new_proxy, figure):
    """While a service moves from backend to backend and back, every new connection finds one of them.

    A connection that is open at the very moment may be cut, because its backend is no longer one; then it is reset.
    """
    guest, (one, two), virtual = bed.guest(), bed.backends(2), bed.new_virtual()
    choices = [{"svc:one": _service(virtual, backend)} for backend in (one, two)]
    pod, mounted = _proxy(bed, new_proxy, [virtual], choices[0])
    _carries(guest, pod, virtual, one)
    count, found, cut = 0, set(), 0
    for turn in range(1, 6):
        mounted.write({"ingress-config.json": json.dumps(choices[turn % 2])})
        text = services.ingress_text(pod, choices[turn % 2])
        while pod.published().get(services.INGRESS_STATUS) != text:
            for address in virtual:
                with echo.Flow(guest.namespace, address, echo.PORT, timeout=3) as flow:
                    try:
                        found.add(flow.ask().name)
                    except ConnectionResetError:
                        cut += 1
                count += 1
            assert count < 20000, "the status never followed"
    figure(f"{count} connections during 5 changes, none refused, {cut} cut by a change")
    assert found == {"backend1", "backend2"}
    assert pod.stop() == 0
