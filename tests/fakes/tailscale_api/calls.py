"""The log of calls: who asked what, when, and with which result. It never holds a header, a body or a query."""

import dataclasses
import json
import threading
import time

from ..waiting import wait_until


@dataclasses.dataclass(frozen=True)
class Call:
    """One request. `status` is 0 when the client got no whole answer; `when` is monotonic, `at` seconds since 1970."""

    kind: str
    method: str
    path: str
    client: str
    status: int
    when: float
    at: float
    seconds: float


class CallLog:
    """All calls in the order of their end; with a path, also one JSON object a line there."""

    def __init__(self, path=None):
        self._calls = []
        self._lock = threading.Lock()
        self._path = path

    def add(self, request, kind, client, answer):
        """Note that a request is over; `answer` is its status."""
        now = time.monotonic()
        call = Call(kind, request.method, request.path, client, answer, request.when,
                    time.time() - (now - request.when), now - request.when)
        with self._lock:
            self._calls.append(call)
            if self._path:
                with open(self._path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(dataclasses.asdict(call)) + "\n")

    def of(self, *kinds):
        """The calls of these kinds (`keys.create`) or resources (`keys`), all without any."""
        with self._lock:
            return [call for call in self._calls if not kinds or call.kind in kinds
                    or call.kind.partition(".")[0] in kinds]

    def count(self, *kinds):
        """How many there are of them."""
        return len(self.of(*kinds))

    def wait(self, least, *kinds, timeout=10.0):
        """Wait for at least that many of them, and return them."""
        wait_until(lambda: self.count(*kinds) >= least, timeout,
                   lambda: f"{least} x {kinds}, got {[call.kind for call in self.of()]}")
        return self.of(*kinds)

    def clear(self):
        """Forget all; the file keeps them."""
        with self._lock:
            self._calls.clear()
