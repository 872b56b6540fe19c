"""A page fetched through a SOCKS5 proxy (RFC 1928) without authentication."""

import contextlib
import http.client
import socket
import struct

from . import netns


def _exactly(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError("the SOCKS proxy has closed the connection")
        data += part
    return data


def _connect(namespace, proxy, address, port):
    """A connection to an IPv4 address by the proxy."""
    connection = netns.connect(namespace, *proxy, timeout=5.0)
    connection.sendall(b"\x05\x01\x00")
    if _exactly(connection, 2) != b"\x05\x00":
        raise ConnectionError("the SOCKS proxy wants another authentication")
    connection.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(address) + struct.pack("!H", port))
    answer = _exactly(connection, 10)
    if answer[1] != 0:
        raise ConnectionError(f"the SOCKS proxy answers {answer[1]}")
    return connection


def fetch(namespace, proxy, address, port, path="/"):
    """Status and body; proxy is (address, port) in the namespace."""
    connection = http.client.HTTPConnection(address, port, timeout=5.0)
    connection.sock = _connect(namespace, proxy, address, port)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
