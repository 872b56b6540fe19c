"""The fake API as a whole: one address, one tailnet, one log of calls."""

import socket
import threading

from ..faults import Fault
from ..httpserver import Reply, Server
from .access import Access
from .answers import ApiError, GrpcError
from .calls import CallLog
from .devices import Devices
from .keys import Keys
from .passthrough import Passthrough
from .headscale_v1 import HeadscaleV1
from .remote import PREFIX as REMOTE, Remote
from .routes import PREFIX, expand, find, is_v1
from .services import Services
from .settings import Settings
from .tailnet import MemoryHeadscale, MemoryTailnet


class FakeTailscaleApi:
    """Listens at once, on loopback without a `listener`.

    `tailnet` has the keys and devices (one in memory without one), `dialect` is one of `routes.DIALECTS`, `tls` is a
    server-side context (plain HTTP without), `is_remote` lets other processes program it, `dial` connects to the control server, which then is reached at the same address as the API.
    """

    def __init__(self, tailnet=None, *, dialect="tailscale", tls=None, listener=None, dial=None, log_path=None,
                 is_remote=False, name="-"):
        is_headscale = dialect != "tailscale"
        self.dialect = dialect
        self.tailnet = tailnet or (MemoryHeadscale() if is_headscale else MemoryTailnet())
        self.access = Access(is_headscale=is_headscale)
        self.services = Services(self.access)
        self.settings = Settings()
        self.calls = CallLog(log_path)
        self.name = name
        self._parts = {"oauth": self.access, "services": self.services, "settings": self.settings,
                       "keys": Keys(self.tailnet, self.access), "devices": Devices(self.tailnet, self.access)}
        #: Headscale's own API; its `version` can be set
        self.v1 = HeadscaleV1(self.tailnet)
        self._control = Passthrough(dial) if dial else None
        self._remote = Remote(self) if is_remote else None
        self._faults = []
        self._lock = threading.RLock()
        self._scheme = "https" if tls else "http"
        self._server = Server(self._handle, tls)
        listener = listener or socket.create_server(("127.0.0.1", 0))
        #: host and port
        self.address = listener.getsockname()[:2]
        self._server.listen(listener)

    # -- life

    @property
    def url(self):
        """Its address as a URL, without the API's prefix."""
        return f"{self._scheme}://{self.address[0]}:{self.address[1]}"

    @property
    def failures(self):
        """Exceptions of handlers: check that there are none when a test ends."""
        return self._server.failures

    def stop(self):
        """Be down: nothing listens, all connections are cut. `start` brings it back at the same address."""
        self._server.stop_listening()
        self._server.drop_all()

    def start(self, listener=None):
        """Listen again; a listener is needed where the first one was made in another network namespace."""
        self._server.listen(listener or socket.create_server(self.address))

    def close(self):
        """End it."""
        self._server.close()

    # -- programming

    def fault(self, kinds, answer, times=1):
        """What happens to the next `times` (None: all) calls of these kinds; see `routes.expand` for their names."""
        made = Fault(expand(kinds), answer, times)
        with self._lock:
            self._faults.append(made)
        return made

    def clear_faults(self):
        """Be well again."""
        with self._lock:
            self._faults.clear()

    # -- answers

    def _handle(self, request):
        if self._remote and request.path.startswith(REMOTE):
            return self._remote(request)
        if not request.path.startswith(PREFIX) and self._control:
            return self._control(request)
        route, parts = find(request.method, request.path, self.dialect)
        caller = _Caller()
        status = 0
        try:
            reply = self._decide(request, route, parts, caller)
            status = reply.status if reply else 0
            return reply
        finally:
            self.calls.add(request, route.kind if route else "unknown", caller.name, status)

    def _decide(self, request, route, parts, caller):
        if route is None:
            if self.dialect != "tailscale" and request.path.startswith("/api/"):
                return GrpcError(401, "").reply()  # before it is looked for
            if self.dialect != "tailscale":
                return Reply(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")
            return ApiError(404, "no such call in this API").reply()
        with self._lock:
            fault = next((fault for fault in self._faults if fault.take(route.kind)), None)
        if fault:
            return fault.answer(request, lambda: self._answer(request, route, parts, caller))
        return self._answer(request, route, parts, caller)

    def _answer(self, request, route, parts, caller):
        try:
            # One at a time, as each takes effect whole or not at all.
            with self._lock:
                if route.scope:
                    caller.token = self.access.check(request, route.scope, is_v1(route))
                if parts.get("tailnet", "-") not in ("-", self.name):
                    raise ApiError(404, "tailnet not found")
                return self._part_of(route)(request, caller.token, parts)
        except ApiError as e:
            return GrpcError(e.status, e.message).reply() if is_v1(route) else e.reply()

    def _part_of(self, route):
        resource, _, action = route.kind.partition(".")
        if is_v1(route) or resource == "version":
            return getattr(self.v1, f"{resource}_{action}")
        return getattr(self._parts[resource], action)


class _Caller:
    """Who makes a request, as far as that is known."""

    token = None

    @property
    def name(self):
        return self.token.name if self.token else ""
