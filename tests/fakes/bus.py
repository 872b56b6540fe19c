"""The notification bus of the fake daemon: every watcher is one chunked answer without end.

What a message becomes on its way to a watcher is the business of `generation.py`. `publish` also
takes bytes, so that messages with tens of thousands of peers can be prepared before they are sent.
"""

import collections
import json
import secrets
import threading

from .generation import BIT_SUSPEND, Repeating
from .httpserver import Reply
from .notify import fell_behind
from .waiting import wait_until

_END = object()
_CUT = object()


def encode(message):
    """One message on the wire: JSON and a newline."""
    if isinstance(message, bytes):
        return message
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Watcher:
    """One open subscription."""

    def __init__(self, mask, connection):
        self.mask = mask
        self.connection = connection
        self.sent = 0
        self.session = secrets.token_hex(16)
        self.is_suspended = False
        self._queue = collections.deque()
        self._ready = threading.Condition()

    def push(self, item):
        """Queue bytes or an end mark; never blocks."""
        with self._ready:
            self._queue.append(item)
            self._ready.notify()

    def replace(self, item):
        """Drop what is queued, and queue this instead."""
        with self._ready:
            self._queue.clear()
            self._queue.append(item)
            self._ready.notify()

    def run(self):
        """Write what is queued until the end or until the peer is gone."""
        while True:
            with self._ready:
                while not self._queue:
                    if self.connection.peer_gone():
                        return
                    self._ready.wait(0.1)
                item = self._queue.popleft()
            if item is _END:
                self.connection.end_chunked()
                return
            if item is _CUT:
                return
            self.connection.chunk(item)
            self.sent += 1


class Bus:
    """All watchers, the messages of the daemon, and what to do with new watchers."""

    def __init__(self, generation=None):
        self.generation = generation or Repeating()
        self.watchers = []
        self.masks = []
        #: sessions that were resumed
        self.resumed = []
        #: a callable(mask) that returns the first messages of a new watcher, instead of that
        self.first_messages = None
        #: a list of statuses with which the next subscriptions are refused
        self.refusals = []
        self._lock = threading.Lock()

    def serve(self, request):
        """Handler of the subscription; returns only at its end."""
        mask = int(request.query.get("mask", ["0"])[0])
        with self._lock:
            self.masks.append(mask)
            if self.refusals:
                return Reply(self.refusals.pop(0), b'{"Error":"refused by the test"}\n')
            refusal = self.generation.refusal(mask)
            if refusal:
                return Reply(400, refusal + "\n", content_type="text/plain; charset=utf-8")
            watcher = Watcher(mask, request.connection)
            for message in self._first(watcher):
                watcher.push(encode(message))
            self.watchers.append(watcher)
        try:
            request.connection.start_chunked(
                headers=[("Tailscale-Cap", self.generation.capability)])
            watcher.run()
        finally:
            with self._lock:
                self.watchers.remove(watcher)
            request.connection.close()
        return None

    def _first(self, watcher):
        if self.first_messages:
            return self.first_messages(watcher.mask)
        first = self.generation.first(watcher.mask, watcher.session)
        return [] if first is None else [first]

    def resume(self, request):
        """Handler of resume-ipn-bus."""
        session = request.query.get("session", [""])[0]
        with self._lock:
            for watcher in self.watchers:
                if watcher.session == session:
                    watcher.is_suspended = False
                    watcher.replace(encode(self._first(watcher)[0]))
                    self.resumed.append(session)
                    return Reply(204)
        return Reply(404, f'no IPN bus watch session "{session}"\n', content_type="text/plain")

    def publish(self, message, remember=True):
        """Send to every watcher; `remember` makes it the first message of later watchers."""
        with self._lock:
            change = self.generation.learn(message, remember)
            self._send({}, change)

    def set_unheard(self, message):
        """Replaces the messages of the daemon without notifying a watcher."""
        with self._lock:
            self.generation.learn(message, True)

    def _send(self, encoded, change):
        for watcher in self.watchers:
            if watcher.is_suspended:
                continue
            mask = watcher.mask
            if mask not in encoded:
                encoded[mask] = encode(self.generation.for_mask(change, mask))
            watcher.push(encoded[mask])

    def publish_raw(self, data):
        """Send bytes that need not be a message (garbage, or a part of one)."""
        self._all(data)

    def stall(self, message):
        """Begin a message and never go on with it."""
        data = encode(message)
        self._all(data[:max(1, len(data) // 2)])

    def fall_behind(self):
        """Every watcher has read too slowly: its answer ends, or it is suspended if it asked. It has had its first message
        by then, which names its session."""
        wait_until(lambda: all(watcher.sent for watcher in list(self.watchers)), 5, "first messages")
        with self._lock:
            for watcher in self.watchers:
                if self.generation.can_suspend and watcher.mask & BIT_SUSPEND:
                    watcher.is_suspended = True
                    watcher.replace(encode({"Version": "", "Suspended": True}))
                else:
                    watcher.push(encode(fell_behind()))
                    watcher.push(_END)

    def end(self):
        """End every answer in order, as the daemon does when it stops."""
        self._all(_END)

    def cut(self):
        """Close every subscription without the closing chunk."""
        self._all(_CUT)

    def _all(self, *items):
        with self._lock:
            for watcher in self.watchers:
                for item in items:
                    watcher.push(item)

    def count(self):
        """Number of watchers now."""
        with self._lock:
            return len(self.watchers)

    def opened(self):
        """Number of subscriptions ever asked for."""
        with self._lock:
            return len(self.masks)

    def wait_watchers(self, least=1, timeout=5.0):
        """Wait until at least `least` watchers are connected."""
        wait_until(lambda: self.count() >= least, timeout, f"{least} bus watchers")

    def wait_opened(self, least, timeout=5.0):
        """Wait until at least `least` subscriptions were ever opened."""
        wait_until(lambda: self.opened() >= least, timeout,
                   lambda: f"{least} subscriptions, {self.opened()} so far")
