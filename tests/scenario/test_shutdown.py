"""A requested stop ends with 0 in every state, within its budget, and leaves nothing behind."""

import contextlib
import signal
import time

import pytest
from fakes import commands, faults, notify
from fakes.waiting import PATIENCE, wait_until
from harness import CAPVER, STARTED

ONE_STEP = {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": "{D}/etc/tailscaled"}


def kube_hangs(kind):
    """A state in which one kind of API request is under way."""
    def prepare(world):
        gate = faults.Gate()
        world.kube.fault(kind, gate, None)
        return world.kube_env(), gate.reached.is_set
    return prepare


def with_env(env, reached, message=None, cli="plain", daemon="lively"):
    """A state that is reached with that environment."""
    def prepare(world):
        world.install(daemon, cli)
        if message is not None:
            world.lapi.bus.publish(message)
        filled = {k: v.replace("{D}", str(world.root)) for k, v in env.items()}
        return filled, lambda: reached(world)
    return prepare


def lapi_hangs(method, name, env, message):
    """A state in which a LocalAPI call is under way."""
    def prepare(world):
        world.lapi.bus.publish(message)
        filled = {k: v.replace("{D}", str(world.root)) for k, v in env.items()}
        return filled, world.lapi.hold(method, name)
    return prepare


def once_removing_the_key(world):
    """Once mode, the PATCH that removes the key hangs."""
    world.kube.update({"authkey": "k", "tailscale_capver": CAPVER})
    world.lapi.bus.publish(notify.state(notify.STARTING))

    def reached():
        if world.cli_calls("set") == 0 and world.lapi.bus.count() and not world.kube.faults:
            if world.kube.get().get("tailscale_capver") == CAPVER:
                world.kube.fault("patch", faults.hang(), None)
                world.lapi.bus.publish(notify.running())
        return any(f.used for f in world.kube.faults)
    return world.kube_env(TS_AUTH_ONCE="true"), reached


def reissue(world):
    """Waiting for a new key from the operator."""
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    env = world.kube_env(TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=world.config_dir())
    return env, lambda: world.program.has_log("watching for config changes via fsnotify")


def waiting_for_restart(world):
    """The daemon has crashed so often that the next start waits."""
    world.install("lively")
    world.lapi.bus.publish(notify.running())
    killed = []

    def reached():
        if not world.program.has_log(STARTED):
            return False
        if not killed:
            world.install("exits")
            killed.append(world.kill_daemon())
        return world.daemon_starts() >= 6
    return {"TAILBOOT_RESTART_LIMIT": "1000"}, reached


def api_away(world):
    """Steady state, a write waits for an API server that is gone."""
    world.lapi.bus.publish(notify.running())

    def reached():
        if world.kube.get().get("device_fqdn") == "test-node.test.ts.net.":
            world.kube.stop()
            world.kube.secret = {}
            world.lapi.bus.publish(notify.running(notify.node(name="new.ts.net.")))
            return True
        return False
    return world.kube_env(TAILBOOT_STOP_BUDGET="3s"), reached


STATES = {
    "review": kube_hangs("review"),
    "get": kube_hangs("get"),
    "reset": kube_hangs("patch"),
    "socket_wait": with_env({}, lambda w: w.daemon_pids(), daemon="no_socket"),
    "first_watch": lapi_hangs("GET", "watch-ipn-bus", {"TS_AUTH_ONCE": "true"}, notify.running()),
    "up": with_env({}, lambda w: w.cli_pids(), cli="hangs"),
    "up_stubborn": with_env({}, lambda w: w.cli_pids(), cli="stubborn"),
    "needs_login": with_env({"TS_AUTH_ONCE": "true"}, lambda w: w.lapi.bus.count(),
                            notify.state(notify.STARTING)),
    "up_in_once": with_env({"TS_AUTH_ONCE": "true"}, lambda w: w.cli_pids(),
                           notify.state(notify.NEEDS_LOGIN), cli="hangs"),
    "approval": with_env({}, lambda w: w.program.log_count("machine authorization required"),
                         notify.state(notify.NEEDS_MACHINE_AUTH)),
    "starting": with_env({}, lambda w: w.program.log_count('in state "Starting"'),
                         notify.state(notify.STARTING)),
    "one_step_starting": with_env(ONE_STEP, lambda w: w.lapi.bus.count(),
                                  notify.state(notify.STARTING)),
    "set": with_env({"TS_AUTH_ONCE": "true"}, lambda w: w.cli_pids(), notify.running(),
                    cli="hangs"),
    "serve_reset": lapi_hangs("POST", "serve-config",
                              {"TS_SERVE_CONFIG": "{D}/etc/tailscaled/serve-config.json"},
                              notify.running()),
    "serve_get": lapi_hangs("GET", "serve-config", {}, notify.running()),
    "key_removal": once_removing_the_key,
    "running_without_self": with_env({}, lambda w: w.cli_calls("up") and w.lapi.bus.count(),
                                     notify.state(notify.RUNNING)),
    "steady": with_env({}, lambda w: w.program.has_log(STARTED), notify.running()),
    "steady_stubborn": with_env({"TAILBOOT_STOP_BUDGET": "2s"},
                                lambda w: w.program.has_log(STARTED), notify.running(),
                                daemon="stubborn"),
    "reissue": reissue,
    "restart_wait": waiting_for_restart,
    "api_away": api_away,
}


@pytest.mark.parametrize("name", STATES)
def test_sigterm(world, name):
    """SIGTERM in that state: exit 0 soon, no daemon, no login left."""
    env, reached = STATES[name](world)
    program = world.start(env)
    wait_until(lambda: reached() or not program.alive(), 8, f"state {name}")
    assert program.alive(), program.output()
    assert program.stop(8) == 0
    assert world.daemon_pids() == [] and world.cli_pids() == []
    world.kube.failures.clear() if name == "api_away" else None


@pytest.mark.parametrize("name", ["steady", "starting", "up", "get"])
def test_sigint(world, name):
    """SIGINT means the same."""
    env, reached = STATES[name](world)
    program = world.start(env)
    wait_until(reached, 8, f"state {name}")
    assert program.stop(8, signal.SIGINT) == 0
    assert world.daemon_pids() == []


def test_again_and_again(world):
    """Further signals change nothing."""
    world.install("lively")
    program = world.start_running()
    with contextlib.suppress(ProcessLookupError):
        for _ in range(20):
            program.terminate()
            program.terminate(signal.SIGINT)
    assert program.wait_exit() == 0


@pytest.mark.parametrize("sig", [signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2])
def test_other_signals_do_not_end_it(world, sig):
    """Signals that mean nothing to us do no harm, or end it in the ordinary way."""
    world.install("lively")
    program = world.start_running()
    if sig == signal.SIGPIPE:
        program.terminate(sig)
        time.sleep(0)
        assert program.stop() == 0
    else:
        program.terminate(sig)
        assert program.stop() in (0, -sig)


def test_at_once(world):
    """A stop that comes before anything: by the signal, or 0; nothing is left."""
    program = world.start({})
    assert program.stop() in (0, -signal.SIGTERM)
    wait_until(lambda: not world.daemon_pids(), 3, "no daemon")


def test_waits_for_the_daemon(world):
    """The daemon has time to write its state; the program outlives it."""
    mark = world.root / "daemon-done"
    text = commands.DAEMONS["lively"].replace("kill ${sleeper:-} 2>/dev/null; exit 0",
                                              f"kill $sleeper; sleep 0.7; echo >{mark}; exit 0")
    commands.write_script(world.root / "usr/bin/tailscaled", text)
    program = world.start_running()
    assert program.stop() == 0
    assert mark.exists()


def test_log_of_a_stop(world):
    """The steps are logged in their order."""
    world.install("lively")
    program = world.start_running(world.kube_env())
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    assert program.stop() == 0
    lines = program.lines()
    wanted = ["Checking for consistent state", "Sending SIGTERM to tailscaled", "tailscaled exited"]
    assert [line for line in lines if line in wanted] == wanted


def test_stubborn_daemon_is_killed_in_the_budget(world):
    """SIGTERM is ignored: SIGKILL follows before the budget is over."""
    world.install("stubborn")
    program = world.start_running({"TAILBOOT_STOP_BUDGET": "1500ms"})
    begun = time.monotonic()
    assert program.stop() == 0
    assert time.monotonic() - begun < 4
    assert world.daemon_pids() == []


def test_incomplete_state_takes_the_budget_only_once(world):
    """A state that never becomes complete does not block the stop longer than its budget."""
    world.install("lively")
    program = world.start_running(world.kube_env(TAILBOOT_STOP_BUDGET="2s"))
    world.kube.update({"_machinekey": "x"})
    begun = time.monotonic()
    assert program.stop() == 0
    assert time.monotonic() - begun < 4
    assert "Waiting for tailscaled to finish writing state to Secret" in program.output()


@pytest.mark.parametrize("early", [False, True])
def test_two_profiles_are_complete(world, early):
    """More than one profile is a complete state too."""
    world.install("lively")
    world.kube.update({"_machinekey": "x", "_profiles": "x", "_current-profile": "profile-1",
                       "profile-1": "x", "profile-2": "x"})
    if early:
        world.lapi.bus.publish(notify.state(notify.STARTING))
        program = world.start(world.kube_env())
        world.wait_cli_calls("up", 1)
    else:
        program = world.start_running(world.kube_env())
    assert program.stop(5) == 0


def test_api_hangs_at_the_stop(world):
    """An API server that hangs does not block the stop."""
    world.install("lively")
    program = world.start_running(world.kube_env(TAILBOOT_STOP_BUDGET="2s"))
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    world.kube.fault(("get", "patch"), faults.hang(), None)
    assert program.stop(6) == 0
    assert world.daemon_pids() == []


def test_listeners_close_first_in_an_early_stop(world):
    """Before start-up is complete, HTTP ends before the wait for a complete state."""
    address = f"127.0.0.1:{world.local_port}"
    world.install("lively")
    world.lapi.bus.publish(notify.state(notify.STARTING))
    program = world.start(world.kube_env(TS_ENABLE_HEALTH_CHECK="true", TS_LOCAL_ADDR_PORT=address))
    world.wait_http("/healthz", 503)
    world.wait_cli_calls("up", 1)
    world.kube.update({"_machinekey": "x"})
    program.terminate()
    program.wait_log('Waiting for tailscaled to finish writing state to Secret "tailscale"')
    lines = program.lines()
    assert f"HTTP server at {address} closed" in lines
    world.kube.update({"_profiles": "x", "_current-profile": "x", "profile-1": "x"})
    assert program.wait_exit() == 0


def test_listeners_stay_in_a_late_stop(world):
    """In steady state HTTP answers until the daemon is gone."""
    world.install("lively")
    program = world.start_running(world.kube_env(TS_ENABLE_HEALTH_CHECK="true", TS_LOCAL_ADDR_PORT=
                                                 f"127.0.0.1:{world.local_port}"))
    world.wait_http("/healthz", 200)
    world.kube.update({"_machinekey": "x"})
    program.terminate()
    program.wait_log('Waiting for tailscaled to finish writing state to Secret "tailscale"')
    assert world.http("/healthz")[0] == 503
    world.kube.update({"_profiles": "x", "_current-profile": "x", "profile-1": "x"})
    assert program.wait_exit() == 0


def test_health_turns_when_the_stop_begins(world):
    """Neither healthy nor ready within 100 ms of SIGTERM; the Pod is named until the end."""
    world.install("lively")
    program = world.start_running(world.kube_env(
        TS_ENABLE_HEALTH_CHECK="true", POD_IPS="10.0.0.1,fd00::1",
        TS_LOCAL_ADDR_PORT=f"127.0.0.1:{world.local_port}"))
    world.wait_http("/healthz", 200)
    world.kube.update({"_machinekey": "x"})
    begun = time.monotonic()
    program.terminate()
    status, headers, body = world.wait_http("/healthz", 503)
    assert time.monotonic() - begun < 0.1 * PATIENCE
    assert (headers["Pod-IPv4"], headers["Pod-IPv6"]) == ("10.0.0.1", "fd00::1")
    assert body == b"the node is stopping\n"
    status, headers, body = world.http("/readyz")
    assert (status, headers["Pod-IPv4"]) == (503, "10.0.0.1")
    assert b'[{"code":"Stopping",' in body
    assert world.http("/livez")[0] == 200
    world.kube.update({"_profiles": "x", "_current-profile": "x", "profile-1": "x"})
    assert program.wait_exit() == 0


@pytest.mark.parametrize("budget", [0.4, 2.0, 10.0])
def test_everything_hangs_at_the_stop(world, budget):
    """Withdrawal, state and daemon all take what they can: the budget holds for their sum."""
    world.install("stubborn")
    world.lapi.prefs = {"AdvertiseServices": ["svc:a"]}
    program = world.start_running(world.kube_env(TAILBOOT_STOP_BUDGET=f"{budget}s"))
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    world.lapi.hold("PATCH", "prefs")
    world.kube.update({"_machinekey": "x"})
    begun = time.monotonic()
    assert program.stop(budget + 5) == 0
    assert time.monotonic() - begun < budget + 0.5 + 0.3
    lines = program.lines()
    assert any("Error ensuring services are not advertised" in line for line in lines)
    assert "Checking for consistent state" in lines
    assert world.daemon_pids() == []
