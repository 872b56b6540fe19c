"""A continuous probe through the tailnet, and the longest silence in it."""

import os
import select
import socket
import struct
import threading
import time

from . import netns, wait

_ECHO_REQUEST, _ECHO_REPLY = 8, 0


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
        self._identifier = os.getpid() & 0xFFFF
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

    def alive(self):
        """True when an answer came within the last 50 ms."""
        return bool(self._arrivals) and time.monotonic() - self._arrivals[-1] < 0.05

    def wait_alive(self, since, deadline):
        """Waits until answers come again after a moment, for half a second without a break."""

        def steady():
            behind = [moment for moment in self._arrivals if moment > since]
            run, previous = None, None
            for moment in behind:
                if previous is None or moment - previous > 0.1:
                    run = moment
                previous = moment
            return previous is not None and previous - run >= 0.5 and time.monotonic() - previous < 0.1

        wait.wait_for(steady, deadline, "traffic flows again")

    def longest_silence(self, since=0.0):
        """Seconds between two neighbouring answers, the longest since a moment; counts until now."""
        moments = [moment for moment in self._arrivals if moment >= since - 0.1] + [time.monotonic()]
        return max((later - earlier for earlier, later in zip(moments, moments[1:])), default=float("inf"))

    def close(self):
        self._stopped.set()
        self._thread.join(5)
        self._socket.close()
