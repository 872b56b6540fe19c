"""Fetching pages from inside a namespace, directly or through a pod's HTTP proxy."""

import contextlib
import http.client

from . import netns


def fetch(namespace, address, port, path="/", proxy=None, timeout=5.0):
    """Status and body; proxy is (address, port) of an HTTP proxy in the same namespace."""
    target = f"http://{address}:{port}{path}" if proxy else path
    via = proxy or (address, port)
    connection = http.client.HTTPConnection(*via, timeout=timeout)
    connection.sock = netns.connect(namespace, *via, timeout=timeout)
    with contextlib.closing(connection):
        connection.request("GET", target, headers={"Host": f"{address}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
