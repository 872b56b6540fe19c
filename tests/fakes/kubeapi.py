"""The fake Kubernetes API server: one Secret and the access reviews, over TLS.

It insists on the exact bearer and refuses what the black-box API refuses: unknown paths, JSON
patch `test`, `/metadata` paths, any PATCH while patch is denied. Such a request is a failure of
the program under test and is kept in `failures`.
"""

import base64
import json
import pathlib
import socket
import threading

from . import certs
from .faults import Fault, kube_status
from .httpserver import Drop, Reply, Server
from .waiting import wait_until

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Refused(AssertionError):
    """The program under test asked for something that it must never ask."""


class FakeKube:
    """One API server. `secret` is None when the Secret does not exist."""

    def __init__(self, namespace="default", name="tailscale", token="bearer_token",
                 certificate=None, port=0):
        self.namespace = namespace
        self.name = name
        self.token = token
        self.certificate = certificate or certs.server_certificate()
        self.secret = {}
        #: verbs whose review is answered with "not allowed"
        self.denied = set()
        self.version = 1
        self.requests = []
        #: (kind, keys) of each write in its order; keys map to text or None
        self.writes = []
        self.faults = []
        self.host = "127.0.0.1"
        self.port = port
        self._lock = threading.RLock()
        self._server = Server(self._handle, self.certificate.context())
        self.start()

    # -- life

    def start(self):
        """Listen (again, on the same port) on 127.0.0.1 and, where there is one, ::1."""
        for _ in range(20):
            four = _bind(socket.AF_INET, "127.0.0.1", self.port)
            port = four.getsockname()[1]
            try:
                six = _bind(socket.AF_INET6, "::1", port)
            except OSError as e:
                if e.errno != 98:  # no IPv6 here
                    six = None
                elif self.port:
                    raise
                else:
                    four.close()
                    continue
            self.port = port
            for listener in filter(None, (four, six)):
                self._server.listen(listener)
            return
        raise RuntimeError("no port is free on both loopback addresses")

    def stop(self):
        """Be down: nothing listens, all connections are cut. `start` brings it back."""
        self._server.stop_listening()
        self._server.drop_all()

    def close(self):
        """End the fake."""
        self._server.close()

    @property
    def failures(self):
        """Exceptions of handlers, requests that must never be made among them."""
        return self._server.failures

    def write_account(self, root, ca=None, token=None):
        """Write the service account's files below ROOT."""
        folder = pathlib.Path(root, "var/run/secrets/kubernetes.io/serviceaccount")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "namespace").write_text(self.namespace)
        (folder / "token").write_text(token or self.token)
        (folder / "ca.crt").write_text(ca or self.certificate.pem)
        return folder

    # -- programming

    def get(self):
        """A copy of the Secret; empty when there is none."""
        with self._lock:
            return dict(self.secret or {})

    def set(self, **keys):
        """Change keys of the Secret like another writer; None removes one."""
        self.update(keys)

    def update(self, keys):
        """The same for names that are no identifiers."""
        with self._lock:
            if self.secret is None:
                self.secret = {}
            self._apply(keys)

    def fault(self, kinds, answer, times=1):
        """Add a fault for `kinds`: a word or a tuple of `get patch review`."""
        kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        made = Fault(kinds, answer, times)
        with self._lock:
            self.faults.append(made)
        return made

    def clear_faults(self):
        """Be well again."""
        with self._lock:
            self.faults.clear()

    # -- what was asked

    def count(self, kind=None):
        """Number of requests, of one kind (`get`, `patch`, `review`) or of all."""
        with self._lock:
            return sum(kind in (None, _kind(r)) for r in self.requests)

    def wait_count(self, kind, least, timeout=5.0):
        """Wait until `least` requests of that kind have arrived."""
        wait_until(lambda: self.count(kind) >= least, timeout,
                   lambda: f"{least} x {kind}, got {self.count(kind)}")

    def written(self, key):
        """All values that were written to `key`, in order."""
        with self._lock:
            return [keys[key] for _, keys in self.writes if key in keys]

    def write_order(self, *names):
        """The names among `names` in the order of their first successful write."""
        order = []
        with self._lock:
            for _, keys in self.writes:
                order += [n for n in names if n in keys and n not in order]
        return order

    # -- answers

    def _handle(self, request):
        with self._lock:
            self.requests.append(request)
            kind = _kind(request)
            fault = next((f for f in self.faults if f.take(kind)), None)
        if fault:
            return fault.answer(request, lambda: self._answer(request, kind))
        return self._answer(request, kind)

    def _answer(self, request, kind):
        bearer = request.headers.get("authorization", "")
        if bearer != "Bearer " + self.token:
            return Reply(401, kube_status(401, "Unauthorized", "Unauthorized"))
        if kind == "review":
            return self._review(request)
        secret = f"/api/v1/namespaces/{self.namespace}/secrets/{self.name}"
        if request.path != secret or kind == "other":
            raise Refused(f"unexpected request {request}")
        with self._lock:
            if kind == "patch":
                return self._patch(request)
            return self._get()

    def _review(self, request):
        attributes = request.json()["spec"]["resourceAttributes"]
        allowed = attributes["verb"] not in self.denied
        return Reply.of_json({"kind": "SelfSubjectAccessReview",
                              "apiVersion": "authorization.k8s.io/v1",
                              "status": {"allowed": allowed}}, 201)

    def _missing(self):
        return Reply(404, kube_status(404, f'secrets "{self.name}" not found', "NotFound"))

    def _get(self):
        if "get" in self.denied:
            return Reply(403, kube_status(403, f'secrets "{self.name}" is forbidden', "Forbidden"))
        if self.secret is None:
            return self._missing()
        return Reply.of_json(self._encoded())

    def _encoded(self):
        data = {k: base64.b64encode(v.encode()).decode() for k, v in self.secret.items()}
        return {"kind": "Secret", "apiVersion": "v1", "data": data, "type": "Opaque",
                "metadata": {"name": self.name, "namespace": self.namespace,
                             "resourceVersion": str(self.version)}}

    def _patch(self, request):
        if "patch" in self.denied:
            raise Refused(f"PATCH although it is denied: {request.body!r}")
        if self.secret is None:
            return self._missing()
        kind = request.headers.get("content-type", "")
        if kind == "application/json-patch+json":
            keys = _json_patch(request.json())
        elif kind == "application/strategic-merge-patch+json":
            keys = _merge_patch(request.json())
            asked = request.json().get("metadata", {}).get("resourceVersion")
            if asked not in (None, str(self.version)):
                return Reply(409, kube_status(409, "the object has been modified", "Conflict"))
        else:
            raise Refused(f"PATCH of content type {kind!r}")
        self._apply(keys)
        self.writes.append((kind, keys))
        return Reply.of_json(self._encoded())

    def _apply(self, keys):
        self.version += 1
        for key, value in keys.items():
            if value is None:
                self.secret.pop(key, None)
            else:
                self.secret[key] = value


def _bind(family, address, port):
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    return listener


def _kind(request):
    if request.path == REVIEWS and request.method == "POST":
        return "review"
    return {"GET": "get", "PATCH": "patch"}.get(request.method, "other")


def _text(value):
    if not isinstance(value, str):
        raise Refused(f"patch value {value!r} is no text")
    return base64.b64decode(value, validate=True).decode()


def _json_patch(operations):
    keys = {}
    for operation in operations:
        path = operation["path"]
        if not path.startswith("/data/"):
            raise Refused(f"JSON patch of {path!r}")
        key = path[len("/data/"):].replace("~1", "/").replace("~0", "~")
        if operation["op"] == "remove":
            keys[key] = None
        elif operation["op"] in ("add", "replace"):
            keys[key] = _text(operation["value"])
        else:
            raise Refused(f"JSON patch operation {operation['op']!r}")
    return keys


def _merge_patch(body):
    unknown = set(body) - {"apiVersion", "kind", "metadata", "data"}
    if unknown:
        raise Refused(f"merge patch of {sorted(unknown)}")
    return {key: None if value is None else _text(value)
            for key, value in (body.get("data") or {}).items()}
