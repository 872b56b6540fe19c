"""An edit of a ConfigMap or a Secret reaches the packets; the time is that from kubelet's swap of ..data."""

import json
import os
import threading
import time

from nodebed import objects
from realbed import config, echo, settings, wait
from realbed.services import service

FIRST, SECOND = echo.PORT, echo.FIRST_PORT
REACHED_WITHIN = 1.0


class _Swap:
    """Notes when kubelet renames ..data of a volume; a context manager."""

    def __init__(self, volume):
        self._data = volume / "..data"
        self._before = os.readlink(self._data)
        self.at = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        end = time.monotonic() + 60
        while not self.at and time.monotonic() < end:
            if os.readlink(self._data) != self._before:
                self.at = time.monotonic()
            time.sleep(0.005)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join(60)


def _proxies(peer, port):
    wanted = service(("TCP", 1001, port), fqdn=f"{peer.name}.{settings.TAILNET_DOMAIN}")
    return objects.config_map("proxies", {"egress-services": json.dumps({"echo": wanted})})


def test_config_map(node, space, figure):
    """A Service's port leads to another port of the peer."""
    peer = node.peer
    peer.echo()
    space.node_state("edited")
    container = objects.proxy({"TS_EGRESS_PROXIES_CONFIG_PATH": "/etc/proxies"},
                              mounts=[{"name": "proxies", "mountPath": "/etc/proxies", "readOnly": True}])
    spec = objects.pod_spec([container], account_name="edited",
                            volumes=[{"name": "proxies", "configMap": {"name": "proxies"}}])
    space.apply(_proxies(peer, FIRST), objects.pod("edited", spec), objects.service("edited", {FIRST: 1001}))
    pod = space.pod("edited").wait_ready()
    client, address = space.client(), space.host("edited")
    echo.wait_answer(client.namespace, address, FIRST, accept=lambda answer: answer.port == FIRST)
    with _Swap(pod.volume("proxies")) as swap:
        space.apply(_proxies(peer, SECOND))
        echo.wait_answer(client.namespace, address, FIRST, deadline=40, accept=lambda answer: answer.port == SECOND)
        reached = time.monotonic()
    figure(f"{reached - swap.at:.2f} s from the swap of ..data to the first answer of the new target")
    assert reached - swap.at <= REACHED_WITHIN
    assert pod.restarts() == 0


def _config(key, **fields):
    text = {"version": "alpha0", "serverURL": settings.CONTROL_URL, "authKey": key, "hostname": "configured",
            "acceptDNS": False, "locked": False, **fields}
    return objects.secret("config", {f"cap-{config.CAPABILITY_VERSION}.hujson": json.dumps(text)})


def test_secret(node, space, figure):
    """The config file shields the node, so that the peer's connections are refused, and opens it again."""
    _, key = node.headscale.new_key()
    space.apply(*objects.state("configured", None), _config(key))
    container = objects.proxy({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": "/etc/tsconfig", "TS_EXTRA_ARGS": None,
                               "TS_AUTH_ONCE": None, "TS_HOSTNAME": None},
                              mounts=[{"name": "config", "mountPath": "/etc/tsconfig", "readOnly": True}])
    spec = objects.pod_spec([container, objects.echo("inside")], account_name="configured",
                            volumes=[{"name": "config", "secret": {"secretName": "config"}}])
    space.apply(objects.pod("configured", spec))
    pod = space.pod("configured").wait_ready()
    target = (node.peer.namespace, pod.client.address())
    echo.wait_answer(*target)
    with _Swap(pod.volume("config")) as swap:
        space.apply(_config(key, shieldsUp=True))
        wait.wait_for(lambda: echo.refused(*target), 40, "the node is shielded")
        reached = time.monotonic()
    figure(f"{reached - swap.at:.2f} s from the swap of ..data to the first refused connection")
    assert reached - swap.at <= REACHED_WITHIN
    space.apply(_config(key, shieldsUp=False))
    echo.wait_answer(*target, deadline=40)
    assert pod.restarts() == 0
