"""TLS with private authorities, and proxies."""

import contextlib
import socket
import threading

import pytest

from fakes import certs
from fakes.waiting import wait_until


class Proxy:
    """An HTTP proxy that only knows CONNECT; `asked` are the lines of requests with their headers."""

    def __init__(self, target, status="200 Connection established"):
        self._target = target
        self._status = status
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "%s:%d" % self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096) or b"\r\n\r\n"
        self.asked.append(head.decode())
        client.sendall(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
        if not self._status.startswith("200"):
            client.close()
            return
        server = socket.create_connection(self._target)
        threading.Thread(target=_copy, args=(client, server), daemon=True).start()
        _copy(server, client)

    def close(self):
        """No more of it."""
        self._listener.close()


def _copy(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def secure(new_api):
    """A fake with TLS by a private authority."""
    return new_api(tls=certs.server_certificate().context())


def test_a_private_authority(secure, planes):
    planes.add(secure)
    refused = planes.call("probe")
    assert refused["outcome"] == "Unavailable" and "certificate not trusted" in refused["error"]
    planes.add(secure, "b", ca_pem=certs.server_certificate().pem)
    assert planes.call("probe", "b")["outcome"] == "OK"
    assert planes.new_key("b")["outcome"] == "OK"
    # The authority of one tailnet is not one of the others', and the certificate must be for the host.
    assert planes.call("probe")["outcome"] == "Unavailable"
    planes.add(secure, "c", ca_pem=certs.stranger_certificate().pem)
    assert planes.call("probe", "c")["outcome"] == "Unavailable"


def test_a_certificate_for_another_host(new_api, planes):
    wrong = certs.wrong_name_certificate()
    planes.add(new_api(tls=wrong.context()), ca_pem=wrong.pem)
    refused = planes.call("probe")
    assert refused["outcome"] == "Unavailable" and "certificate not trusted" in refused["error"]


@pytest.mark.parametrize("system, further", [(0, 1), (1, 0)])
def test_further_authorities_are_further(secure, new_planes, monkeypatch, system, further):
    """Those of the system count beside a tailnet's own."""
    both = (certs.server_certificate(), certs.stranger_certificate())
    monkeypatch.setenv("SSL_CERT_FILE", str(both[system].cert_path))
    planes = new_planes()
    planes.add(secure, ca_pem=both[further].pem)
    assert planes.call("probe")["outcome"] == "OK"


def _in_front_of(secure, planes, name="a", proxy=None, **options):
    """A plane whose URL has a name that only the proxy can resolve."""
    url = f"https://example.com:{secure.address[1]}"
    return planes.add(url, name, proxy=proxy, ca_pem=certs.server_certificate().pem, **options)


def test_a_proxy_is_used(secure, planes):
    proxy = Proxy(secure.address)
    for name, url in (("a", proxy.address), ("b", f"http://user:w0rd-of-proxy@{proxy.address}/")):
        assert _in_front_of(secure, planes, name, proxy=url) == ""
        assert planes.call("probe", name)["outcome"] == "OK"
        assert planes.new_key(name)["outcome"] == "OK"
    assert all(head.startswith(f"CONNECT example.com:{secure.address[1]} ") for head in proxy.asked)
    # The credential is for the API alone.
    assert not [head for head in proxy.asked if "Bearer" in head]
    assert "Proxy-Authorization: Basic " in proxy.asked[-1]
    proxy.close()


def test_a_proxy_by_name(secure, planes):
    proxy = Proxy(secure.address)
    port = proxy.address.rpartition(":")[2]
    assert _in_front_of(secure, planes, proxy=f"http://localhost:{port}") == ""
    assert planes.call("probe")["outcome"] == "OK"
    proxy.close()


def test_a_proxy_that_refuses(secure, planes):
    proxy = Proxy(secure.address, "407 Proxy Authentication Required")
    _in_front_of(secure, planes, proxy=f"http://user:w0rd-of-proxy@{proxy.address}")
    refused = planes.call("probe")
    assert refused["outcome"] == "Unavailable" and "407" in refused["error"]
    assert "w0rd-of-proxy" not in refused["error"]
    assert secure.calls.count() == 0
    proxy.close()


def test_hosts_without_a_proxy(secure, planes):
    proxy = Proxy(secure.address)
    planes.add(secure, proxy=proxy.address, ca_pem=certs.server_certificate().pem)
    assert planes.call("probe")["outcome"] == "OK"  # loopback
    _in_front_of(secure, planes, "b", proxy=proxy.address, no_proxy="example.com", timeout_ms=2000)
    planes.call("probe", "b")
    assert proxy.asked == []
    proxy.close()


def test_connections_are_kept(secure, planes):
    planes.add(secure, ca_pem=certs.server_certificate().pem)
    for _ in range(5):
        assert planes.call("list_devices")["outcome"] == "OK"
    wait_until(lambda: secure._server.connection_count() == 1, what="one connection")
