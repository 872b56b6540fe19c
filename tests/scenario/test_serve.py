"""The serve config file: what is posted when, and what changes nothing."""

import json
import os
import time

import pytest
from fakes import faults, notify
from fakes.httpserver import Drop, Reply
from fakes.waiting import stays_true, wait_until
from harness import STARTED

pytestmark = pytest.mark.both_generations

HTTPS = {"TCP": {"443": {"HTTPS": True}}, "Web": {"${TS_CERT_DOMAIN}:443": {
    "Handlers": {"/": {"Proxy": "http://127.0.0.1:3000"}}}}}
PLAIN = {"TCP": {"80": {"HTTP": True}}}
OTHER = {"TCP": {"81": {"HTTP": True}}}
DOMAIN = "node.tail.ts.net"
WITH_DOMAIN = notify.running(cert_domains=[DOMAIN])


def folder(world):
    """The folder in which the serve config is mounted."""
    made = world.root / "etc/serve"
    made.mkdir(exist_ok=True)
    return made


def mount(world, config):
    """Swap the file in as kubelet does; `config` is a document, bytes, or None for no file."""
    at = folder(world)
    name = f"..{time.monotonic_ns()}"
    (at / name).mkdir()
    if config is not None:
        data = config if isinstance(config, bytes) else json.dumps(config).encode()
        (at / name / "serve.json").write_bytes(data)
    os.symlink(name, at / "..data_tmp")
    if not (at / "serve.json").is_symlink():
        os.symlink("..data/serve.json", at / "serve.json")
    os.rename(at / "..data_tmp", at / "..data")


def env(world, **more):
    """The environment with the file."""
    return dict({"TS_SERVE_CONFIG": folder(world) / "serve.json"}, **more)


def applied(world):
    """All posted documents after the reset, in order."""
    posts = world.lapi.bodies("POST", "serve-config")
    assert not posts or strip(posts[0]) == {}, "the first post is the reset"
    return [strip(p) for p in posts[1:]]


def strip(document):
    """Without members that are null or empty, which mean the same as absent ones."""
    if not isinstance(document, dict):
        return document
    return {k: strip(v) for k, v in document.items() if v not in (None, {}, [], False, "")}


def wait_applied(world, wanted, timeout=5):
    """Wait until exactly these documents were posted."""
    wait_until(lambda: applied(world) == wanted, timeout,
               lambda: f"posted {applied(world)} instead of {wanted}")


def start(world, config, message=None, **more):
    """Start with that file; returns when start-up is complete."""
    mount(world, config)
    world.start_running(env(world, **more), message)


def test_reset_then_applied(world):
    """The old config is unset first, then the file is applied, once, without condition."""
    start(world, PLAIN)
    wait_applied(world, [PLAIN])
    for post in world.lapi.asked("POST", "serve-config"):
        assert post.headers.get("if-match", "") == ""
    assert world.program.has_log("serve proxy: unsetting previous config")
    assert world.program.has_log("serve proxy: applying serve config")
    stays_true(lambda: applied(world) == [PLAIN], 0.5, "posted once")


def test_reset_fails_for_ever(world):
    """A daemon that does not forget the old config ends boot."""
    world.lapi.answers["serve-config"] = lambda r: Reply(500, b'{"Error":"no way"}')
    world.lapi.bus.publish(notify.running())
    mount(world, PLAIN)
    program = world.start(env(world, TS_BOOT_TIMEOUT="1s"))
    assert program.wait_exit() == 1
    assert "failed to unset serve config: " in program.output()
    assert "no way" in program.output()


def test_missing_file(world):
    """No file is fine; it is applied when it comes."""
    (world.root / "etc/serve").mkdir()
    world.start_running(env(world))
    path = folder(world) / "serve.json"
    world.program.wait_log(f'serve proxy: no serve config at "{path}", skipping')
    assert applied(world) == []
    mount(world, PLAIN)
    wait_applied(world, [PLAIN])


def test_missing_folder(world):
    """Neither is there a folder yet."""
    path = world.root / "etc/later/serve.json"
    world.start_running({"TS_SERVE_CONFIG": path})
    stays_true(world.program.alive, 0.3, "alive")
    path.parent.mkdir()
    path.write_text(json.dumps(PLAIN))
    wait_applied(world, [PLAIN], 8)


def test_empty_file(world):
    """An empty file is skipped."""
    start(world, b"")
    world.program.wait_log("serve proxy: serve config file is empty, skipping")
    assert applied(world) == []
    mount(world, PLAIN)
    wait_applied(world, [PLAIN])


BROKEN = {"json": b'{"TCP":', "list": b"[]", "nul": b"{\0}", "web_without_port": json.dumps(
    {"Services": {"svc:a": {"Web": {"host": {}}}}}).encode(), "deep": b"[" * 100000,
          "wrong_type": b'{"TCP":5}', "trailing": b"{} {}"}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file(world, name):
    """A broken file changes nothing, is logged once, and a good one is accepted afterwards."""
    start(world, PLAIN, TS_EXPERIMENTAL_CERT_SHARE="true", POD_NAME="p-0")
    wait_applied(world, [PLAIN])
    before = len(world.program.lines())
    mount(world, BROKEN[name])
    wait_until(lambda: len(world.program.lines()) > before, 5, "the reason")
    for _ in range(3):
        mount(world, BROKEN[name])
        stays_true(world.program.alive, 0.2, "alive")
    assert len(world.program.lines()) - before <= 3, "logged once"
    mount(world, OTHER)
    wait_applied(world, [PLAIN, OTHER])


def test_broken_from_the_start(world):
    """A file that is broken at boot does not prevent start-up."""
    start(world, b"{ nonsense")
    stays_true(world.program.alive, 0.5, "alive")
    mount(world, PLAIN)
    wait_applied(world, [PLAIN])


def test_removed_file_changes_nothing(world):
    """A removed file never unsets what is served."""
    start(world, PLAIN)
    wait_applied(world, [PLAIN])
    os.unlink(folder(world) / "serve.json")
    stays_true(lambda: applied(world) == [PLAIN], 0.5, "nothing posted")
    assert world.program.alive()


def test_swapped(world):
    """Each new version is applied once, whatever number of events it makes."""
    start(world, PLAIN)
    wait_applied(world, [PLAIN])
    mount(world, OTHER)
    wait_applied(world, [PLAIN, OTHER])
    mount(world, PLAIN)
    wait_applied(world, [PLAIN, OTHER, PLAIN])
    stays_true(lambda: len(applied(world)) == 3, 0.5, "no more posts")


def test_rewritten_in_place(world):
    """A bind-mounted file is rewritten in place."""
    path = folder(world) / "serve.json"
    path.write_text(json.dumps(PLAIN))
    world.start_running(env(world))
    wait_applied(world, [PLAIN])
    with open(path, "r+", encoding="ascii") as f:
        f.truncate()
        f.write(json.dumps(OTHER))
    wait_applied(world, [PLAIN, OTHER])


def test_same_document_again(world):
    """Another spelling of the same document is no change."""
    start(world, PLAIN)
    wait_applied(world, [PLAIN])
    mount(world, b'  {"TCP" : {"80":{ "HTTP":true } } }\n')
    stays_true(lambda: applied(world) == [PLAIN], 0.7, "no change")


def test_placeholder(world):
    """The placeholder becomes the domain of the certificate."""
    start(world, HTTPS, WITH_DOMAIN)
    wait_until(lambda: applied(world), 5, "applied")
    assert list(applied(world)[0]["Web"]) == [DOMAIN + ":443"]


def test_placeholder_waits_for_the_domain(world):
    """Before the first network map nothing is filled in."""
    mount(world, HTTPS)
    world.lapi.bus.publish(notify.state(notify.RUNNING))
    world.start(env(world))
    world.wait_cli_calls("up", 1)
    world.lapi.bus.wait_watchers(1)
    stays_true(lambda: applied(world) == [], 0.4, "nothing applied")
    world.lapi.bus.publish(WITH_DOMAIN)
    wait_until(lambda: applied(world), 5, "applied")
    assert list(applied(world)[0]["Web"]) == [DOMAIN + ":443"]


def test_domain_changes(world):
    """Another domain is filled in."""
    start(world, HTTPS, WITH_DOMAIN)
    wait_until(lambda: len(applied(world)) == 1, 5, "applied")
    world.lapi.bus.publish(notify.running(cert_domains=["other.tail.ts.net"]))
    wait_until(lambda: len(applied(world)) == 2, 5, "applied again")
    assert list(applied(world)[1]["Web"]) == ["other.tail.ts.net:443"]


def test_domain_from_dns_config(world):
    """The domain may also come from dns-config after a change of the own node."""
    start(world, HTTPS)
    world.lapi.dns_config = {"CertDomains": [DOMAIN], "ExtraRecords": None}
    world.lapi.bus.publish({"SelfChange": notify.node()}, remember=False)
    wait_until(lambda: any(DOMAIN + ":443" in a.get("Web", {}) for a in applied(world)), 5,
               "applied with the domain")


def test_no_https_is_not_posted(world):
    """A tailnet without HTTPS: the notice, no post, and still the endpoint in the Secret."""
    mount(world, HTTPS)
    world.start_running(world.kube_env(**env(world)))
    world.wait_key("https_endpoint", "no-https")
    assert world.program.log_count("serve proxy: this node is configured as a proxy that exposes "
                                   "an HTTPS endpoint")
    assert applied(world) == []


def test_endpoint_in_the_secret(world):
    """https_endpoint follows the domain."""
    mount(world, HTTPS)
    world.start_running(world.kube_env(**env(world)), WITH_DOMAIN)
    world.wait_key("https_endpoint", DOMAIN)


def test_endpoint_only_after_the_post(world):
    """The endpoint is not published before the config is applied."""
    def refuse(request):
        if request.method == "GET" or strip(request.json()) == {}:
            return Reply.of_json({})
        return Reply(500, b'{"Error":"not yet"}')
    world.lapi.answers["serve-config"] = refuse
    mount(world, HTTPS)
    world.start_running(world.kube_env(**env(world)), WITH_DOMAIN)
    wait_until(lambda: len(applied(world)) >= 2, 8, "tries")
    assert "https_endpoint" not in world.kube.get()
    assert world.program.alive()
    del world.lapi.answers["serve-config"]
    world.wait_key("https_endpoint", DOMAIN, 10)


def test_endpoint_write_fails(world):
    """A failing write of the endpoint is kept, not fatal."""
    mount(world, PLAIN)
    world.start_running(world.kube_env(**env(world)))
    world.wait_key("https_endpoint", "no-https")
    world.kube.fault("patch", faults.status(500), 2)
    mount(world, HTTPS)
    world.lapi.bus.publish(WITH_DOMAIN)
    world.wait_key("https_endpoint", DOMAIN, 15)


@pytest.mark.parametrize("kind", ["status", "closed", "412"])
def test_post_fails(world, kind):
    """A refused config is tried again, and the program stays."""
    start(world, PLAIN)
    wait_applied(world, [PLAIN])

    def answer(request):
        if request.method == "GET":
            return Reply.of_json({})
        if kind == "closed":
            raise Drop
        return Reply(412 if kind == "412" else 500, b'{"Error":"etag mismatch"}')
    world.lapi.answers["serve-config"] = answer
    mount(world, OTHER)
    wait_until(lambda: len(applied(world)) >= 2, 5, "a try")
    assert world.program.alive()
    del world.lapi.answers["serve-config"]
    count = len(applied(world))
    wait_until(lambda: len(applied(world)) > count, 10, "another try")
    assert applied(world)[-1] == OTHER


@pytest.mark.parametrize("then", [PLAIN, b"{broken"], ids=["reverted", "broken"])
def test_post_fails_and_is_no_longer_wanted(world, then):
    """What was served before is posted again, since a post that failed may have had its effect."""
    start(world, PLAIN)
    wait_applied(world, [PLAIN])
    lapi = world.lapi
    lapi.answers["serve-config"] = lambda request: Reply(500, b'{"Error":"no"}')
    mount(world, OTHER)
    world.program.wait_log_part("condition ServeApplyFailed")
    mount(world, then)
    wait_until(lambda: applied(world)[-1] == PLAIN, 5, "posted again")
    del lapi.answers["serve-config"]
    world.program.wait_log_part("condition ServeApplyFailed cleared")
    assert applied(world)[-1] == PLAIN


def test_services_reach_the_daemon(world):
    """Services are part of what is posted."""
    config = dict(PLAIN, Services={"svc:a": {"TCP": {"443": {"HTTPS": True}}, "Web": {
        "a.tail.ts.net:443": {"Handlers": {"/": {"Text": "hi"}}}}}})
    start(world, config, WITH_DOMAIN)
    wait_until(lambda: applied(world), 5, "applied")
    assert applied(world)[0]["Services"]["svc:a"]["TCP"] == {"443": {"HTTPS": True}}


def test_services_format(world):
    """The format of `tailscale serve set-config` is translated, and what it withholds is not
    advertised."""
    world.lapi.stateful_serve = True
    start(world, {"version": "0.0.1", "services": {
        "svc:web": {"endpoints": {"tcp:443": "http://127.0.0.1:80"}},
        "svc:db": {"endpoints": {"tcp:5432": "tcp://db:5432"}, "advertised": False}}})
    wait_applied(world, [{"Services": {
        "svc:web": {"TCP": {"443": {"HTTP": True}}, "Web": {"web.test.ts.net:443": {
            "Handlers": {"/": {"Proxy": "http://127.0.0.1:80"}}}}},
        "svc:db": {"TCP": {"5432": {"TCPForward": "db:5432"}}}}}])
    wait_until(lambda: world.lapi.prefs.get("AdvertiseServices") == ["svc:web"], 5, "advertised")
    stays_true(lambda: world.lapi.prefs["AdvertiseServices"] == ["svc:web"], 0.5, "as it is")


@pytest.mark.parametrize("config, reason", [
    ({"services": {"svc:a": {"endpoints": {"tcp:443": "http://h:1"}}}}, 'has no "version"'),
    ({"version": "0.0.1", "services": {"svc:a": {"endpoints": {"udp:1": "tcp://h:1"}}}},
     'service "svc:a": endpoint "udp:1": only ports of TCP can be served'),
    ({"version": "0.0.1", "serving": {}}, 'unknown member "serving"')])
def test_services_format_refused(world, config, reason):
    """By name, and nothing becomes an empty service."""
    start(world, config)
    world.program.wait_log_part("condition ServeConfigInvalid: ")
    assert reason in world.program.output()
    stays_true(lambda: applied(world) == [], 0.3, "nothing posted")
    assert world.lapi.count("PATCH", "prefs") == 0


def test_unknown_members_are_named_once(world):
    """The daemon passes over them in silence."""
    config = {"TCP": {"80": {"HTTP": True, "Htps": True}}}
    start(world, config)
    wait_applied(world, [config])
    mount(world, dict(config, Web={}))
    wait_applied(world, [config, config])
    assert world.program.log_count("unknown members, which tailscaled passes over: TCP.80.Htps") == 1


def test_keys_without_regard_to_case(world):
    """Keys compare without regard to case; the daemon gets what it understands."""
    start(world, b'{"tcp":{"80":{"http":true}}}')
    wait_until(lambda: applied(world), 5, "applied")
    assert json.dumps(applied(world)[0]).lower() == json.dumps(PLAIN).lower()


def test_start_up_does_not_wait_for_the_file(world):
    """A slow daemon answer to the config does not hold start-up back for ever."""
    mount(world, PLAIN)
    world.lapi.bus.publish(notify.running())
    world.start(env(world))
    world.program.wait_log(STARTED)
    assert world.program.stop() == 0
