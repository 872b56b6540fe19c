"""Faults of the fake API server: what may go wrong with one answer.

A fault is matched against requests in the order in which faults were added; the first that
matches and is not used up decides. `times=None` lasts until it is removed.
"""

import json
import threading
import time

from .httpserver import Drop, Reply


def kube_status(code, message="made by the test", reason="Test"):
    """The body of a failed API request."""
    return json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {},
                       "status": "Failure", "message": message, "reason": reason,
                       "code": code}).encode()


def status(code, headers=(), message="made by the test"):
    """Answer with an error of the API server."""
    return lambda request, real: Reply(code, kube_status(code, message), headers)


def refuse_key(key, code=422, message="Too long: may not be more than 7 bytes"):
    """Refuse each write of that key for good, and let all others pass."""
    def answer(request, real):
        if key in request.json().get("data", {}):
            return Reply(code, kube_status(code, message))
        return real()
    return answer


def retry_after(code, seconds):
    """The same with a Retry-After."""
    return status(code, headers=[("Retry-After", str(seconds))])


def html(code):
    """What a load balancer in between says."""
    body = b"<html><head><title>oops</title></head><body><h1>Bad gateway</h1></body></html>\n"
    return lambda request, real: Reply(code, body, content_type="text/html")


def not_json(code=200):
    """A success whose body is no JSON."""
    return lambda request, real: Reply(code, b'{"data": {"broken', content_type="application/json")


def raw(body, code=200):
    """Any body."""
    return lambda request, real: Reply(code, body)


def cut(after=None):
    """Send a part of the true answer, then close. The request has taken effect."""
    def answer(request, real):
        data = real().encode()
        request.connection.send(data[:len(data) // 2 if after is None else after])
        raise Drop
    return answer


def close():
    """Close without an answer and without effect."""
    def answer(request, real):
        raise Drop
    return answer


def lost_answer():
    """The request takes effect, but its answer never arrives."""
    def answer(request, real):
        real()
        raise Drop
    return answer


def drip(interval=0.01, step=1):
    """The true answer, a few bytes at a time."""
    def answer(request, real):
        data = real().encode()
        for at in range(0, len(data), step):
            request.connection.send(data[at:at + step])
            time.sleep(interval)
        return None
    return answer


def hang():
    """No answer at all until the client gives up or the server is closed."""
    def answer(request, real):
        while not request.connection.peer_gone():
            request.connection.closed.wait(0.05)
        raise Drop
    return answer


class Gate:
    """Holds answers back until it is opened; the request has not taken effect before that."""

    def __init__(self):
        self._open = threading.Event()
        self.reached = threading.Event()

    def open(self):
        """Let all held requests pass, and later ones too."""
        self._open.set()

    def __call__(self, request, real):
        self.reached.set()
        while not self._open.wait(0.02):
            if request.connection.peer_gone():
                raise Drop
        return real()


class Fault:
    """One programmed fault."""

    def __init__(self, kinds, answer, times):
        self.kinds = kinds
        self.answer = answer
        self.left = times
        self.used = 0

    def take(self, kind):
        """True when this fault decides a request of that kind."""
        if kind not in self.kinds or self.left == 0:
            return False
        if self.left is not None:
            self.left -= 1
        self.used += 1
        return True
