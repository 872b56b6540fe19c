"""The fake LocalAPI of the daemon on a unix socket.

Like the daemon it refuses a foreign Host and any Referer or Origin. Unlike the daemon it closes
the connection without an answer on everything it does not know; `dns-config` is unknown in the
older generation until a test sets it. `answers` overrides any path.
"""

import json
import os
import socket
import threading
import time

from .bus import Bus
from .generation import GENERATIONS
from .httpserver import Drop, Reply, Server
from .waiting import wait_until

PREFIX = "/localapi/v0/"


class FakeLocalApi:
    """One daemon's LocalAPI. All settable members may be changed while it runs."""

    def __init__(self, path, generation="1.102"):
        self.path = str(path)
        self.bus = Bus(GENERATIONS[generation]())
        self.requests = []
        #: None: what the bus knows; the older generation closes the connection
        self.dns_config = None
        self.prefs = {}
        #: True: GET serve-config returns what was posted last, with an ETag
        self.stateful_serve = False
        self.serve_config = {}
        self.serve_etag = None
        self.reload_answer = {"Reloaded": True}
        self.gro_answer = {}
        self.cert_domains = None
        #: DOMAIN -> list of Reply; the last one stays
        self.certificates = {}
        self.usermetrics = Reply(200, b"fake metrics", content_type="text/plain; charset=utf-8")
        #: path below /localapi/v0/ -> callable(request) returning a Reply, None or raising Drop
        self.answers = {}
        #: what comes of an update that the daemon is made to send: a line of its log, or None
        self.update_line = "control: successful lite map update in 1ms"
        self._updates = threading.Condition()
        self._update_count = 0
        self._lock = threading.Lock()
        self._server = Server(self._handle)
        self.start()

    # -- life

    def start(self):
        """Listen (again) on the socket path."""
        if os.path.lexists(self.path):
            os.unlink(self.path)
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.path)
        self._server.listen(listener)

    def stop(self, keep_file=True):
        """Stop listening and cut all connections, as when the daemon dies.

        The socket file stays by default, as it does after a SIGKILL.
        """
        self._server.stop_listening()
        self._server.drop_all()
        if not keep_file and os.path.lexists(self.path):
            os.unlink(self.path)

    def close(self):
        """End the fake."""
        self._server.close()

    @property
    def failures(self):
        """Exceptions of handlers; a test that ends with any of them has failed."""
        return self._server.failures

    # -- what was asked

    def count(self, method, name):
        """How often METHOD NAME (below /localapi/v0/) was asked."""
        with self._lock:
            return sum(r.method == method and r.path == PREFIX + name for r in self.requests)

    def asked(self, method, name):
        """The requests METHOD NAME so far."""
        with self._lock:
            return [r for r in self.requests if r.method == method and r.path == PREFIX + name]

    def bodies(self, method, name):
        """Their bodies as JSON."""
        return [r.json() for r in self.asked(method, name)]

    def wait_asked(self, method, name, least=1, timeout=5.0):
        """Wait until METHOD NAME was asked `least` times; returns the requests."""
        wait_until(lambda: self.count(method, name) >= least, timeout,
                   lambda: f"{least} x {method} {name}, got {self.count(method, name)}")
        return self.asked(method, name)

    # -- answers

    def hold(self, method, name):
        """Let the calls METHOD NAME hang; returns a callable that says whether one was made."""
        def answer(request):
            if request.method != method:
                return self._handlers()[(request.method, name)](request)
            while not request.connection.peer_gone():
                request.connection.closed.wait(0.05)
            raise Drop
        self.answers[name] = answer
        return lambda: self.count(method, name) >= 1

    def _handle(self, request):
        with self._lock:
            self.requests.append(request)
        host = request.headers.get("host", "")
        if host not in ("", "local-tailscaled.sock"):
            return Reply(403, b"invalid localapi request\n", content_type="text/plain")
        if "referer" in request.headers or "origin" in request.headers:
            return Reply(403, b"invalid localapi request\n", content_type="text/plain")
        if not request.path.startswith(PREFIX):
            raise Drop
        name = request.path[len(PREFIX):]
        if name in self.answers:
            return self.answers[name](request)
        if name.startswith("cert/"):
            return self._certificate(request, name[len("cert/"):])
        handler = self._handlers().get((request.method, name))
        if handler is None:
            raise Drop
        return handler(request)

    def _handlers(self):
        return {
            ("GET", "watch-ipn-bus"): self.bus.serve,
            ("POST", "resume-ipn-bus"): self.bus.resume,
            ("GET", "serve-config"): self._get_serve,
            ("POST", "serve-config"): self._post_serve,
            ("GET", "prefs"): lambda r: Reply.of_json(self.prefs),
            ("PATCH", "prefs"): self._patch_prefs,
            ("GET", "usermetrics"): lambda r: self.usermetrics,
            ("GET", "dns-config"): self._dns_config,
            ("GET", "cert-domains"): lambda r: Reply.of_json(self.cert_domains),
            ("GET", "set-udp-gro-forwarding"): lambda r: Reply.of_json(self.gro_answer),
            ("GET", "status"): self._status,
            ("POST", "disconnect-control"): lambda r: Reply(200),
            ("POST", "reload-config"): self._reload,
            ("GET", "logtap"): self._logtap,
            ("POST", "set-push-device-token"): self._push_token,
            ("POST", "ping"): lambda r: Reply.of_json({"IP": r.query["ip"][0]}),
        }

    def _dns_config(self, _request):
        config = self.dns_config
        if config is None:
            config = self.bus.generation.dns_config()
        if config is None:
            raise Drop
        return Reply.of_json(config)

    def _get_serve(self, _request):
        if not self.stateful_serve:
            headers = [("Etag", self.serve_etag)] if self.serve_etag else []
            return Reply.of_json(self.serve_config, headers=headers)
        etag = "%016x" % (hash(json.dumps(self.serve_config, sort_keys=True)) & (2**64 - 1))
        return Reply.of_json(self.serve_config, headers=[("Etag", etag)])

    def _post_serve(self, request):
        config = request.json()
        if self.stateful_serve:
            self.serve_config = config
        return Reply(200)

    def _patch_prefs(self, request):
        patch = request.json()
        for name, value in patch.items():
            if not name.endswith("Set") and patch.get(name + "Set"):
                self.prefs[name] = value
        return Reply.of_json(self.prefs)

    def _reload(self, _request):
        if self.reload_answer is None:
            return Reply(200)
        return Reply.of_json(self.reload_answer)

    def _status(self, _request):
        return Reply.of_json(self.bus.generation.status())

    def _push_token(self, _request):
        with self._updates:
            self._update_count += 1
            self._updates.notify_all()
        return Reply(200)

    def _logtap(self, request):
        """The log while it is read: of all actions of the daemon only updates write a line."""
        connection = request.connection
        with self._updates:
            seen = self._update_count
        connection.start_chunked()
        connection.chunk(b'{"text":"[logtap connected]\\n"}\n')
        with self._updates:
            while not connection.peer_gone():
                if self._updates.wait_for(lambda: self._update_count > seen, 0.1):
                    break
        if self.update_line:
            connection.chunk(json.dumps({"v": 1, "text": self.update_line + "\n"}).encode() + b"\n")
        while not connection.peer_gone():
            time.sleep(0.02)
        connection.close()
        return None

    def _certificate(self, _request, domain):
        answers = self.certificates.get(domain)
        if not answers:
            return Reply(500, b"no certificate for that domain\n", content_type="text/plain")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            raise Drop
        return answer
