"""Echo servers in a namespace, and the questions that clients in other namespaces ask them.

An answer says what the server saw, so a story can compare the packet's addresses at both ends.
"""

import contextlib
import hashlib
import json
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from . import netns, wait
from .echo_server import content
from .process import Process

_SERVER = Path(__file__).resolve().parent / "echo_server.py"

# One port for most stories, and as many as a thousand port maps need for each protocol.
PORT = 7000
FIRST_PORT, PORTS = 20000, 500


class Echo:
    """The servers of one namespace, TCP and UDP on each of the addresses."""

    def __init__(self, namespace, name, folder, addresses, ports=f"{PORT},{FIRST_PORT}-{FIRST_PORT + PORTS - 1}"):
        self.addresses = list(addresses)
        self._process = Process(f"echo-{name}-{addresses[0]}",
                                ["/usr/bin/python3", _SERVER, name, ",".join(addresses), ports],
                                folder, namespace=namespace)
        self._process.wait_log("ready", 20)

    def close(self):
        self._process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@dataclass(frozen=True)
class Answer:
    """What a server said: its name, the source address it saw, the address and port it was reached at."""

    name: str
    source: str
    source_port: int
    address: str
    port: int

    @staticmethod
    def of(text):
        found = json.loads(text)
        return Answer(found["name"], *found["seen"], *found["reached"])


class Flow:
    """A connection, or a UDP socket with one local port, that is asked several times."""

    def __init__(self, namespace, address, port, protocol="tcp", timeout=2.0):
        self.protocol = protocol
        if protocol == "tcp":
            self._socket = netns.connect(namespace, address, port, timeout)
            self._stream = self._socket.makefile("rb")
            return
        with netns.inside(namespace):
            self._socket = socket.socket(netns.family_of(address), socket.SOCK_DGRAM)
        self._socket.settimeout(timeout)
        self._socket.connect((address, port))

    def ask(self):
        """One question; OSError when there is no answer in time, or the connection is gone."""
        if self.protocol == "udp":
            self._socket.send(b"who")
            return Answer.of(self._socket.recv(65536))
        self._socket.sendall(b"who\n")
        return Answer.of(self._line())

    def _line(self):
        line = self._stream.readline()
        if not line:
            raise ConnectionResetError("the connection was closed")
        return line

    def local(self):
        """Address and port of this end."""
        return self._socket.getsockname()[:2]

    def send(self, size):
        """Sends content(); true when the other end got exactly that."""
        data = content(size)
        self._socket.sendall(f"take {size}\n".encode() + data)
        return self._line().decode().strip() == hashlib.sha256(data).hexdigest()

    def receive(self, size):
        """Asks for content(); true when exactly that came."""
        self._socket.sendall(f"give {size}\n".encode())
        return self._stream.read(size) == content(size)

    @contextlib.contextmanager
    def receiving(self, size):
        """Requests content and reads it in the background of the block; yields a function that returns its size."""
        counts = [0]

        def take():
            with contextlib.suppress(OSError, ValueError):
                while part := self._stream.read1(65536):
                    counts[0] += len(part)

        self._socket.sendall(f"give {size}\n".encode())
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield lambda: counts[0]
        finally:
            self._socket.shutdown(socket.SHUT_RDWR)
            thread.join(5)

    def close(self):
        if self.protocol == "tcp":
            self._stream.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def who(namespace, address, port=PORT, protocol="tcp", timeout=1.0):
    """Asks once over a new connection or socket."""
    with Flow(namespace, address, port, protocol, timeout) as flow:
        return flow.ask()


def wait_answer(namespace, address, port=PORT, protocol="tcp", deadline=10, accept=lambda answer: True):
    """Asks until an answer comes that is accepted; returns it."""

    def asked():
        answer = who(namespace, address, port, protocol, timeout=0.5)
        if not accept(answer):
            raise ValueError(answer)
        return answer

    return wait.wait_for(asked, deadline, f"an answer from {address}:{port}/{protocol}")


def refused(namespace, address, port=PORT, protocol="tcp"):
    """Whether there is no answer any more."""
    try:
        who(namespace, address, port, protocol, timeout=0.3)
    except OSError:
        return True
    return False


class _Pending:
    """One of many questions that are asked side by side."""

    def __init__(self, question):
        self.question = question
        self.received = b""
        self.open()

    def open(self):
        """A socket of its own, with a new port."""
        protocol, address, port = self.question
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        self.socket = socket.socket(netns.family_of(address), kind)
        self.socket.setblocking(False)
        self.socket.connect_ex((address, port))
        self.asked = 0.0

    def again(self, now):
        """Whether a datagram was not answered for too long."""
        return self.question[0] == "udp" and self.asked and now - self.asked > 0.5

    def ask(self, now):
        self.socket.send(b"who\n" if self.question[0] == "tcp" else b"who")
        self.asked = now

    def read(self):
        """The answer once it is complete."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionResetError(f"closed: {self.question}")
        self.received += part
        complete = self.question[0] == "udp" or self.received.endswith(b"\n")
        return Answer.of(self.received) if complete else None


def who_many(namespace, questions, deadline=15, at_once=200):
    """Asks each (protocol, address, port) over a socket of its own, many at a time; answers by question.

    A datagram is repeated from another port: the daemon loses one over IPv6 whose checksum is 0, and the same datagram
    has the same checksum each time.
    """
    answers, waiting, end = {}, list(reversed(questions)), time.monotonic() + deadline
    pending, ready = {}, selectors.DefaultSelector()
    with netns.inside(namespace):
        while waiting or pending:
            while waiting and len(pending) < at_once:
                one = _Pending(waiting.pop())
                pending[one.question] = one
                ready.register(one.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, one)
            now = time.monotonic()
            if now > end:
                raise wait.Timeout(f"{len(pending) + len(waiting)} of {len(questions)} questions without an answer "
                                   f"after {deadline} s, such as {next(iter(pending))}")
            for one in pending.values():
                if one.again(now):
                    ready.unregister(one.socket)
                    one.socket.close()
                    one.open()
                    ready.register(one.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, one)
            for key, events in ready.select(0.1):
                answer = _advance(ready, key.data, events)
                if answer:
                    answers[key.data.question] = answer
                    ready.unregister(key.data.socket)
                    key.data.socket.close()
                    del pending[key.data.question]
    return answers


def _advance(ready, one, events):
    """Moves one question on; its answer when it is there."""
    if events & selectors.EVENT_WRITE:
        one.ask(time.monotonic())
        ready.modify(one.socket, selectors.EVENT_READ, one)
    return one.read() if events & selectors.EVENT_READ else None
