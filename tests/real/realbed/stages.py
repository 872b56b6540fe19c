"""When a restarted daemon reached which stage: each line of a pod's log with the moment at which it arrived."""

import bisect
import threading
import time

# In this order; a stage ends with the first line that holds one of its texts.
STAGES = (
    ("death noticed", ("restarting it in",)),
    ("started", ("Starting tailscaled",)),
    ("runs", ("Program starting",)),
    ("socket", ("wgengine.NewUserspaceEngine(",)),
    ("engine", ("got LocalBackend",)),
    ("map", ("loaded netmap from disk cache", "active login")),
    ("running", ("Starting -> Running",)),
    ("relay", ("connected; connGen=",)),
)
# The supervisor's share.
OURS = "started"
# The supervisor's first request that concerns peers: only a pod with targets of egress sends it.
INTRODUCED = "[POST] /localapi/v0/ping"
_INTERVAL = 0.002


class Stages:
    """Reads a log while it is written, until close(); a context manager."""

    def __init__(self, path):
        self._moments, self._lines = [], []
        self._stopped = threading.Event()
        self._file = open(path, encoding="utf-8", errors="replace")
        self._file.seek(0, 2)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        partial = ""
        while not self._stopped.wait(_INTERVAL):
            *lines, partial = (partial + self._file.read()).split("\n")
            self._moments += [time.monotonic()] * len(lines)
            self._lines += lines

    def _first(self, texts, since):
        """The moment of the first line from a moment on that holds one of the texts, or None."""
        for index in range(bisect.bisect_left(self._moments, since), len(self._lines)):
            if any(text in self._lines[index] for text in texts):
                return self._moments[index]
        return None

    def after(self, killed):
        """Stage → seconds since the kill."""
        moments = ((name, self._first(texts, killed)) for name, texts in STAGES)
        return {name: moment - killed for name, moment in moments if moment is not None}

    def waited(self, killed):
        """Seconds until the control server's map, or the one of the cache, was there."""
        stages = self.after(killed)
        return stages["map"] - stages["engine"]

    def introduction(self, killed):
        """Seconds from Running to the supervisor's first ping."""
        running = self._first(("Starting -> Running",), killed)
        return self._first((INTRODUCED,), running) - running

    def close(self):
        self._stopped.set()
        self._thread.join(5)
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def divide(stages, gap, end):
    """One line: how a silence that ended so long after the kill divides into the stages; the rest is the handshake."""
    parts, before = [], 0.0
    for name, moment in sorted(stages.items(), key=lambda item: item[1]):
        parts.append(f"{name} {moment - before:.2f}")
        before = moment
    late = f", silent only from {end - gap:.2f} s on" if end - gap > 0.1 else ""
    return f"{', '.join(parts)}, traffic {max(0.0, end - before):.2f}{late}"
