"""Echo servers that report the address of their client: python3 echo_server.py NAME ADDRESS,... FIRST-LAST,...

Every address listens on every port, TCP and UDP. A datagram is answered with one JSON object: who answered, the
source it saw, the address it was reached at, and the datagram's text. On a connection each line is a request:

    who        the same object, as a line
    take N     N bytes follow; answered with a line that holds their SHA-256
    give N     answered with N bytes of content()
"""

import hashlib
import json
import os
import random
import resource
import selectors
import signal
import socket
import sys
import threading

_CHUNK = 65536


def content(size):
    """Bytes that both ends know."""
    return random.Random(size).randbytes(size)


def _report(name, seen, reached, text=""):
    return json.dumps({"name": name, "seen": seen[:2], "reached": reached[:2], "text": text}).encode()


def _take(stream, size):
    digest = hashlib.sha256()
    while size:
        part = stream.read(min(size, _CHUNK))
        if not part:
            return None
        digest.update(part)
        size -= len(part)
    return digest.hexdigest().encode() + b"\n"


def _serve_connection(name, connection, peer):
    own = connection.getsockname()
    with connection, connection.makefile("rb") as stream:
        try:
            for line in stream:
                verb, _, size = line.decode().strip().partition(" ")
                if verb == "take":
                    answer = _take(stream, int(size))
                elif verb == "give":
                    answer = content(int(size))
                else:
                    answer = _report(name, peer, own) + b"\n"
                if answer is None:
                    return
                connection.sendall(answer)
        except OSError:
            pass  # The other end is gone; no answer is awaited.


def _accept(name, listener):
    try:
        connection, peer = listener.accept()
    except OSError:
        return
    connection.setblocking(True)
    threading.Thread(target=_serve_connection, args=(name, connection, peer), daemon=True).start()


def _answer_datagram(name, receiver):
    try:
        text, peer = receiver.recvfrom(_CHUNK)
        receiver.sendto(_report(name, peer, receiver.getsockname(), text.decode(errors="replace")), peer)
    except OSError:
        pass


def _listen(address, port, kind):
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setblocking(False)
    made.bind((address, port))
    if kind == socket.SOCK_STREAM:
        made.listen(128)
    return made


def _ports(text):
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _main(name, addresses, ports):
    # As PID 1 of a container it would not be ended by default.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ready = selectors.DefaultSelector()
    for address in addresses.split(","):
        for port in _ports(ports):
            ready.register(_listen(address, port, socket.SOCK_STREAM), selectors.EVENT_READ, _accept)
            ready.register(_listen(address, port, socket.SOCK_DGRAM), selectors.EVENT_READ, _answer_datagram)
    print("ready", flush=True)
    while True:
        for key, _ in ready.select():
            key.data(name, key.fileobj)


if __name__ == "__main__":
    _main(*sys.argv[1:])
