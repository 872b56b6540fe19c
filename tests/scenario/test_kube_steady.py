"""The API server after start-up: every failure is survived, the write is kept and lands later."""

import time

import pytest
from fakes import faults, notify
from fakes.waiting import stays_true, wait_until
from harness import CAPVER, STARTED


def named(name, stable_id="myID"):
    """Running, under another name."""
    return notify.running(notify.node(stable_id, f"{name}.test.ts.net."))


def running(world):
    """A running node whose fields are published."""
    world.install("lively")
    world.start_running(world.kube_env())
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    world.wait_key("device_ips", '["100.64.0.1"]')


FAILURES = {
    "400": faults.status(400), "403": faults.status(403), "404": faults.status(404),
    "409": faults.status(409), "410": faults.status(410), "422": faults.status(422),
    "429": faults.retry_after(429, 1), "429_bare": faults.status(429),
    "500": faults.status(500), "503": faults.retry_after(503, 1),
    "html": faults.html(502), "close": faults.close(), "cut": faults.cut(),
    "lost_answer": faults.lost_answer(), "drip": faults.drip(0.001, 9),
    "not_json": faults.not_json(), "not_json_error": faults.not_json(500),
    "unauthorized": faults.status(401), "absurd_retry_after": faults.retry_after(503, "x" * 200),
    "empty_error": faults.raw(b"", 500),
}


@pytest.mark.parametrize("name", FAILURES)
def test_write_is_kept(world, name):
    """Two failures in a row, then the write lands; nothing else happens."""
    running(world)
    fault = world.kube.fault("patch", FAILURES[name], 2)
    world.lapi.bus.publish(named("renamed"))
    world.wait_key("device_fqdn", "renamed.test.ts.net.", 15)
    if name not in ("lost_answer", "cut", "not_json", "drip"):
        wait_until(lambda: fault.used == 2, 5, "both failures met")
    assert world.program.alive()
    assert world.daemon_starts() == 1


def test_secret_is_deleted_and_made_anew(world):
    """All that was published is published again, and the fresh auth key in it is left alone."""
    world.kube.update({"authkey": "spent"})
    world.install("lively")
    program = world.start_running(world.kube_env(TS_AUTH_ONCE="true"))
    world.wait_key("authkey", None)
    world.wait_key("device_ips", '["100.64.0.1"]')
    world.kube.secret = None
    world.lapi.bus.publish(named("renamed"))
    program.wait_log_part("condition StoreWriteFailed")
    world.kube.secret = {"authkey": "fresh"}
    world.wait_secret({"authkey": "fresh", "tailscale_capver": CAPVER, "device_id": "myID",
                       "device_fqdn": "renamed.test.ts.net.", "device_ips": '["100.64.0.1"]'}, 10)
    program.wait_log_part("condition StoreWriteFailed cleared")


@pytest.mark.parametrize("code, message", [(422, "Too long: may not be more than 7 bytes"),
                                           (500, "etcdserver: request is too large")])
def test_a_refused_key_holds_up_no_other(world, code, message):
    """It is tried again alone, others follow at once, and one line says which it is and why."""
    running(world)
    fault = world.kube.fault("patch", faults.refuse_key("device_ips", code, message), None)
    world.lapi.bus.publish(notify.running(
        notify.node(addresses=("100.64.0.2/32",), name="new.ts.net.")))
    world.wait_key("device_fqdn", "new.ts.net.")
    world.program.wait_log_part('condition StoreWriteFailed: Secret "tailscale", key device_ips: ')
    for name in ("b", "c", "d"):
        before = fault.used
        wait_until(lambda: fault.used > before, 5, "tried again")
        begun = time.monotonic()
        world.lapi.bus.publish(notify.running(
            notify.node(addresses=("100.64.0.2/32",), name=f"{name}.ts.net.")))
        world.wait_key("device_fqdn", f"{name}.ts.net.")
        assert time.monotonic() - begun < 0.5
    assert world.program.log_count("condition StoreWriteFailed") == 1
    assert world.program.log_count(message) == 1
    world.kube.clear_faults()
    world.wait_key("device_ips", '["100.64.0.2"]')
    world.program.wait_log_part("condition StoreWriteFailed cleared")


@pytest.mark.parametrize("code", [422, 503])
def test_key_removal(world, code):
    """A key that is gone already is no error; another error is tried again."""
    world.kube.update({"authkey": "k"})
    world.lapi.bus.publish(notify.state(notify.STARTING))
    world.start(world.kube_env(TS_AUTH_ONCE="true"))
    world.lapi.bus.wait_watchers(1)
    world.wait_key("tailscale_capver", CAPVER)
    world.kube.fault("patch", faults.status(code), 1)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(STARTED, 8)
    if code != 422:
        world.wait_key("authkey", None)
    else:
        world.wait_key("device_fqdn", "test-node.test.ts.net.")


def test_hanging_request(world):
    """A request without an answer has a deadline of its own."""
    running(world)
    world.kube.fault("patch", faults.hang(), 1)
    world.lapi.bus.publish(named("renamed"))
    world.wait_key("device_fqdn", "renamed.test.ts.net.", 40)


def test_latest_value_wins(world):
    """Values that were overtaken while the API was away are never written."""
    running(world)
    world.kube.fault("patch", faults.status(503), None)
    for name in ("first", "second", "third"):
        before = world.kube.count("patch")
        world.lapi.bus.publish(named(name))
        if name == "first":
            world.kube.wait_count("patch", before + 1)
    world.kube.clear_faults()
    world.wait_key("device_fqdn", "third.test.ts.net.", 15)
    assert "second.test.ts.net." not in world.kube.written("device_fqdn")


def test_back_to_the_old_value(world):
    """A change that is taken back before it was written needs no write in the end."""
    running(world)
    world.kube.fault("patch", faults.status(503), None)
    before = world.kube.count("patch")
    world.lapi.bus.publish(named("first"))
    world.kube.wait_count("patch", before + 1)
    world.lapi.bus.publish(notify.running())
    world.kube.clear_faults()
    old = "test-node.test.ts.net."
    wait_until(lambda: world.kube.get()["device_fqdn"] == old, 5, "old value")
    stays_true(lambda: world.kube.get()["device_fqdn"] == old, 0.5, "old value")


def test_order_is_kept_across_retries(world):
    """device_id is stored before device_fqdn and device_ips, also when it takes several tries."""
    world.lapi.bus.publish(notify.state(notify.STARTING))
    world.start(world.kube_env())
    world.wait_cli_calls("up", 1)
    world.kube.wait_count("patch", 1)
    world.kube.fault("patch", faults.status(500), 3)
    world.lapi.bus.publish(notify.running())
    world.wait_key("device_ips", '["100.64.0.1"]', 15)
    assert world.kube.write_order("device_id", "device_fqdn", "device_ips")[0] == "device_id"
    for _, keys in world.kube.writes:
        if "device_fqdn" in keys or "device_ips" in keys:
            assert {"device_fqdn", "device_ips"} <= set(keys)
            assert "device_id" not in keys, "endpoints only after the id is stored"


def test_id_hangs_endpoints_wait(world):
    """While the id is not stored, no endpoint is."""
    world.lapi.bus.publish(notify.state(notify.STARTING))
    world.start(world.kube_env())
    world.wait_cli_calls("up", 1)
    world.kube.wait_count("patch", 1)
    gate = faults.Gate()
    world.kube.fault("patch", gate, None)
    world.lapi.bus.publish(notify.running())
    wait_until(gate.reached.is_set, 5, "write of the id")
    stays_true(lambda: world.kube.written("device_fqdn") == [], 0.5, "no endpoint")
    gate.open()
    world.wait_key("device_ips", '["100.64.0.1"]')


def test_nothing_is_written_twice(world):
    """The same facts again cause no request."""
    running(world)
    before = world.kube.count()
    for _ in range(5):
        world.lapi.bus.publish(notify.running())
    world.lapi.bus.cut()
    world.lapi.bus.wait_watchers(1)
    stays_true(lambda: world.kube.count() == before, 0.7,
               lambda: f"requests {world.kube.requests[before:]}")


def test_api_server_is_away(world):
    """Stopped for a while during a rename: no exit, the write lands after."""
    running(world)
    world.kube.stop()
    world.lapi.bus.publish(named("renamed"))
    stays_true(world.program.alive, 0.7, "alive")
    world.kube.start()
    world.wait_key("device_fqdn", "renamed.test.ts.net.", 15)
    assert world.daemon_starts() == 1


def test_token_is_rotated(world):
    """A 401 makes the token be read again."""
    running(world)
    folder = world.root / "var/run/secrets/kubernetes.io/serviceaccount"
    world.kube.token = "rotated"
    (folder / "token").write_text("rotated")
    world.lapi.bus.publish(named("renamed"))
    world.wait_key("device_fqdn", "renamed.test.ts.net.", 10)


def test_secret_is_deleted(world):
    """A deleted Secret is tolerated; fields come back when it is created again."""
    running(world)
    world.kube.secret = None
    world.lapi.bus.publish(named("renamed"))
    stays_true(world.program.alive, 0.5, "alive")
    world.kube.set(made="by another")
    world.wait_key("device_fqdn", "renamed.test.ts.net.", 15)


def test_permission_is_taken_away(world):
    """A write that is forbidden now is kept until it is allowed again."""
    running(world)
    world.kube.fault("patch", faults.status(403), None)
    world.lapi.bus.publish(named("renamed"))
    stays_true(world.program.alive, 0.7, "alive")
    world.kube.clear_faults()
    world.wait_key("device_fqdn", "renamed.test.ts.net.", 15)


def test_retry_after_is_respected(world):
    """The server says when to come again."""
    running(world)
    world.kube.fault("patch", faults.retry_after(429, 2), 1)
    before = world.kube.count("patch")
    world.lapi.bus.publish(named("renamed"))
    world.kube.wait_count("patch", before + 1)
    refused = time.monotonic()
    world.wait_key("device_fqdn", "renamed.test.ts.net.", 10)
    assert time.monotonic() - refused > 0.9


def test_retries_do_not_run_hot(world):
    """A failing API server is not flooded."""
    running(world)
    world.kube.fault("patch", faults.status(500), None)
    before = world.kube.count("patch")
    world.lapi.bus.publish(named("renamed"))
    world.kube.wait_count("patch", before + 1)
    stays_true(lambda: world.kube.count("patch") - before < 40, 1.0, "few retries")


def test_data_path_is_not_touched(world):
    """A failing API server does not make the node unhealthy."""
    world.start_running(world.kube_env(TS_ENABLE_HEALTH_CHECK="true",
                                       TS_LOCAL_ADDR_PORT=f"127.0.0.1:{world.local_port}"))
    world.wait_http("/healthz", 200)
    world.kube.stop()
    world.lapi.bus.publish(named("renamed"))
    stays_true(lambda: world.http("/healthz")[0] == 200, 0.7, "healthy")


def test_pending_write_is_flushed_at_the_stop(world):
    """A write that waits for its retry is tried once more before the end."""
    running(world)
    world.kube.fault("patch", faults.retry_after(429, 60), 1)
    before = world.kube.count("patch")
    world.lapi.bus.publish(named("renamed"))
    world.kube.wait_count("patch", before + 1)
    assert world.program.stop() == 0
    assert world.kube.get()["device_fqdn"] == "renamed.test.ts.net."
