"""Serving and fetching pages inside a namespace, directly or through a pod's HTTP proxy."""

import contextlib
import http.client

from pathlib import Path

from . import netns, wait
from .process import Process

_SERVER = Path(__file__).resolve().parent / "web_server.py"


def serve(namespace, address, port, folder, page=""):
    """Starts a web server whose front page is `page`; returns when it accepts connections."""
    pages = folder / f"pages{port}"
    pages.mkdir(parents=True)
    (pages / "index.html").write_text(page)
    process = Process(f"web{port}", ["/usr/bin/python3", _SERVER, address, port, pages], folder, namespace=namespace)
    wait.wait_for(lambda: netns.connect(namespace, address, port).close() or True, 20, f"{address}:{port} is served")
    return process


def fetch(namespace, address, port, path="/", proxy=None, timeout=5.0, host=None):
    """Status and body; proxy is (address, port) of an HTTP proxy in the same namespace; host is the requested name."""
    target = f"http://{address}:{port}{path}" if proxy else path
    via = proxy or (address, port)
    connection = http.client.HTTPConnection(*via, timeout=timeout)
    connection.sock = netns.connect(namespace, *via, timeout=timeout)
    with contextlib.closing(connection):
        connection.request("GET", target, headers={"Host": host or f"{address}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
