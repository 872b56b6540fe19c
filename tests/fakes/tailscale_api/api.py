"""The fake API as a whole: one address, one tailnet, one log of calls."""

import socket
import threading

from ..faults import Fault
from ..httpserver import Server
from .access import Access
from .answers import ApiError
from .calls import CallLog
from .devices import Devices
from .keys import Keys
from .passthrough import Passthrough
from .routes import PREFIX, expand, find
from .services import Services
from .settings import Settings
from .tailnet import MemoryTailnet


class FakeTailscaleApi:
    """Listens at once, on loopback without a `listener`.

    `tailnet` has the keys and devices (a MemoryTailnet without one), `tls` is a server-side context (plain HTTP
    without), `dial` connects to the control server, which then is reached at the same address as the API.
    """

    def __init__(self, tailnet=None, *, tls=None, listener=None, dial=None, log_path=None, name="-"):
        self.tailnet = tailnet or MemoryTailnet()
        self.access = Access()
        self.services = Services(self.access)
        self.settings = Settings()
        self.calls = CallLog(log_path)
        self.name = name
        self._parts = {"oauth": self.access, "services": self.services, "settings": self.settings,
                       "keys": Keys(self.tailnet, self.access), "devices": Devices(self.tailnet, self.access)}
        self._control = Passthrough(dial) if dial else None
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
        if not request.path.startswith(PREFIX) and self._control:
            return self._control(request)
        route, parts = find(request.method, request.path)
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
                    caller.token = self.access.check(request, route.scope)
                if parts.get("tailnet", "-") not in ("-", self.name):
                    raise ApiError(404, "tailnet not found")
                resource, _, action = route.kind.partition(".")
                return getattr(self._parts[resource], action)(request, caller.token, parts)
        except ApiError as e:
            return e.reply()


class _Caller:
    """Who makes a request, as far as that is known."""

    token = None

    @property
    def name(self):
        return self.token.name if self.token else ""
