"""Lets clients of the machine reach the API server: python3 gate.py NAMESPACE ADDRESS PORT PORT-FILE.

The API server lives in a namespace without uplink. This listens on a port of the machine's own loopback, which it
writes to the file, and passes connections on.
"""

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "real"))

from realbed import netns  # noqa: E402  (its folder has just been made known)


def _copy(source, target):
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _serve(client, namespace, address, port):
    with client, contextlib.suppress(OSError):
        with netns.connect(namespace, address, port) as server:
            server.settimeout(None)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def _main(namespace, address, port, file):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Path(f"{file}.new").write_text(str(listener.getsockname()[1]))
        os.rename(f"{file}.new", file)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, namespace, address, int(port)), daemon=True).start()


if __name__ == "__main__":
    _main(*sys.argv[1:])
