"""The API server during boot: permissions, errors that pass, the deadline, how many requests."""

import time

import pytest
from fakes import certs, faults, notify
from fakes.kubeapi import REVIEWS
from fakes.waiting import stays_true, wait_until
from harness import CAPVER, KUBE, STARTED, UP

SETUP = "error setting up for running on Kubernetes: "
CLIENT = "error initializing kube client: "


def boots(world, env=None, timeout=8):
    """The program gets through its start-up and publishes the node."""
    world.lapi.bus.publish(notify.running())
    world.start(world.kube_env(**(env or {})))
    world.program.wait_log(STARTED, timeout)
    world.wait_key("tailscale_capver", CAPVER)
    world.wait_key("device_fqdn", "test-node.test.ts.net.")


def ends(world, env=None, timeout=10):
    """The program gives up with 1 before the daemon is started; returns its output."""
    program = world.start(world.kube_env(**(env or {})))
    assert program.wait_exit(timeout) == 1
    return program.output()


@pytest.mark.parametrize("env", [{}, {"POD_NAME": "pod-0", "POD_UID": "uid"},
                                 {"TS_AUTHKEY": "k"}])
def test_few_requests(world, env):
    """At most six requests until start-up: two reviews, no probe of Events."""
    world.kube.update({"authkey": "k"})
    world.lapi.bus.publish(notify.running())
    world.start(world.kube_env(**env))
    world.program.wait_log(STARTED)
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    assert world.kube.count() <= 6, world.kube.requests
    reviews = [r.json()["spec"]["resourceAttributes"] for r in world.kube.requests
               if r.path == REVIEWS]
    assert sorted(r["verb"] for r in reviews) == ["patch", "update"]
    assert {(r["resource"], r["name"], r["namespace"]) for r in reviews} == {
        ("secrets", "tailscale", "default")}


TRANSIENT = {
    "503": faults.status(503), "500": faults.status(500), "504_html": faults.html(504),
    "429": faults.retry_after(429, 1), "close": faults.close(), "cut": faults.cut(),
    "not_json": faults.not_json(), "html_502": faults.html(502), "cut_head": faults.cut(20),
    "drip": faults.drip(0.001, 7),
}


@pytest.mark.parametrize("name", TRANSIENT)
@pytest.mark.parametrize("kind", ["review", "get", "patch"])
def test_transient_errors_are_retried(world, name, kind):
    """What may pass is tried again until the deadline."""
    world.kube.fault(kind, TRANSIENT[name], 2)
    boots(world)


@pytest.mark.parametrize("kind", ["review", "get", "patch"])
def test_a_long_retry_after_does_not_fail_the_start(world, kind):
    """A proxy in between that asks for minutes is not obeyed for longer than a few seconds."""
    world.kube.fault(kind, faults.retry_after(503, 120), 1)
    boots(world, {"TS_BOOT_TIMEOUT": "20s"}, 12)


def test_api_server_comes_late(world):
    """The API server does not listen yet."""
    env = world.kube_env()
    world.kube.stop()
    world.lapi.bus.publish(notify.running())
    world.start(env)
    stays_true(world.program.alive, 0.5, "alive during the outage")
    world.kube.start()
    world.program.wait_log(STARTED, 8)


@pytest.mark.parametrize("kind", ["review", "get", "patch"])
def test_deadline_covers_a_hanging_api(world, kind):
    """An API server that never answers ends boot at the deadline, naming it."""
    world.kube.fault(kind, faults.hang(), None)
    begun = time.monotonic()
    output = ends(world, {"TS_BOOT_TIMEOUT": "1s"})
    assert 0.8 < time.monotonic() - begun < 4
    assert "deadline exceeded" in output
    assert world.commands() == []
    if kind != "patch":
        assert SETUP in output


@pytest.mark.parametrize("kind", ["review", "get", "patch"])
def test_deadline_covers_lasting_errors(world, kind):
    """The same for one that only fails; the last error is reported."""
    world.kube.fault(kind, faults.status(503, message="etcd is away"), None)
    output = ends(world, {"TS_BOOT_TIMEOUT": "1s"})
    assert "etcd is away" in output or "503" in output
    assert world.commands() == []


def test_deadline_covers_a_dead_api(world):
    """And for one that is not there."""
    env = world.kube_env(TS_BOOT_TIMEOUT="1s")
    world.kube.stop()
    program = world.start(env)
    assert program.wait_exit() == 1
    assert SETUP in program.output()


@pytest.mark.parametrize("verb", ["get", "update"])
def test_permission_missing(world, verb):
    """`get` and `update` are required."""
    world.kube.denied.add(verb)
    output = ends(world)
    assert "some Kubernetes permissions are missing, please check your RBAC configuration" in output
    assert f'missing {verb} permission on secret "tailscale"' in output
    assert world.commands() == []


def test_authkey_without_patch(world):
    """A key in the Secret needs the right to manage it."""
    world.kube.update({"authkey": "k"})
    world.kube.denied.add("patch")
    output = ends(world)
    assert ("authkey found in TS_KUBE_SECRET, but the pod doesn't have patch permissions on the "
            "Secret to manage the authkey.") in output


def test_no_secret_yet(world):
    """A missing Secret is made by the daemon; what we know is written once it exists."""
    world.kube.secret = None
    world.lapi.bus.publish(notify.running())
    world.start(world.kube_env())
    world.wait_commands([KUBE, UP], 4)
    world.program.wait_log("TS_AUTHKEY not provided and state Secret does not exist, login will be "
                           "interactive if needed.")
    world.kube.set(made="by the daemon")
    world.wait_key("device_fqdn", "test-node.test.ts.net.", 8)
    world.wait_key("device_id", "myID")


def test_no_secret_and_no_right_to_create(world):
    """Without the right to create it that is the end."""
    world.kube.secret = None
    world.kube.denied.add("create")
    output = ends(world)
    assert ("tailscale state Secret tailscale does not exist and we don't have permissions to "
            "create it.") in output


def test_no_patch_no_writes(world):
    """Without the patch permission nothing is ever written."""
    world.kube.denied.add("patch")
    world.start_running(world.kube_env(TS_AUTHKEY="k"))
    assert world.kube.count("patch") == 0


@pytest.mark.parametrize("message", [
    "No authkey found in state Secret and TS_AUTHKEY not provided, login will be interactive if "
    "needed."])
def test_no_key_is_reported_only_when_there_is_none(world, message):
    """The notice appears without a key, and not with one."""
    world.start_running(world.kube_env())
    assert world.program.has_log(message)
    world.program.stop()
    world.kube.update({"authkey": "k"})
    (world.root / "output").unlink()
    world.start_running(world.kube_env())
    assert not world.program.has_log(message)


def test_token_rotated_before_boot(world):
    """A 401 makes the token be read again."""
    env = world.kube_env()
    folder = world.kube.write_account(world.root, token="old")
    gate = faults.Gate()
    world.kube.fault(("review", "get"), gate, None)
    world.lapi.bus.publish(notify.running())
    world.start(env)
    wait_until(gate.reached.is_set, 5, "first request")
    (folder / "token").write_text(world.kube.token)
    gate.open()
    world.program.wait_log(STARTED, 8)


def test_token_with_newline(world):
    """A newline at the end of the token file does no harm."""
    env = world.kube_env()
    folder = world.kube.write_account(world.root)
    (folder / "token").write_text(world.kube.token + "\n")
    world.lapi.bus.publish(notify.running())
    world.start(env)
    world.program.wait_log(STARTED)


def test_wrong_token_for_ever(world):
    """A token that is never accepted is named as such."""
    world.kube.write_account(world.root, token="stranger")
    output = ends(world, {"TS_BOOT_TIMEOUT": "1s"})
    assert SETUP in output
    assert "Unauthorized" in output or "401" in output
    assert "stranger" not in output


@pytest.mark.parametrize("ca", ["stranger", "not_pem", "empty"])
def test_wrong_ca(world, ca):
    """A CA that did not sign the server's certificate is a clear end."""
    env = world.kube_env(TS_BOOT_TIMEOUT="1s")
    text = {"stranger": certs.stranger_certificate().pem, "not_pem": "no certificate\n",
            "empty": ""}[ca]
    world.kube.write_account(world.root, ca=text or "\n")
    program = world.start(env)
    assert program.wait_exit() == 1
    lower = program.lines()[-1].lower()
    assert "certificate" in lower or "cert pool" in lower or "ca.crt" in lower
    assert world.commands() == []


@pytest.mark.parametrize("name", ["namespace", "ca.crt"])
def test_account_file_missing(world, name):
    """A missing service-account file is fatal and named."""
    env = world.kube_env(TS_BOOT_TIMEOUT="1s")
    (world.root / "var/run/secrets/kubernetes.io/serviceaccount" / name).unlink()
    program = world.start(env)
    assert program.wait_exit() == 1
    assert CLIENT in program.output()
    assert name in program.lines()[-1]


def test_secret_name_outside_kubernetes(world):
    """A Secret name selects the store also outside the cluster, and needs the account files."""
    program = world.start({"TS_KUBE_SECRET": "x", "TS_BOOT_TIMEOUT": "1s"})
    assert program.wait_exit() == 1
    assert CLIENT in program.output()


def test_ipv6_address(world):
    """An IPv6 address of the API server is put in brackets."""
    env = world.kube_env(KUBERNETES_SERVICE_HOST="::1")
    world.lapi.bus.publish(notify.running())
    world.start(env)
    world.program.wait_log(STARTED)


def test_reset(world):
    """What belongs to the last run goes, what identifies the device stays."""
    world.kube.update({"https_endpoint": "x", "egress-services": "{}", "ingress-config.json": "{}",
                       "device_id": "old", "device_fqdn": "old.", "device_ips": "[]",
                       "tailscale_capver": "1", "pod_uid": "old", "foo": "bar"})
    world.lapi.bus.publish(notify.state(notify.STARTING))
    world.start(world.kube_env(POD_UID="new"))
    world.wait_secret({"device_id": "old", "device_fqdn": "old.", "device_ips": "[]",
                       "tailscale_capver": CAPVER, "pod_uid": "new", "foo": "bar"})


def test_second_run_writes_only_what_changed(world):
    """Nothing is written that is there already."""
    world.start_running(world.kube_env())
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    assert world.program.stop() == 0
    world.kube.writes.clear()
    (world.root / "output").unlink()
    world.start_running(world.kube_env())
    assert world.program.stop() == 0
    for key in ("device_id", "device_fqdn", "device_ips"):
        assert world.kube.written(key) == []


HOSTILE = {
    "empty_body": faults.raw(b""), "null": faults.raw(b"null"), "array": faults.raw(b"[]"),
    "data_is_text": faults.raw(b'{"data":"x"}'), "not_base64": faults.raw(b'{"data":{"a":"%%"}}'),
    "value_is_number": faults.raw(b'{"data":{"authkey":5}}'),
    "deep": faults.raw(b'{"data":' + b"[" * 200000),
    "too_big": faults.raw(b'{"data":{"a":"' + b"QUJD" * (3 << 20) + b'"}}'),
    "nul": faults.raw(b'{"data":{"a\0":"QQ=="}}'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answer_for_ever(world, name):
    """An answer that makes no sense ends boot with a clear line or is survived, never a crash."""
    world.kube.fault("get", HOSTILE[name], None)
    world.lapi.bus.publish(notify.running())
    program = world.start(world.kube_env(TS_BOOT_TIMEOUT="1s"))
    wait_until(lambda: not program.alive() or program.has_log(STARTED), 10, "an end")
    if not program.alive():
        assert program.process.returncode == 1
        assert SETUP in program.output() or "clearing previous state" in program.output()


def test_big_secret(world):
    """A Secret of nearly a megabyte is fine."""
    world.kube.update({"profile-0001": "x" * 1_000_000})
    boots(world)


def test_keys_with_odd_names(world):
    """Names of other writers do no harm."""
    world.kube.update({"a.b-c_d": "1", "._": "2", "acme-account.key.pem": "\n"})
    boots(world)
