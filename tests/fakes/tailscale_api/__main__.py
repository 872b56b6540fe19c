"""The fake as a process of its own, programmed by calls below `/_fake/` (see `remote.py`).

Writes one JSON line with its URL when it listens, and ends with its standard input or by a signal.
"""

import argparse
import json
import pathlib
import socket
import ssl
import sys
import threading

from .api import FakeTailscaleApi
from .routes import DIALECTS


def _arguments():
    parser = argparse.ArgumentParser(prog="python3 -m fakes.tailscale_api", description=__doc__.splitlines()[0])
    parser.add_argument("--dialect", choices=tuple(DIALECTS), default="tailscale")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--certificate", help="PEM file; with --key, TLS instead of plain HTTP")
    parser.add_argument("--key", help="PEM file")
    parser.add_argument("--log", help="file that gets a JSON line for each call")
    parser.add_argument("--client", metavar="ID:SECRET", help="an OAuth client that may do everything")
    parser.add_argument("--token", help="an API token")
    parser.add_argument("--stay", action="store_true", help="do not end with the standard input")
    return parser.parse_args()


def _context(arguments):
    if not arguments.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.certificate, arguments.key)
    return context


def main():
    """Serves until its input ends."""
    arguments = _arguments()
    family = socket.AF_INET6 if ":" in arguments.address else socket.AF_INET
    listener = socket.create_server((arguments.address, arguments.port), family=family)
    log = pathlib.Path(arguments.log) if arguments.log else None
    api = FakeTailscaleApi(dialect=arguments.dialect, tls=_context(arguments), listener=listener, log_path=log,
                           is_remote=True)
    if arguments.client:
        name, _, secret = arguments.client.partition(":")
        api.access.add_client(name, secret, scopes=("all",))
    if arguments.token:
        api.access.add_token(arguments.token)
    print(json.dumps({"url": api.url}), flush=True)
    if arguments.stay:
        threading.Event().wait()
    sys.stdin.read()
    api.close()


if __name__ == "__main__":
    main()
