"""One web application, exposed to the tailnet in three ways one after the other, and a switch that nobody notices."""

import threading
import time

import pytest

from nodebed import charts, objects
from realbed import settings, wait
from realbed.web import fetch

PORT, PAGE, NAME = 8080, "the shop", f"shop.{settings.TAILNET_DOMAIN}"


class _Visitor:
    """Asks for the page by its name in the tailnet again and again, as soon as it has it."""

    def __init__(self, peer):
        self._peer = peer
        self.pages, self.failures = 0, []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                address = self._peer.client.resolve(NAME)[0]
                answer = fetch(self._peer.namespace, address, PORT, timeout=2.0)
                if answer != (200, PAGE):
                    raise ValueError(answer)
                self.pages += 1
            except (OSError, LookupError, ValueError) as error:
                self.failures.append((time.monotonic() - began, repr(error)))
            self._stopped.wait(0.05)

    def wait_more(self, count):
        target = self.pages + count
        wait.wait_for(lambda: self.pages >= target, 20, f"{count} more pages")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(10)


@pytest.fixture
def record(node):
    """Sets the addresses of the application's name, which outlives any node."""
    yield lambda *addresses: node.headscale.set_record(NAME, *addresses)
    node.headscale.set_record(NAME)


def _page_at(node, pod):
    name = pod.published()["device_fqdn"].rstrip(".")
    address = wait.wait_for(lambda: node.peer.client.resolve(name), 15, f"{name} in the tailnet")[0]
    answer = wait.wait_for(lambda: fetch(node.peer.namespace, address, PORT), 15, f"the page at {name}")
    assert answer == (200, PAGE)
    return address


def _known_as(node, *addresses):
    wait.wait_for(lambda: sorted(node.peer.client.resolve(NAME)) == sorted(addresses), 30, f"{NAME} is {addresses}")


def _reference_style(space):
    """A second container with the key in its environment, as the reference's documents have it."""
    space.node_state("shop-a")
    key = [{"name": "TS_AUTHKEY", "valueFrom": {"secretKeyRef": {"name": "shop-a", "key": "authkey"}}}]
    sidecar = objects.proxy({"TS_KUBE_SECRET": "shop-a", "TS_HOSTNAME": "shop-a"}, kernel=False)
    sidecar["env"] += key
    space.apply(objects.workload("Deployment", "shop-a", objects.pod_spec(
        [objects.web(PAGE, PORT), sidecar], account_name="shop-a")))


def _charts_sidecar(space):
    _, key = space.bed.headscale.new_key()
    space.apply(objects.secret("key", {"authkey": key}))
    space.bed.apply(charts.sidecar("shop-b", "Deployment", objects.web(PAGE, PORT), "key"), space.name)


def _separate_proxy(space):
    """The application alone behind its Service, and a node in front of that."""
    space.apply(objects.workload("Deployment", "shop", objects.pod_spec([objects.web(PAGE, PORT)])),
                objects.service("shop", {PORT: PORT}))
    space.node_state("shop-c")
    proxy = objects.proxy({"TS_DEST_IP": space.host("shop"), "TS_KUBE_SECRET": "shop-c", "TS_HOSTNAME": "shop-c"})
    space.apply(objects.workload("Deployment", "shop-c", objects.pod_spec([proxy], account_name="shop-c")))
    space.kubectl("rollout", "status", "deployment/shop", "--timeout=60s")


def test_three_ways_and_a_switch(node, space, record, figure):
    addresses = {}
    for name, secret, expose in (("shop-a", "shop-a", _reference_style), ("shop-b", "shop-b-state", _charts_sidecar),
                                 ("shop-c", "shop-c", _separate_proxy)):
        expose(space)
        space.kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s", deadline=70)
        addresses[name] = _page_at(node, space.pods(name, secret=secret)[0])
    record(addresses["shop-a"])
    _known_as(node, addresses["shop-a"])
    with _Visitor(node.peer) as visitor:
        visitor.wait_more(5)
        record(addresses["shop-c"])
        _known_as(node, addresses["shop-c"])
        visitor.wait_more(5)
        space.kubectl("delete", "deployment", "shop-a", "shop-b", "--wait=true", deadline=60)
        visitor.wait_more(5)
    figure(f"{visitor.pages} pages by name during the switch, {len(visitor.failures)} failed")
    assert not visitor.failures, visitor.failures[:5]
