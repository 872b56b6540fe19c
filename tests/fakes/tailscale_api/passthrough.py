"""Hands a connection over to the control server: the API and the control server of a tailnet have one address."""

import contextlib
import select
import ssl

from ..httpserver import Drop

_SIZE = 65536


class Passthrough:
    """`dial()` returns a connected socket of the control server, ready to speak HTTP (TLS is done)."""

    def __init__(self, dial):
        self._dial = dial

    def __call__(self, request):
        """Sends the request there and then all bytes both ways until one end closes; never returns an answer."""
        upstream = self._dial()
        with contextlib.closing(upstream):
            upstream.sendall(_encode(request) + _buffered(request.connection))
            _pump(request.connection.sock, upstream)
        raise Drop


def _encode(request):
    """The request as it came, but for the order and the case of its headers."""
    headers = {name: value for name, value in request.headers.items() if name != "transfer-encoding"}
    if request.body:
        headers["content-length"] = str(len(request.body))
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + request.body


def _buffered(connection):
    """What the server has read of the connection and not used yet."""
    connection.sock.setblocking(False)
    try:
        return connection.stream.peek() or b""
    except (ssl.SSLWantReadError, BlockingIOError):
        return b""
    finally:
        connection.sock.setblocking(True)


def _read(sock):
    """What is there to read: None nothing yet, empty at the end."""
    sock.setblocking(False)
    try:
        return sock.recv(_SIZE)
    except (ssl.SSLWantReadError, BlockingIOError):
        return None
    finally:
        sock.setblocking(True)


def _pump(one, other):
    """Both ways in one thread: a TLS connection must not be read and written at the same time."""
    ends = {one.fileno(): (one, other), other.fileno(): (other, one)}
    poll = select.poll()
    for number in ends:
        poll.register(number, select.POLLIN)
    while True:
        ready = [n for n, (end, _) in ends.items() if isinstance(end, ssl.SSLSocket) and end.pending()]
        for number in ready or [number for number, _ in poll.poll()]:
            source, sink = ends[number]
            data = _read(source)
            if data:
                sink.sendall(data)
            elif data is not None:
                return
