"""Which servers the client trusts with its token, and what the account's files may hold."""

import pytest
from fakes import certs, notify
from fakes.httpserver import Reply
from fakes.kubeapi import FakeKube
from fakes.waiting import wait_until
from harness import STARTED


def test_certificate_for_another_host(world):
    """A certificate that is trusted but names another host is refused, and boot ends clearly."""
    env = world.kube_env(TS_BOOT_TIMEOUT="1s")
    other = FakeKube(certificate=certs.wrong_name_certificate())
    try:
        world.kube.write_account(world.root, ca=other.certificate.pem)
        program = world.start(dict(env, KUBERNETES_SERVICE_PORT_HTTPS=str(other.port)))
        assert program.wait_exit() == 1
        assert "error setting up for running on Kubernetes: " in program.output()
        assert other.count() == 0
    finally:
        other.close()


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirects_are_not_followed(world, code):
    """The token is not carried elsewhere."""
    thief = FakeKube()
    try:
        path = "/api/v1/namespaces/default/secrets/tailscale"
        where = f"https://127.0.0.1:{thief.port}{path}"
        world.kube.fault(("get", "review"),
                         lambda request, real: Reply(code, b"", [("Location", where)]), None)
        program = world.start(world.kube_env(TS_BOOT_TIMEOUT="1s"))
        assert program.wait_exit() == 1
        assert thief.count() == 0
    finally:
        thief.close()


def test_proxies_are_not_used(world):
    """Proxy variables are for the children; neither API nor LocalAPI goes through them."""
    dead = "http://127.0.0.1:1"
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    world.start_running(world.kube_env(**dict.fromkeys(names, dead)))
    world.wait_key("device_fqdn", "test-node.test.ts.net.")


def test_ca_is_rotated(world):
    """A new CA on disk is taken for new connections."""
    world.start_running(world.kube_env())
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    port, secret = world.kube.port, world.kube.secret
    world.kube.close()
    successor = FakeKube(certificate=certs.Certificate(), port=port)
    successor.secret = secret
    world.replace_kube(successor)
    successor.write_account(world.root)
    world.lapi.bus.publish(notify.running(notify.node(name="renamed.ts.net.")))
    world.wait_key("device_fqdn", "renamed.ts.net.", 15)


@pytest.mark.parametrize("token", ["a\r\nX-Injected: yes", "a\nb", "a\0b", "", "\n"],
                         ids=["header", "newline", "nul", "empty", "blank"])
def test_odd_tokens(world, token):
    """An invalid token is reported, and never becomes a header."""
    env = world.kube_env(TS_BOOT_TIMEOUT="1s")
    folder = world.kube.write_account(world.root)
    (folder / "token").write_bytes(token.encode())
    program = world.start(env)
    assert program.wait_exit() == 1
    assert "error " in program.output()
    for request in world.kube.requests:
        assert "x-injected" not in request.headers


def test_huge_token(world):
    """A token file of some megabytes does no harm."""
    env = world.kube_env(TS_BOOT_TIMEOUT="1s")
    folder = world.kube.write_account(world.root)
    (folder / "token").write_text("x" * 5_000_000)
    assert world.start(env).wait_exit() == 1


def test_namespace_with_newline(world):
    """A newline at the end of the namespace file does no harm."""
    env = world.kube_env()
    folder = world.kube.write_account(world.root)
    (folder / "namespace").write_text("default\n")
    world.lapi.bus.publish(notify.running())
    world.start(env)
    world.program.wait_log(STARTED)


def test_token_file_vanishes(world):
    """A token file that is missing for a moment is survived."""
    world.start_running(world.kube_env())
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    token = world.root / "var/run/secrets/kubernetes.io/serviceaccount/token"
    token.unlink()
    world.kube.token = "rotated"
    world.lapi.bus.publish(notify.running(notify.node(name="renamed.ts.net.")))
    before = world.kube.count("patch")
    wait_until(lambda: world.kube.count("patch") > before or world.program.log_count("token"), 5,
               "a try")
    token.write_text("rotated")
    world.wait_key("device_fqdn", "renamed.ts.net.", 15)
