"""Certificates of Services: the writing replica keeps them fresh on one shared subscription."""

import json

import pytest
from fakes import notify
from fakes.httpserver import Reply
from fakes.waiting import stays_true, wait_until

pytestmark = pytest.mark.both_generations

PEM = Reply(200, b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
                 b"-----BEGIN CERTIFICATE-----\ny\n-----END CERTIFICATE-----\n",
            content_type="text/plain")
ONE, TWO = "one.tail.ts.net", "two.tail.ts.net"
CONFIG = {"Services": {
    "svc:one": {"TCP": {"443": {"HTTPS": True}}, "Web": {ONE + ":443": {"Handlers": {}}}},
    "svc:two": {"TCP": {"5432": {"TCPForward": "x:1", "TerminateTLS": TWO}}}},
    "TCP": {"443": {"HTTPS": True}}, "Web": {"top.tail.ts.net:443": {"Handlers": {}}}}


def start(world, config=None, pod="pod-0", domains=(ONE, TWO)):
    """Start as that replica."""
    path = world.root / "etc/serve.json"
    path.write_text(json.dumps(CONFIG if config is None else config))
    world.lapi.cert_domains = list(domains)
    world.lapi.certificates = {ONE: [PEM], TWO: [PEM]}
    world.install("lively")
    world.start_running({"TS_SERVE_CONFIG": path, "TS_EXPERIMENTAL_CERT_SHARE": "true",
                         "POD_NAME": pod, "TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT": "false"},
                        notify.running(cert_domains=["node.tail.ts.net"]))
    return path


def asked(world, domain):
    """How often the certificate of that domain was asked for."""
    return world.lapi.count("GET", "cert/" + domain)


def test_asked_for_each_service(world):
    """Web names on 443 and TerminateTLS names of Services; the top level does not count."""
    start(world)
    world.lapi.wait_asked("GET", "cert/" + ONE)
    request = world.lapi.wait_asked("GET", "cert/" + TWO)[0]
    assert request.query == {"type": ["pair"], "min_validity": ["0s"]}
    stays_true(lambda: asked(world, ONE) == 1 and asked(world, TWO) == 1, 0.6, "once each")
    assert asked(world, "top.tail.ts.net") == 0


def test_reading_replica_asks_nothing(world):
    """Only the first replica writes."""
    start(world, pod="pod-1")
    stays_true(lambda: asked(world, ONE) == 0 and world.lapi.count("GET", "cert-domains") == 0,
               0.6, "nothing asked")


def test_waits_until_the_domain_is_listed(world):
    """A domain that the daemon does not list yet is looked up again when the node changes."""
    start(world, domains=())
    world.lapi.wait_asked("GET", "cert-domains")
    stays_true(lambda: asked(world, ONE) == 0, 0.4, "nothing asked")
    world.lapi.cert_domains = [ONE]
    world.lapi.bus.publish(notify.running(cert_domains=["node.tail.ts.net"]))
    world.lapi.wait_asked("GET", "cert/" + ONE)
    assert asked(world, TWO) == 0


def test_one_subscription(world):
    """No further bus subscription for certificates, and never a full network map."""
    start(world)
    world.lapi.wait_asked("GET", "cert/" + ONE)
    assert world.lapi.bus.count() == 1
    assert not any(mask & 8 for mask in world.lapi.bus.masks)


def test_new_service(world):
    """A Service that is added gets its certificate; the others are left alone."""
    path = start(world, {"Services": {"svc:one": CONFIG["Services"]["svc:one"]}})
    world.lapi.wait_asked("GET", "cert/" + ONE)
    path.write_text(json.dumps(CONFIG))
    world.lapi.wait_asked("GET", "cert/" + TWO)
    stays_true(lambda: asked(world, ONE) == 1, 0.4, "once")


FAILURES = {
    "500": Reply(500, b'{"Error":"acme: no"}'),
    "429": Reply(429, b'{"Error":"rate limited"}', headers=[("Retry-After", "1")]),
    "closed": None,
}


@pytest.mark.parametrize("name", FAILURES)
def test_failure_is_logged(world, name):
    """A failure names domain and next try, and nothing ends."""
    path = world.root / "etc/serve.json"
    start_config = {"Services": {"svc:one": CONFIG["Services"]["svc:one"]}}
    path.write_text(json.dumps(start_config))
    world.lapi.cert_domains = [ONE]
    failure = FAILURES[name]
    # libcurl repeats a request by itself when a connection that it had kept was closed, once for
    # each of them and five times at most
    world.lapi.certificates = {ONE: [failure, PEM] if failure else [None] * 8 + [PEM]}
    world.install("lively")
    world.start_running({"TS_SERVE_CONFIG": path, "TS_EXPERIMENTAL_CERT_SHARE": "true",
                         "POD_NAME": "pod-0"})
    world.lapi.wait_asked("GET", "cert/" + ONE)
    world.program.wait_log_part(f"Error refreshing certificate for {ONE} (retry ")
    assert world.program.alive()
    if name == "429":
        wait_until(lambda: asked(world, ONE) >= 2, 5, "another try after a second")


def test_daemon_is_restarted(world):
    """After a crash of the daemon the certificates are looked after again."""
    start(world)
    world.lapi.wait_asked("GET", "cert/" + ONE)
    world.crash_daemon(2)
    world.lapi.bus.wait_watchers(1)
    assert world.program.alive()
    assert world.program.stop() == 0
