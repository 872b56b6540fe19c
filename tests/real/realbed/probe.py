"""Continuous probes through the tailnet, and the longest silence in them."""

import itertools
import os
import select
import socket
import struct
import threading
import time

from . import netns, wait

_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_identifiers = itertools.count(os.getpid())


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Probe:
    """ICMP echo from a namespace to an address, one request every 10 ms, until close().

    Silence is measured between the arrivals of answers, so requests that a daemon holds back and
    forwards later do not make an interruption look shorter than it was.
    """

    def __init__(self, namespace, address, interval=0.01):
        self._address = address
        self._interval = interval
        self._identifier = next(_identifiers) & 0xFFFF
        self._arrivals = []
        self._stopped = threading.Event()
        with netns.inside(namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setblocking(False)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        try:
            wait.wait_for(lambda: len(self._arrivals) >= 20, 20, f"answers to probes of {address}")
        except wait.Timeout:
            self.close()
            raise

    def _request(self, sequence):
        body = struct.pack("!HH", self._identifier, sequence & 0xFFFF)
        return struct.pack("!BBH", _ECHO_REQUEST, 0, _checksum(struct.pack("!BBH", _ECHO_REQUEST, 0, 0) + body)) + body

    def _receive(self):
        while True:
            try:
                packet, source = self._socket.recvfrom(2048)
            except BlockingIOError:
                return
            header = (packet[0] & 0x0F) * 4
            kind, identifier = packet[header], struct.unpack_from("!H", packet, header + 4)[0]
            if kind == _ECHO_REPLY and identifier == self._identifier and source[0] == self._address:
                self._arrivals.append(time.monotonic())

    def _run(self):
        sequence, due = 0, time.monotonic()
        while not self._stopped.is_set():
            now = time.monotonic()
            if now >= due:
                try:
                    self._socket.sendto(self._request(sequence), (self._address, 0))
                except OSError:
                    pass  # No route or a full queue is a lost probe, which is what is measured.
                sequence += 1
                due = max(due + self._interval, now)
            select.select([self._socket], [], [], max(0.0, due - time.monotonic()))
            self._receive()

    def wait_alive(self, since, deadline, steady=0.5):
        """Waits until answers come again after a moment, for some seconds without a break."""

        def flows():
            behind = [moment for moment in self._arrivals if moment > since]
            run, previous = None, None
            for moment in behind:
                if previous is None or moment - previous > 0.1:
                    run = moment
                previous = moment
            return previous is not None and previous - run >= steady and time.monotonic() - previous < 0.1

        wait.wait_for(flows, deadline, f"traffic to {self._address} flows again")

    def wait_answers(self, count, deadline):
        """Waits until so many more have come."""
        goal = len(self._arrivals) + count
        wait.wait_for(lambda: len(self._arrivals) >= goal, deadline, f"{count} answers of {self._address}")

    def worst(self, since=0.0):
        """The longest silence between two neighbouring answers since a moment: seconds, and when it ended; counts
        until now."""
        moments = [moment for moment in self._arrivals if moment >= since - 0.1] + [time.monotonic()]
        return max(((later - earlier, later) for earlier, later in zip(moments, moments[1:])),
                   default=(float("inf"), float("inf")))

    def longest_silence(self, since=0.0):
        """Seconds."""
        return self.worst(since)[0]

    def close(self):
        self._stopped.set()
        self._thread.join(5)
        self._socket.close()


class TwoWayProbe:
    """Probes from a peer to a pod and back, as traffic is that both sides send; a context manager.

    One-way requests would measure the daemons' own patience: when only one end has something to send,
    a tunnel that the other end has just reset stays silent for five to fifteen seconds.
    """

    def __init__(self, peer, pod):
        self._probes = [Probe(peer.namespace, pod.client.address())]
        try:
            self._probes.append(Probe(pod.namespace, peer.address))
        except BaseException:
            self.close()
            raise

    def wait_alive(self, since, deadline, steady=3.0):
        """Waits until both directions flow without a break; long enough to see a second interruption."""
        for probe in self._probes:
            probe.wait_alive(since, deadline, steady)

    def worst(self, since=0.0):
        """Of the worse direction."""
        return max(probe.worst(since) for probe in self._probes)

    def longest_silence(self, since=0.0):
        """Seconds, the worse direction's."""
        return self.worst(since)[0]

    def close(self):
        for probe in self._probes:
            probe.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
