"""A name server for one zone file: python3 name_server.py ADDRESS FILE.

The file is JSON, {"name": {"ttl": seconds, "addresses": ["..."]}}, and is read anew for each question. A name
that it does not have does not exist. One that has addresses of the other family only has no data.
"""

import json
import socket
import struct
import sys

_A, _AAAA, _IN = 1, 28, 1
_RESPONSE, _AUTHORITY, _RECURSION = 0x8000, 0x0400, 0x0080
_NO_SUCH_NAME = 3


def _question(packet):
    """The name in lower case, the type, and the offset behind the first question."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode("ascii").lower())
        at += 1 + packet[at]
    kind, _ = struct.unpack_from("!HH", packet, at + 1)
    return ".".join(labels), kind, at + 5


def _records(entry, kind):
    for address in entry["addresses"]:
        if kind == (_AAAA if ":" in address else _A):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            data = socket.inet_pton(family, address)
            yield struct.pack("!HHHIH", 0xC00C, kind, _IN, entry["ttl"], len(data)) + data


def answer(packet, zone):
    """The response to one query."""
    name, kind, end = _question(packet)
    entry = zone.get(name)
    records = list(_records(entry, kind)) if entry else []
    identifier, flags = struct.unpack_from("!HH", packet)
    flags = _RESPONSE | _AUTHORITY | _RECURSION | (flags & 0x0100) | (0 if entry else _NO_SUCH_NAME)
    return struct.pack("!6H", identifier, flags, 1, len(records), 0, 0) + packet[12:end] + b"".join(records)


def _main(address, path):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        print("ready", flush=True)
        while True:
            packet, client = server.recvfrom(4096)
            try:
                with open(path, encoding="utf-8") as file:
                    server.sendto(answer(packet, json.load(file)), client)
            except (IndexError, struct.error, UnicodeDecodeError) as error:
                print(f"no question: {error!r}", flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
