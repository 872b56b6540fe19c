"""The fake of Tailscale's API when it is made to fail, its log of calls, and the control server behind it."""

import json
import socket
import ssl
import time

import pytest

from . import certs, faults
from .api_client import PREFIX, TAILNET, ApiClient
from .httpserver import Reply, Server
from .tailscale_api import FakeTailscaleApi, HeadscaleTailnet, answers
from .tailscale_api.routes import KINDS, expand


@pytest.fixture
def api(tmp_path):
    """A fresh API over a tailnet in memory, with its log in a file, too."""
    made = FakeTailscaleApi(log_path=tmp_path / "calls.jsonl")
    yield made
    made.close()
    assert not made.failures


@pytest.fixture
def client(api):
    """A client that may do everything and has its token."""
    made = ApiClient(api)
    made.log_in()
    return made


def test_kinds():
    assert expand("*") == set(KINDS)
    assert expand("keys") == {"keys.create", "keys.list", "keys.get", "keys.delete"}
    assert expand(("keys.get", "settings.get")) == {"keys.get", "settings.get"}
    with pytest.raises(ValueError):
        expand(("keys", "webhooks"))


def test_status_and_retry_after(api, client):
    api.fault("keys", answers.retry_after(7))
    api.fault("keys.create", answers.status(500), times=2)
    status, body, headers = client.request("GET", f"{TAILNET}/keys")
    assert (status, body["message"], headers["Retry-After"]) == (429, "rate limit exceeded", "7")
    assert [client.new_key()[0] for _ in range(3)] == [500, 500, 200]
    api.fault("devices", answers.forbidden(), times=None)
    assert client.call("GET", f"{TAILNET}/devices")[1] == {"message": answers.NOT_PERMITTED, "status": 403}
    api.clear_faults()
    assert client.call("GET", f"{TAILNET}/devices")[0] == 200


def test_lost_answer_has_taken_effect(api, client):
    api.fault("keys.create", faults.lost_answer())
    with pytest.raises(ConnectionError):
        client.new_key()
    assert len(api.tailnet.keys()) == 1
    api.fault("keys.create", faults.close())
    with pytest.raises(ConnectionError):
        client.new_key()
    assert len(api.tailnet.keys()) == 1
    assert [call.status for call in api.calls.wait(2, "keys.create")] == [0, 0]


def test_delay_and_what_follows_it(api, client):
    api.fault("keys.create", answers.delay(0.2))
    assert client.new_key()[0] == 200
    api.fault("keys.create", answers.delay(0.2, then=answers.status(503)))
    assert client.new_key()[0] == 503
    assert all(call.seconds >= 0.2 for call in api.calls.wait(2, "keys.create"))


def test_request_whose_client_gives_up_has_no_effect(api, client):
    gate = faults.Gate()
    api.fault("keys.create", gate)
    with socket.create_connection(api.address) as sock:
        sock.sendall(f"POST {TAILNET}/keys HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        assert gate.reached.wait(5)
    api.calls.wait(1, "keys.create")
    assert api.tailnet.keys() == []


def test_token_endpoint_fails(api):
    client = ApiClient(api)
    api.fault("oauth.token", answers.status(500))
    assert client.log_in()[0] == 500
    assert client.log_in()[0] == 200


def test_down_and_back(api, client):
    api.stop()
    with pytest.raises(ConnectionError):
        client.call("GET", f"{TAILNET}/keys")
    api.start()
    assert client.call("GET", f"{TAILNET}/keys")[0] == 200


def test_log_of_calls(api, client, tmp_path):
    before = time.monotonic()
    key = client.new_key()[1]
    client.call("GET", f"{TAILNET}/devices?tags=tag:a")
    client.request("GET", f"{TAILNET}/devices")
    calls = api.calls.wait(3, "keys", "devices")
    assert [(c.method, c.path, c.status, c.client) for c in calls] == [
        ("POST", f"{TAILNET}/keys", 200, "operator"), ("GET", f"{TAILNET}/devices", 200, "operator"),
        ("GET", f"{TAILNET}/devices", 401, "")]
    assert before <= calls[0].when <= calls[1].when <= calls[2].when and calls[0].seconds >= 0
    text = (tmp_path / "calls.jsonl").read_text()
    assert [json.loads(line)["kind"] for line in text.splitlines()] == [
        "oauth.token", "keys.create", "devices.list", "devices.list"]
    for secret in [key["key"], client.token, *api.access.secrets()]:
        assert secret not in text and secret not in repr(api.calls.of()) and secret not in repr(client.client)
    api.calls.clear()
    assert api.calls.count() == 0


# -- Headscale


class Headscale:
    """Its command line as far as it is used, with the fields that 0.29 prints."""

    def __init__(self):
        self.keys, self.nodes, self.asked = [], [], []

    def run(self, *arguments):
        """One call."""
        self.asked.append(arguments)
        if arguments[:2] == ("preauthkeys", "create"):
            self.keys.append({"id": len(self.keys) + 1, "key": "hskey-auth-a-b", "acl_tags": ["tag:k8s"],
                              "expiration": {"seconds": int(time.time()) + 60}, "created_at": {"seconds": 1}})
            return self.keys[-1]
        return {("preauthkeys", "list"): self.keys, ("nodes", "list"): self.nodes,
                ("users", "list"): [{"id": 4}]}.get(arguments[:2])


@pytest.fixture
def headscale():
    return Headscale()


@pytest.fixture
def behind(headscale):
    """A client of an API in front of that Headscale."""
    api = FakeTailscaleApi(HeadscaleTailnet(headscale.run, "tail.test"))
    yield ApiClient(api)
    api.close()
    assert not api.failures


def test_headscale_mints_the_key(headscale, behind):
    status, key = behind.new_key(expirySeconds=60, description="one")
    assert (status, key["id"], key["key"], key["description"]) == (200, "1", "hskey-auth-a-b", "one")
    assert headscale.asked == [("preauthkeys", "create", "--expiration", "60s", "--tags", "tag:k8s")]
    headscale.keys.append({"id": 2, "expiration": {"seconds": 5}})
    headscale.keys.append({"id": 3, "used": True})
    headscale.keys.append({"id": 4, "used": True, "reusable": True})
    assert [k["id"] for k in behind.call("GET", f"{TAILNET}/keys")[1]["keys"]] == ["1", "4"]
    assert behind.call("DELETE", f"{TAILNET}/keys/1")[0] == 200
    assert headscale.asked[-1] == ("preauthkeys", "delete", "--id", "1", "--force")
    assert behind.new_key(tags=())[0] == 400
    behind.token = behind.api.access.add_token()
    assert behind.new_key(tags=())[0] == 200
    assert headscale.asked[-1] == ("preauthkeys", "create", "--expiration", "7776000s", "--user", 4)


def test_headscale_has_the_devices(headscale, behind):
    headscale.nodes = [{"id": 7, "name": "pg-0", "given_name": "pg-0-x", "ip_addresses": ["100.64.0.7"],
                        "tags": ["tag:k8s"], "available_routes": ["10.0.0.0/8"], "online": True,
                        "created_at": {"seconds": 1700000000}}]
    device = behind.call("GET", f"{TAILNET}/devices?fields=all&tags=tag:k8s")[1]["devices"][0]
    assert (device["id"], device["nodeId"], device["name"], device["created"], device["advertisedRoutes"]) == (
        "7", "7", "pg-0-x.tail.test", "2023-11-14T22:13:20Z", ["10.0.0.0/8"])
    for action, body, asked in (
            ("routes", {"routes": ["10.0.0.0/8"]}, ("nodes", "approve-routes", "--identifier", "7", "--routes", "10.0.0.0/8")),
            ("tags", {"tags": ["tag:k8s"]}, ("nodes", "tag", "--identifier", "7", "--tags", "tag:k8s", "--force")),
            ("name", {"name": "a"}, ("nodes", "rename", "--identifier", "7", "a", "--force")),
            ("key", {"keyExpiryDisabled": True}, ("nodes", "expire", "--identifier", "7", "--disable"))):
        headscale.asked.clear()
        assert behind.call("POST", f"{PREFIX}/device/7/{action}", body)[0] == 200
        assert asked in headscale.asked
    assert behind.call("POST", f"{PREFIX}/device/7/authorized", {"authorized": False})[0] == 501
    assert behind.call("DELETE", f"{PREFIX}/device/7")[0] == 200
    assert headscale.asked[-1] == ("nodes", "delete", "--identifier", "7", "--force")


# -- the control server behind the same address


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_other_paths_reach_the_control_server(is_tls):
    def serve(request):
        if request.headers.get("upgrade"):
            request.connection.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            stream = request.connection.stream
            while line := stream.readline():
                request.connection.send(line.upper())
            return None
        return Reply.of_json({"path": request.target, "body": request.body.decode()})

    def connect(address):
        sock = socket.create_connection(address, timeout=5)
        return trusting.wrap_socket(sock, server_hostname="127.0.0.1") if is_tls else sock

    def ask(head, body=b""):
        with connect(api.address) as sock:
            sock.sendall(f"{head} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            return sock.makefile("rb").read()

    certificate = certs.server_certificate()
    trusting = ssl.create_default_context(cadata=certificate.pem)
    context = certificate.context() if is_tls else None
    control = Server(serve, context)
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    control.listen(listener)
    api = FakeTailscaleApi(tls=context, dial=lambda: connect(address))
    assert b'{"path": "/key?v=140", "body": ""}' in ask("GET /key?v=140")
    assert b'{"path": "/machine", "body": "text"}' in ask("POST /machine", b"text")
    assert b"API token invalid" in ask(f"GET {TAILNET}/keys")
    with connect(api.address) as sock:
        # What comes right behind the request must not be lost.
        sock.sendall(b"POST /ts2021 HTTP/1.1\r\nUpgrade: tailscale-control-protocol\r\n\r\nearly\n")
        stream = sock.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 101") and stream.readline() == b"\r\n"
        assert stream.readline() == b"EARLY\n"
        for size in (1, 16384, 60000):
            sock.sendall(b"x" * size + b"\n")
            assert stream.readline() == b"X" * size + b"\n"
    assert [call.kind for call in api.calls.of()] == ["keys.list"]
    api.close()
    control.close()
    assert not api.failures and not control.failures
