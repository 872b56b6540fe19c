"""The HTTP endpoints: their answers, and hostile clients."""

import contextlib
import json
import re
import socket
import threading

import pytest
from fakes import notify
from fakes.httpserver import Reply, Server
from fakes.waiting import wait_until

METRICS = {"TS_ENABLE_METRICS": "true"}
HEALTH = {"TS_ENABLE_HEALTH_CHECK": "true"}
BOTH = dict(METRICS, **HEALTH)


def start(world, env, address="127.0.0.1"):
    """A running node with its local listener on that address."""
    world.start_running(dict({"TS_LOCAL_ADDR_PORT": f"{address}:{world.local_port}"}, **env))


def raw(world, data, timeout=5):
    """Send bytes, return all that comes back until the end."""
    with socket.create_connection(("127.0.0.1", world.local_port), timeout) as sock:
        sock.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := sock.recv(65536):
                answer += part
        return answer


def test_healthz(world):
    """503 with its sentence before, 200 `ok` with the Pod's addresses after."""
    world.start(dict(HEALTH, TS_LOCAL_ADDR_PORT=f"[::]:{world.local_port}",
                     POD_IPS="10.0.0.7,fd00::7"))
    status, headers, body = world.wait_http("/healthz", 503)
    assert body == b"node currently has no tailscale IPs\n"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (headers["Pod-IPv4"], headers["Pod-IPv6"]) == ("10.0.0.7", "fd00::7")
    world.lapi.bus.publish(notify.running())
    status, headers, body = world.wait_http("/healthz", 200)
    assert body == b"ok"
    assert (headers["Pod-IPv4"], headers["Pod-IPv6"]) == ("10.0.0.7", "fd00::7")
    status, headers, body = world.http("/healthz", "HEAD")
    assert (status, body, headers["Pod-IPv4"]) == (200, b"", "10.0.0.7")


def reasons(answer):
    """The codes of a /readyz, in their order; the document is as documented."""
    status, headers, body = answer
    document = json.loads(body)
    assert headers["Content-Type"] == "application/json"
    assert document["ready"] == (status == 200)
    if document["ready"]:
        assert document == {"ready": True}
        return []
    for reason in document["reasons"]:
        assert set(reason) == {"code", "message", "since", "hint"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", reason["since"])
        assert reason["message"] and reason["hint"]
    return [reason["code"] for reason in document["reasons"]]


def test_readyz(world):
    """Why the node is not ready, by the codes of its conditions; nothing to say when it is."""
    world.start(dict(HEALTH, TS_LOCAL_ADDR_PORT=f"127.0.0.1:{world.local_port}", POD_IPS="10.0.0.7"))
    answer = world.wait_http("/readyz", 503)
    assert answer[1]["Pod-IPv4"] == "10.0.0.7"
    assert reasons(answer) == ["Starting", "NoAddresses"]
    world.lapi.bus.publish(notify.running())
    answer = world.wait_http("/readyz", 200)
    assert (reasons(answer), answer[1]["Pod-IPv4"]) == ([], "10.0.0.7")
    world.lapi.bus.publish(notify.state(notify.STOPPED))
    world.program.wait_log_part("condition Stopped: ")
    assert reasons(world.http("/readyz")) == ["Stopped", "NotRunning"]
    assert world.http("/livez")[0] == 200
    world.lapi.bus.publish(notify.running())
    assert reasons(world.wait_http("/readyz", 200)) == []


def test_readyz_when_forwarding_is_lost(world):
    """A node with addresses stays healthy, as with the reference; it is not ready while the kernel does not forward."""
    switch = world.root / "proc/sys/net/ipv4/ip_forward"
    start(world, dict(HEALTH, TS_USERSPACE="false", TS_DEST_IP="10.0.0.9"), "127.0.0.1")
    assert reasons(world.wait_http("/readyz", 200)) == []
    switch.unlink()
    switch.mkdir()  # not even root can write it
    assert reasons(world.wait_http("/readyz", 503)) == ["ForwardingOff"]
    assert world.http("/healthz")[0] == 200
    switch.rmdir()
    switch.write_text("0")
    assert reasons(world.wait_http("/readyz", 200)) == []
    assert switch.read_text() == "1"


def test_livez(world):
    """Alive, whatever the node does."""
    world.start(dict(HEALTH, TS_LOCAL_ADDR_PORT=f"127.0.0.1:{world.local_port}"))
    assert world.wait_http("/livez", 200)[2] == b"ok"
    world.lapi.bus.publish(notify.running())
    world.wait_http("/healthz", 200)
    assert world.http("/livez", "HEAD")[0] == 200


def test_both_families(world):
    """[::] accepts IPv4 and IPv6."""
    start(world, HEALTH, "[::]")
    world.wait_http("/healthz", 200)
    with socket.create_connection(("::1", world.local_port), 5) as six:
        six.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b" 200 " in six.recv(4096)


@pytest.mark.parametrize("env", [{}, {"POD_IPS": "::1"}], ids=["alone", "pod_ips"])
def test_pod_ipv6_address_is_bracketed(world, env):
    """The Pod's IPv6 address without brackets is understood, also where POD_IPS is not set."""
    world.start_running(dict(HEALTH, TS_LOCAL_ADDR_PORT=f"::1:{world.local_port}", **env))
    with socket.create_connection(("::1", world.local_port), 5) as six:
        six.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b" 200 " in six.recv(4096)


@pytest.mark.parametrize("env,path,status", [
    (METRICS, "/healthz", 404), (METRICS, "/readyz", 404), (METRICS, "/livez", 404), (HEALTH, "/metrics", 404), (HEALTH, "/debug/", 404),
    (BOTH, "/", 404), (BOTH, "/healthz/", 404), (BOTH, "/nothing", 404), (BOTH, "/metrics/x", 404),
    (BOTH, "/internal-egress-services-preshutdown", 404)])
def test_not_found(world, env, path, status):
    """What is not enabled or not there."""
    start(world, env)
    answer, headers, body = world.http(path)
    assert answer == status
    assert body == b"404 page not found\n"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_wrong_method(world, method, path):
    """Other methods are refused, and the right ones named."""
    start(world, BOTH)
    status, headers, _ = world.http(path, method)
    assert status == 405
    assert headers["Allow"] == "GET, HEAD"


def test_metrics_are_relayed(world):
    """Status, all headers, body; headers that the daemon refuses never reach it."""
    world.lapi.usermetrics = Reply(203, b"a 1\nb 2\n", [("X-Twice", "1"), ("X-Twice", "2")],
                                   "text/plain; version=0.0.4")
    start(world, METRICS)
    asked = {"Referer": "http://x", "Origin": "http://x", "Host": "pod:9002"}
    status, headers, body = world.http("/metrics", headers=asked)
    assert (status, body) == (203, b"a 1\nb 2\n")
    assert headers.get_all("X-Twice") == ["1", "2"]
    assert headers["Content-Type"] == "text/plain; version=0.0.4"
    status, _, body = world.http("/metrics", "HEAD")
    assert (status, body) == (203, b"")


def test_metrics_without_the_daemon(world):
    """A daemon that cannot be reached."""
    start(world, METRICS)
    world.lapi.stop()
    status, _, body = world.http("/metrics")
    assert status == 500
    assert body.startswith(b"failed to proxy request: ")


def test_big_metrics(world):
    """Metrics of some megabytes pass whole."""
    text = b"metric 1\n" * 300000
    world.lapi.usermetrics = Reply(200, text, content_type="text/plain")
    start(world, METRICS)
    assert world.http("/metrics", timeout=20)[2] == text


def test_debug_not_configured(world):
    """Without an address there is nothing to debug."""
    start(world, METRICS)
    status, _, body = world.http("/debug/pprof/")
    assert (status, body) == (404, b"debug endpoint not configured\n")


def test_debug_is_relayed(world):
    """Path and query reach the daemon's debug server."""
    asked = []

    def handler(request):
        asked.append((request.method, request.target))
        return Reply(200, b"profile", content_type="application/octet-stream")
    server = Server(handler)
    listener = socket.create_server(("127.0.0.1", 0))
    server.listen(listener)
    try:
        start(world, dict(METRICS, TS_DEBUG_ADDR_PORT="127.0.0.1:%d" % listener.getsockname()[1]))
        status, headers, body = world.http("/debug/pprof/heap?seconds=1&x=%20")
        assert (status, body) == (200, b"profile")
        assert headers["Content-Type"] == "application/octet-stream"
        assert asked == [("GET", "/debug/pprof/heap?seconds=1&x=%20")]
    finally:
        server.close()


def test_debug_redirects(world):
    """`/debug` leads to `/debug/`."""
    start(world, METRICS)
    status, headers, _ = world.http("/debug")
    assert status in (301, 307, 308)
    assert headers["Location"] == "/debug/"


def test_listeners_are_logged(world):
    """What runs where is in the log."""
    start(world, BOTH)
    address = f"127.0.0.1:{world.local_port}"
    assert world.program.has_log(f"Running healthcheck endpoint at {address}/healthz")
    assert world.program.has_log(f"Running metrics endpoint at {address}/metrics")


def test_deprecated_listener(world):
    """The old variable warns and works."""
    env = {"TS_HEALTHCHECK_ADDR_PORT": f"127.0.0.1:{world.health_port}"}
    world.start_running(env)
    world.wait_http("/healthz", 200, port=world.health_port)
    assert world.program.log_count("[warning] TS_HEALTHCHECK_ADDR_PORT is deprecated and will be "
                                   "removed in 1.82.0.")


def test_address_in_use(world):
    """An address that is taken is fatal and named."""
    with socket.create_server(("127.0.0.1", world.local_port)):
        world.lapi.bus.publish(notify.running())
        address = f"127.0.0.1:{world.local_port}"
        program = world.start(dict(HEALTH, TS_LOCAL_ADDR_PORT=address))
        assert program.wait_exit() == 1
        assert f'failed to listen on addr "{address}": ' in program.output()
    wait_until(lambda: not world.daemon_pids(), 3, "daemon gone")


def test_pipelining(world):
    """Several requests at once are answered in order, or the connection is closed in order."""
    start(world, BOTH)
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = raw(world, one + one + last)
    statuses = [part.split()[0] for part in answer.split(b"HTTP/1.1 ")[1:]]
    if b"connection: close" in answer.split(b"\r\n\r\n")[0].lower():
        assert statuses == [b"200"]
    else:
        assert statuses == [b"200", b"200", b"404"]


HOSTILE = {
    "nonsense": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "no_version": b"GET /healthz\r\n\r\n",
    "endless_head": b"GET /healthz HTTP/1.1\r\n" + b"X-A: b\r\n" * 100000 + b"\r\n",
    "endless_line": b"GET /" + b"a" * 1000000 + b" HTTP/1.1\r\n\r\n",
    "nul": b"GET /healthz\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad_length": b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "two_lengths": b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                   b"Content-Length: 50\r\n\r\nhello",
    "big_body": b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nxxxxx",
    "smuggled": b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                b"Content-Length: 4\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "dot_path": b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes(world, name):
    """Nonsense is refused or cut off, and the next client is served."""
    start(world, BOTH)
    with contextlib.suppress(OSError):
        answer = raw(world, HOSTILE[name], 3)
        assert b"root:" not in answer
        assert not answer.startswith(b"HTTP/1.1 200")
    assert world.http("/healthz")[0] == 200


def test_slow_head(world):
    """Clients that never finish their head do not keep others out."""
    start(world, BOTH)
    slow = [socket.create_connection(("127.0.0.1", world.local_port), 5) for _ in range(10)]
    try:
        for number in range(5):
            for sock in slow:
                with contextlib.suppress(OSError):
                    sock.sendall(b"GET /hea" if number == 0 else b"l")
            assert world.http("/healthz")[0] == 200
    finally:
        for sock in slow:
            sock.close()


def test_idle_clients(world):
    """Eighty connections that say nothing do not keep others out."""
    start(world, BOTH)
    idle = [socket.create_connection(("127.0.0.1", world.local_port), 5) for _ in range(80)]
    try:
        for _ in range(5):
            assert world.http("/healthz")[0] == 200
    finally:
        for sock in idle:
            sock.close()


def test_vanishing_clients(world):
    """Clients that go away in the middle of an answer do no harm."""
    world.lapi.usermetrics = Reply(200, b"x" * 5_000_000, content_type="text/plain")
    start(world, BOTH)
    for number in range(40):
        with socket.create_connection(("127.0.0.1", world.local_port), 5) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            path = b"/metrics" if number % 2 else b"/healthz"
            sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert world.http("/healthz")[0] == 200


def test_reader_that_does_not_read(world):
    """A client that asks for much and reads nothing does not block the others."""
    world.lapi.usermetrics = Reply(200, b"x" * 2_000_000, content_type="text/plain")
    start(world, BOTH)
    with socket.create_connection(("127.0.0.1", world.local_port), 5) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        for _ in range(10):
            assert world.http("/healthz")[0] == 200


def test_many_at_once(world):
    """Two hundred requests at the same time are all answered."""
    start(world, BOTH)
    answers = []

    def ask():
        with contextlib.suppress(OSError):
            answers.append(world.http("/healthz", timeout=10)[0])
    threads = [threading.Thread(target=ask) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) >= 190, answers


def test_slow_metrics_do_not_block_health(world):
    """While the daemon does not answer, /healthz does."""
    def hang(request):
        while not request.connection.peer_gone():
            request.connection.closed.wait(0.05)
    world.lapi.answers["usermetrics"] = hang
    start(world, BOTH)
    with socket.create_connection(("127.0.0.1", world.local_port), 5) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        world.lapi.wait_asked("GET", "usermetrics")
        assert world.http("/healthz")[0] == 200


def test_a_low_port_without_its_capability(world):
    """The last line names the address, the capability and the way out."""
    program = world.start({"TS_ENABLE_HEALTH_CHECK": "true", "TS_LOCAL_ADDR_PORT": "127.0.0.1:81"},
                          wrapper=("setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-all"))
    assert program.wait_exit() == 1
    assert program.lines()[-1].endswith(
        'failed to listen on addr "127.0.0.1:81": listen tcp 127.0.0.1:81: bind: Permission denied: such a low '
        "port needs the capability NET_BIND_SERVICE; use one of 1024 or more")


def test_another_port_that_is_refused(world):
    """As by a security module: no capability is the remedy, and no other port."""
    reserve = "echo 9000 >/proc/sys/net/ipv4/ip_unprivileged_port_start && exec \"$@\""
    program = world.start({"TS_ENABLE_HEALTH_CHECK": "true", "TS_LOCAL_ADDR_PORT": "127.0.0.1:8081"},
                          wrapper=("unshare", "--net", "sh", "-c", reserve, "sh",
                                   "setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-all"))
    assert program.wait_exit() == 1
    assert program.lines()[-1].endswith("listen tcp 127.0.0.1:8081: bind: Permission denied")
