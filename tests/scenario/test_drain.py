"""The pre-shutdown hook of egress proxies: what the kubelet is answered, and when."""

import contextlib
import re
import socket
import threading
import time

import pytest
from fakes import notify
from fakes.httpserver import Reply, Server
from fakes.waiting import stays_true, wait_until
from harness import STARTED
from mounted import Mounted

HOOK = "/internal-egress-services-preshutdown"
POD = "10.0.0.1"
SLEEPING = ("before shutdown to ensure that kube proxies on all nodes have updated routing "
            "configuration")


def service(endpoint=None, ip="100.64.0.9", port=4000):
    """One service as an operator writes it."""
    made = {"tailnetTarget": {"ip": ip, "fqdn": ""},
            "ports": [{"protocol": "TCP", "matchPort": port, "targetPort": 80}]}
    if endpoint is not None:
        made["healthCheckEndpoint"] = endpoint
    return made


class Endpoint:
    """A health check endpoint: answers as `pod`, or as `answer` says."""

    def __init__(self, pod=POD):
        self.pod = pod
        self.answer = None
        self.asked = []
        self._server = Server(self._handle)
        listener = socket.create_server(("127.0.0.1", 0))
        self._server.listen(listener)
        self.port = listener.getsockname()[1]

    def url(self, path="/healthz"):
        """Where it is."""
        return f"http://127.0.0.1:{self.port}{path}"

    def _handle(self, request):
        self.asked.append((request.method, request.target, request.headers.get("connection")))
        if self.answer:
            return self.answer(request)
        return Reply(200, b"ok", [("Pod-IPv4", self.pod)] if self.pod else [], "text/plain")

    def close(self):
        """End it."""
        self._server.close()


class Hook(threading.Thread):
    """One call of the hook, as the kubelet makes it."""

    def __init__(self, world, method="GET"):
        super().__init__()
        self.world, self.method = world, method
        self.answer = self.error = None
        self.start()

    def run(self):
        try:
            self.answer = self.world.http(HOOK, self.method, timeout=60)
        except OSError as e:
            self.error = e

    def expect(self, status=200, body=b"", timeout=10):
        """Wait for this answer."""
        wait_until(lambda: not self.is_alive(), timeout, "the hook answered")
        assert self.error is None, self.error
        assert (self.answer[0], self.answer[2]) == (status, body)


@pytest.fixture
def endpoint():
    """An endpoint that answers as this Pod."""
    made = Endpoint()
    yield made
    made.close()


@pytest.fixture
def mounted(world):
    """The folder of the egress configuration."""
    return Mounted(world.root / "etc/egress")


def start(world, mounted, services=None, pings=None, pod_ips=POD):
    """A proxy that has started, with these documents (None = no such file)."""
    files = {}
    if services is not None:
        files["egress-services"] = services
    if pings is not None:
        files["hep-pings"] = pings
    mounted.swap(files)
    address = f"127.0.0.1:{world.local_port}"
    world.lapi.bus.publish(notify.running())
    program = world.start(world.kube_env(
        TS_USERSPACE="false", TS_EGRESS_PROXIES_CONFIG_PATH=mounted.path, POD_IPS=pod_ips,
        TS_LOCAL_ADDR_PORT=address))
    program.wait_log(STARTED, 30)


@pytest.mark.parametrize("services,pings,body", [
    (None, None, b"safe to terminate"), ("", None, b"safe to terminate"),
    ("", "nonsense", b"safe to terminate"), ({}, None, b""), ({}, "3", b"")])
def test_nothing_to_drain(world, mounted, services, pings, body):
    """No file, an empty one, and no services are answered at once."""
    start(world, mounted, services, pings)
    Hook(world).expect(200, body, 2)
    assert not world.program.log_count("before shutdown to ensure")


@pytest.mark.parametrize("services,pings,sentence", [
    ("{", "3", b"error retrieving egress services configs: "),
    ("[]", "3", b"error retrieving egress services configs: "),
    ("3", "3", b"error retrieving egress services configs: "),
    ({"a": service()}, "three",
     b"error determining the number of times health check endpoint should be pinged: "),
    ({"a": service()}, "1e3",
     b"error determining the number of times health check endpoint should be pinged: ")])
def test_unreadable_documents(world, mounted, services, pings, sentence):
    """500 with the reason, until the document is well again."""
    start(world, mounted, services, pings)
    status, headers, body = world.http(HOOK)
    assert status == 500
    assert body.startswith(sentence)
    assert headers["X-Content-Type-Options"] == "nosniff"
    mounted.swap({"egress-services": {}})
    Hook(world).expect()
    assert world.program.alive()


def test_the_hook_alone_opens_the_listener(world, mounted):
    """The other endpoints are not there, other methods neither."""
    start(world, mounted)
    assert world.http("/healthz")[0] == 404
    assert world.http("/metrics")[0] == 404
    status, headers, _ = world.http(HOOK, "POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    Hook(world, "HEAD").expect(200, b"")


def test_before_the_login(world, mounted):
    """The hook answers also while the node is not up."""
    mounted.swap({"egress-services": {}})
    world.start(world.kube_env(
        TS_USERSPACE="false", TS_EGRESS_PROXIES_CONFIG_PATH=mounted.path, POD_IPS=POD,
        TS_LOCAL_ADDR_PORT=f"127.0.0.1:{world.local_port}"))
    assert world.wait_http(HOOK, 200, 5)[2] == b""


def own_health(world):
    """The endpoint of a Service whose ClusterIP leads here, and the settings that go with it."""
    env = {"TS_ENABLE_HEALTH_CHECK": "true", "TS_USERSPACE": "false", "POD_IPS": POD,
           "TS_EGRESS_PROXIES_CONFIG_PATH": f"{world.root}/etc/egress",
           "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}"}
    return f"http://127.0.0.1:{world.local_port}/healthz", world.kube_env(**env)


def test_the_hook_does_not_turn_health(world, mounted):
    """The drain needs a node that serves: it goes on to answer 200 while its Service leads here."""
    endpoint, env = own_health(world)
    mounted.swap({"egress-services": {"web": service(endpoint)}, "hep-pings": "3"})
    world.start_running(env)
    hook = Hook(world)
    world.program.wait_log('service "web" is still routed through this Pod, waiting...')
    stays_true(lambda: hook.is_alive() and world.http("/healthz")[0] == 200, 0.5)
    assert world.http("/readyz")[0] == 200
    assert world.program.stop(5) == 0
    hook.expect()


def test_a_node_that_is_not_ready_is_still_routed_to(world, mounted):
    """Its Service leads here whatever it answers: a 503 is no sign that traffic goes elsewhere."""
    endpoint, env = own_health(world)
    mounted.swap({"egress-services": {"web": service(endpoint)}, "hep-pings": "3"})
    world.start(env)
    world.wait_http("/healthz", 503)
    hook = Hook(world)
    world.program.wait_log('service "web" is still routed through this Pod, waiting...')
    stays_true(hook.is_alive, 0.5)
    assert world.program.stop(5) == 0


def test_waits_until_another_pod_answers(world, mounted, endpoint):
    """As long as the endpoint leads here the hook waits; after that, and a pause, it is done."""
    start(world, mounted, {"web": service(endpoint.url())}, "3")
    hook = Hook(world)
    world.program.wait_log('service "web" is still routed through this Pod, waiting...')
    stays_true(hook.is_alive, 0.3)
    endpoint.pod = "10.0.0.2"
    before = len(endpoint.asked)
    hook.expect()
    assert world.program.has_log('service "web" is no longer routed through this Pod')
    assert world.program.log_count(SLEEPING) == 1
    assert world.program.log_count("is still routed") == 1
    assert set(endpoint.asked) == {("GET", "/healthz", "close")}
    assert 3 <= len(endpoint.asked) - before <= 4
    assert world.program.alive()


def test_ipv6_pod(world, mounted, endpoint):
    """Without an IPv4 address the other header counts."""
    ours = "fd00::7"
    endpoint.answer = lambda r: Reply(200, b"ok", [("Pod-IPv4", "10.0.0.1"), ("Pod-IPv6", ours)])
    start(world, mounted, {"web": service(endpoint.url())}, "2", pod_ips="fd00::7")
    hook = Hook(world)
    world.program.wait_log('service "web" is still routed through this Pod, waiting...')
    ours = "fd00::8"
    hook.expect()


def test_services_without_endpoint(world, mounted):
    """They are logged, and the pause is made nevertheless."""
    start(world, mounted, {"a": service(), "b": service("", port=4001)}, "3")
    Hook(world).expect()
    for name in "ab":
        assert world.program.has_log(
            f'Tailnet target "{name}" does not have a cluster healthcheck specified, unable to '
            "verify if cluster traffic for the target is still routed via this Pod")
    assert world.program.log_count(SLEEPING) == 1


DEAD = {
    "refused": lambda port: f"http://127.0.0.1:{port}/healthz",
    "no_such_name": lambda port: f"http://nobody.invalid:{port}/healthz",
    "no_url": lambda port: "nonsense",
    "other_scheme": lambda port: f"ftp://127.0.0.1:{port}/",
}


@pytest.mark.parametrize("name", DEAD)
def test_an_unreachable_endpoint_holds_up_nobody(world, mounted, endpoint, name):
    """It counts as drained after some rounds, the others are looked at as ever."""
    dead = DEAD[name](world.health_port)
    endpoint.pod = None
    start(world, mounted, {"dead": service(dead), "web": service(endpoint.url(), port=4001)}, "3")
    Hook(world).expect(timeout=20)
    assert world.program.has_log('service "web" is no longer routed through this Pod')
    assert world.program.log_count(f'Endpoint "{dead}" can not be reached: ') == 1
    assert world.program.log_count(f'unable to reach endpoint "{dead}", assuming the routing rules '
                                   "for this Pod have been deleted: ") == 1


def test_a_silent_endpoint_holds_up_nobody(world, mounted, endpoint):
    """Each request has its time."""
    def hang(request):
        while not request.connection.peer_gone():
            request.connection.closed.wait(0.05)
    endpoint.answer = hang
    start(world, mounted, {"web": service(endpoint.url())}, "9")
    Hook(world).expect(timeout=20)
    assert world.program.log_count("assuming the routing rules for this Pod have been deleted") == 1
    assert len(endpoint.asked) == 7


def test_redirects_are_answers(world, mounted, endpoint):
    """They are not followed: the header of the first answer says who it was."""
    endpoint.answer = lambda r: Reply(302, b"", [("Location", endpoint.url("/other"))])
    start(world, mounted, {"web": service(endpoint.url())}, "2")
    Hook(world).expect()
    assert {target for _, target, _ in endpoint.asked} == {"/healthz"}


def test_a_client_that_leaves_ends_the_drain(world, mounted, endpoint):
    """The pings end, and the log names the services for which it was too early."""
    start(world, mounted, {"web": service(endpoint.url()), "other": service(port=4001)}, "3")
    with socket.create_connection(("127.0.0.1", world.local_port), 5) as sock:
        sock.sendall(f"GET {HOOK} HTTP/1.1\r\nHost: pod\r\n\r\n".encode())
        world.program.wait_log('service "web" is still routed through this Pod, waiting...')
    world.program.wait_log("Cluster traffic for web did not stop being routed to this Pod.")
    assert not world.program.log_count("Cluster traffic for other did not stop")
    # one that was on its way may still arrive
    time.sleep(0.1)
    asked = len(endpoint.asked)
    stays_true(lambda: len(endpoint.asked) == asked, 0.3)
    assert world.program.alive()


def test_two_clients_share_one_drain(world, mounted, endpoint):
    """A hook that is asked again pings no more for that."""
    start(world, mounted, {"web": service(endpoint.url())}, "3")
    first = Hook(world)
    world.program.wait_log('service "web" is still routed through this Pod, waiting...')
    second = Hook(world, "HEAD")
    stays_true(lambda: first.is_alive() and second.is_alive(), 0.2)
    endpoint.pod = "10.0.0.2"
    first.expect()
    second.expect()
    assert world.program.log_count("Ensuring that cluster traffic for egress targets is") == 1


def test_new_documents_are_read(world, mounted, endpoint):
    """Each call looks at what is mounted now."""
    start(world, mounted, {"web": service(endpoint.url())}, "3")
    first = Hook(world)
    world.program.wait_log('service "web" is still routed through this Pod, waiting...')
    mounted.swap({"egress-services": {}, "hep-pings": "3"})
    Hook(world).expect()
    assert first.is_alive()
    endpoint.pod = None
    first.expect()


@pytest.mark.parametrize("way", ["routed", "silent", "refused"])
def test_sigterm_during_the_drain(world, mounted, endpoint, way):
    """The kubelet's patience is over: the hook is answered and the process ends in time."""
    url = endpoint.url()
    if way == "silent":
        endpoint.answer = lambda r: r.connection.closed.wait(5)
    if way == "refused":
        url = f"http://127.0.0.1:{world.health_port}/"
    services = {f"svc-{i}": service(url + f"?{i}", port=4000 + i) for i in range(40)}
    start(world, mounted, services, "1000")
    hook = Hook(world)
    world.program.wait_log_part("Ensuring that cluster traffic is no longer routed to")
    assert world.program.stop(5) == 0
    hook.expect()


def test_sigterm_during_the_pause(world, mounted):
    """The pause of production, cut short."""
    mounted.swap({"egress-services": {"a": service()}, "hep-pings": "3"})
    world.start_running(world.kube_env(
        TS_USERSPACE="false", TS_EGRESS_PROXIES_CONFIG_PATH=mounted.path, POD_IPS=POD,
        TS_LOCAL_ADDR_PORT=f"127.0.0.1:{world.local_port}", TAILBOOT_TEST_FAST="false"))
    hook = Hook(world)
    world.program.wait_log("Sleeping for 10s " + SLEEPING)
    stays_true(hook.is_alive, 0.3)
    assert world.program.stop(5) == 0
    hook.expect()


@pytest.mark.parametrize("shared", [True, False])
def test_thousands_of_services(world, mounted, endpoint, shared):
    """5,000 services: few requests at a time, few lines, other endpoints answer meanwhile."""
    endpoint.pod = "10.0.0.2"
    services = {f"svc-{i:04}": service(endpoint.url("/" if shared else f"/{i}"), port=1000 + i)
                for i in range(5000)}
    start(world, mounted, services, "1")
    hook = Hook(world)
    wait_until(lambda: endpoint.asked, 10, "the first ping")
    assert world.http("/nothing")[0] == 404
    hook.expect(timeout=60)
    assert len(endpoint.asked) == (1 if shared else 5000)
    assert world.program.log_count("no longer routed to") == 20
    assert world.program.log_count('" is no longer routed through this Pod') == 20
    # counted from time to time
    more = re.compile(r"\.\.\. and (\d+) more services are no longer routed through this Pod")
    counts = [int(m.group(1)) for m in map(more.fullmatch, world.program.lines()) if m]
    assert sum(counts) == 4980


def test_hostile_clients(world, mounted, endpoint):
    """A hundred clients that ask and leave, and one that stays."""
    start(world, mounted, {"web": service(endpoint.url())}, "3")
    hook = Hook(world)
    world.program.wait_log('service "web" is still routed through this Pod, waiting...')
    for _ in range(100):
        with contextlib.suppress(OSError), \
                socket.create_connection(("127.0.0.1", world.local_port), 5) as sock:
            sock.sendall(f"GET {HOOK} HTTP/1.1\r\nHost: pod\r\n\r\n".encode())
    endpoint.pod = None
    hook.expect()
    assert endpoint.asked[0] == ("GET", "/healthz", "close")
