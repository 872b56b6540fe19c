"""What leaves an interface: packets to tailnet addresses that must not be seen there in clear."""

import ipaddress
import select
import socket
import struct
import threading

from . import netns

_ETH_P_ALL = 0x0003
# No node has it: daemons answer it themselves, and send a probe from it through a new device.
_DAEMON = ipaddress.ip_address("100.100.100.100")
_TAILNET = (ipaddress.ip_network("100.64.0.0/10"), ipaddress.ip_network("fd7a:115c:a1e0::/48"))


def _destination(frame):
    """Destination address of an Ethernet frame, None when it is not an IP packet."""
    kind, = struct.unpack_from("!H", frame, 12)
    if kind == 0x0800 and len(frame) >= 34:
        return ipaddress.ip_address(frame[30:34])
    if kind == 0x86DD and len(frame) >= 54:
        return ipaddress.ip_address(frame[38:54])
    return None


class Capture:
    """Watches all packets that a namespace sends on an interface; a context manager.

    leaked() are those to tailnet addresses, seen() counts all: a watch that saw nothing proves nothing.
    """

    def __init__(self, namespace, interface="eth0"):
        with netns.inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind((interface, _ETH_P_ALL))
        self._leaked = []
        self._seen = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopped.is_set():
            if not select.select([self._socket], [], [], 0.1)[0]:
                continue
            frame, (_, _, direction, *_) = self._socket.recvfrom(128)
            if direction != socket.PACKET_OUTGOING or len(frame) < 14:
                continue
            self._seen += 1
            destination = _destination(frame)
            if destination not in (None, _DAEMON) and any(destination in network for network in _TAILNET):
                self._leaked.append((str(destination), frame.hex()))

    def leaked(self):
        return list(self._leaked)

    def seen(self):
        return self._seen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(5)
        self._socket.close()
