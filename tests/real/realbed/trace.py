"""The first packet of each connection, at every interface of a namespace that it passes."""

import socket
import struct
import threading
from dataclasses import dataclass

from . import netns, wait

_ETH_P_ALL = 0x0003
_TCP = 6
_SYN, _ACK = 0x02, 0x10


def end(address, port):
    """An address and a port as people write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass(frozen=True)
class Hop:
    """A packet on an interface."""

    interface: str
    leaves: bool
    source: str
    source_port: int
    target: str
    target_port: int

    def ends(self):
        return f"{end(self.source, self.source_port)} → {end(self.target, self.target_port)}"


def _parse(packet):
    """Addresses, and where the TCP header begins; None for what is not TCP."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 40 and packet[9] == _TCP:
        return socket.AF_INET, packet[12:16], packet[16:20], (packet[0] & 0x0F) * 4
    if version == 6 and len(packet) >= 60 and packet[6] == _TCP:
        return socket.AF_INET6, packet[8:24], packet[24:40], 40
    return None


def _hop(packet, interface, leaves):
    found = _parse(packet)
    if not found or len(packet) < found[3] + 14:
        return None
    family, source, target, at = found
    if packet[at + 13] & (_SYN | _ACK) != _SYN:
        return None
    source_port, target_port = struct.unpack_from("!HH", packet, at)
    return Hop(interface, leaves, socket.inet_ntop(family, source), source_port,
               socket.inet_ntop(family, target), target_port)


class Trace:
    """Watches a namespace; a context manager. A translation keeps the source port, which identifies connections."""

    def __init__(self, namespace):
        with netns.inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.settimeout(0.1)
        self._hops = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopped.is_set():
            try:
                packet, (interface, _, direction, *_) = self._socket.recvfrom(128)
            except socket.timeout:
                continue
            hop = _hop(packet, interface, direction == socket.PACKET_OUTGOING)
            if hop:
                self._hops.append(hop)

    def through(self, source_port):
        """The packet of a connection as it came in and as it went out."""

        def both():
            hops = [hop for hop in self._hops if hop.source_port == source_port]
            way_in = [hop for hop in hops if not hop.leaves]
            way_out = [hop for hop in hops if hop.leaves]
            return (way_in[-1], way_out[-1]) if way_in and way_out else None

        return wait.wait_for(both, 5, "the packet at both interfaces of the pod")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(5)
        self._socket.close()
