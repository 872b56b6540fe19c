"""A client that opens a new connection every few milliseconds, and the longest silence between two that succeeded."""

import contextlib
import errno
import selectors
import socket
import threading
import time

from . import netns

_EVERY, _LIMIT = 0.02, 0.4


class Knock:
    """TCP connections from a namespace to an address and port, until close(); a context manager.

    Each has its own 0.4 s, as impatient clients do, so that one that waits holds no other up. Only this end begins
    anything: a lost first packet is not sent again.
    """

    def __init__(self, namespace, address, port):
        self._namespace = namespace
        self._target = (address, port)
        self._opened = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _begin(self, ready):
        one = socket.socket(netns.family_of(self._target[0]), socket.SOCK_STREAM)
        one.setblocking(False)
        code = one.connect_ex(self._target)
        if code in (0, errno.EINPROGRESS):
            ready.register(one, selectors.EVENT_WRITE, time.monotonic() + _LIMIT)
        else:
            one.close()  # No route is a failed attempt, which is what is measured.

    def _finish(self, ready):
        now = time.monotonic()
        for key, _ in ready.select(0.005):
            if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                self._opened.append(time.monotonic())
            self._end(ready, key.fileobj)
        for key in [key for key in ready.get_map().values() if key.data < now]:
            self._end(ready, key.fileobj)

    @staticmethod
    def _end(ready, one):
        ready.unregister(one)
        with contextlib.suppress(OSError):
            one.close()

    def _run(self):
        with netns.inside(self._namespace), selectors.DefaultSelector() as ready:
            due = time.monotonic()
            while not self._stopped.is_set():
                if time.monotonic() >= due:
                    self._begin(ready)
                    due = max(due + _EVERY, time.monotonic())
                self._finish(ready)
            for key in list(ready.get_map().values()):
                self._end(ready, key.fileobj)

    def flows(self, since, steady):
        """Whether connections came at all times in the last seconds, the moment `since` being before them."""
        now = time.monotonic()
        recent = [moment for moment in self._opened if moment > now - steady]
        return now - steady > since and len(recent) > 1 and recent[-1] > now - 0.1 and max(
            later - earlier for earlier, later in zip([now - steady, *recent], recent)) < 0.2

    def longest_silence(self, since=0.0):
        """Seconds between two that succeeded, the longest since a moment; counts until now."""
        moments = [moment for moment in self._opened if moment >= since - 0.1] + [time.monotonic()]
        return max((later - earlier for earlier, later in zip(moments, moments[1:])), default=float("inf"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(5)
