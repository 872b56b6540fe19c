"""A small threaded HTTP/1.1 server with full control over the connection.

The standard library's server hides the socket; the fakes must be able to cut an answer in the
middle, let it drip, hang, or close without a word. A handler gets a Request and returns a Reply,
or None when it has already written to the connection itself, or raises Drop to close it.
"""

import contextlib
import json
import socket
import threading
import time
import urllib.parse

REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 301: "Moved Permanently", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 410: "Gone", 412: "Precondition Failed", 422: "Unprocessable Entity",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    501: "Not Implemented", 503: "Service Unavailable", 504: "Gateway Timeout",
}


#: chunks above this size are sent in parts
LARGE = 65536


class Drop(Exception):
    """Raised by a handler: close the connection without an answer."""


class Reply:
    """A whole answer. `headers` is a list of pairs, so that a name may repeat."""

    def __init__(self, status=200, body=b"", headers=(), content_type="application/json"):
        self.status = status
        self.body = body if isinstance(body, bytes) else body.encode()
        self.headers = list(headers)
        self.content_type = content_type

    @classmethod
    def of_json(cls, value, status=200, headers=()):
        """An answer whose body is `value` as JSON with a newline."""
        return cls(status, json.dumps(value).encode() + b"\n", headers)

    def encode(self, head_only=False):
        """The bytes of the answer on the wire."""
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}"]
        lines.append(f"Content-Type: {self.content_type}")
        lines.append(f"Content-Length: {len(self.body)}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return head if head_only else head + self.body


class Request:
    """One request; `when` is the monotonic time at which it was complete."""

    def __init__(self, method, target, headers, body, connection):
        parts = urllib.parse.urlsplit(target)
        self.method = method
        self.target = target
        self.path = parts.path
        self.query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
        self.headers = headers
        self.body = body
        self.connection = connection
        self.when = time.monotonic()

    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.method} {self.target}"


class Connection:
    """The server's end of one connection."""

    def __init__(self, sock):
        self.sock = sock
        #: what the requests are read from; it may hold more than the current one
        self.stream = None
        self.closed = threading.Event()

    def send(self, data):
        """Write all of `data`; raises OSError when the peer is gone."""
        self.sock.sendall(data)

    def start_chunked(self, status=200, content_type="application/json", headers=()):
        """Send the head of a chunked answer."""
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}",
            f"Content-Type: {content_type}", "Transfer-Encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def chunk(self, data):
        """Send one chunk; an empty one would end the answer and is left out."""
        if len(data) > LARGE:  # not copied: it may be tens of megabytes
            self.send(b"%x\r\n" % len(data))
            self.send(data)
            self.send(b"\r\n")
        elif data:
            self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    def end_chunked(self):
        """Send the closing chunk."""
        self.send(b"0\r\n\r\n")

    def peer_gone(self):
        """True when the peer has closed; looks without blocking."""
        if self.closed.is_set():
            return True
        try:
            self.sock.settimeout(0)
            return self.sock.recv(1) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except (OSError, ValueError) as e:
            return "read" not in str(e).lower()
        finally:
            with contextlib.suppress(OSError):
                self.sock.settimeout(None)

    def close(self):
        """Close at once, waking a thread that is blocked on the socket."""
        self.closed.set()
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self.sock.close()


def _read_head(stream):
    """Read request line and headers; None at the end of the stream."""
    line = stream.readline(65537)
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while True:
        line = stream.readline(65537)
        if not line:
            return None
        line = line.decode("latin-1").rstrip("\r\n")
        if not line:
            return method, target, headers
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()


def _read_body(stream, headers):
    """Read a body of known length or a chunked one."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return stream.read(int(headers.get("content-length", "0")))
    body = b""
    while True:
        size = int(stream.readline().split(b";")[0], 16)
        part = stream.read(size)
        stream.readline()
        if not size:
            return body
        body += part


class Server:
    """Accepts on any number of listening sockets; one thread a connection.

    `refuse` (settable) closes each new connection at once, before TLS.
    """

    def __init__(self, handler, tls=None):
        self.handler = handler
        self.tls = tls
        self.refuse = False
        self.failures = []
        self._listeners = []
        self._connections = set()
        self._stops = 0
        self._lock = threading.Lock()

    def listen(self, listener):
        """Take over a bound socket and start accepting."""
        listener.listen(128)
        with self._lock:
            self._listeners.append(listener)
            stops = self._stops
        threading.Thread(target=self._accept, args=(listener, stops), daemon=True).start()

    def stop_listening(self):
        """Close the listening sockets; open connections stay."""
        with self._lock:
            listeners, self._listeners = self._listeners, []
            self._stops += 1
        for listener in listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def drop_all(self):
        """Cut every open connection."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.close()

    def close(self):
        """Stop everything."""
        self.stop_listening()
        self.drop_all()

    def connection_count(self):
        """Number of connections open now."""
        with self._lock:
            return len(self._connections)

    def _accept(self, listener, stops):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if self.refuse:
                sock.close()
                continue
            threading.Thread(target=self._serve, args=(sock, stops), daemon=True).start()

    def _serve(self, sock, stops):
        if sock.family != socket.AF_UNIX:  # as the true API server's, which answers at once
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock)
        with self._lock:
            # accepted before the stop, but not seen by drop_all yet
            is_late = stops != self._stops
            self._connections.add(connection)
        if is_late:
            connection.close()
        try:
            if self.tls:
                connection.sock = self.tls.wrap_socket(sock, server_side=True)
            self._serve_requests(connection)
        except (OSError, Drop, ValueError):
            pass
        except Exception as e:  # a failed check of a fake must fail the test, not vanish
            self.failures.append(e)
        finally:
            connection.close()
            with self._lock:
                self._connections.discard(connection)

    def _serve_requests(self, connection):
        with connection.sock.makefile("rb") as stream:
            connection.stream = stream
            while not connection.closed.is_set():
                head = _read_head(stream)
                if head is None:
                    return
                method, target, headers = head
                if headers.get("expect", "").lower() == "100-continue":
                    connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = _read_body(stream, headers)
                reply = self.handler(Request(method, target, headers, body, connection))
                if reply is not None:
                    connection.send(reply.encode(head_only=method == "HEAD"))
                if headers.get("connection", "").lower() == "close":
                    return
