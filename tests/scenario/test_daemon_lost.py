"""The daemon dies: it is brought back in place, until the crash budget is used up."""

import os
import signal
import socket
import time

import pytest
from fakes import commands, notify
from fakes.httpserver import Reply
from fakes.waiting import stays_true, wait_until
from harness import SET, STARTED, UP, USERSPACE

pytestmark = pytest.mark.both_generations

NEEDS_LOGIN = notify.state(notify.NEEDS_LOGIN)
ONE_STEP = USERSPACE + " --config=/etc/tailscaled/cap-95.hujson"


def test_restarted_in_place(world):
    """A crash after start-up: same argv, login again where it is needed, same supervisor."""
    world.install("lively")
    program = world.start_running({"TS_HOSTNAME": "h"})
    up = UP + " --hostname=h"
    world.crash_daemon(2, NEEDS_LOGIN)
    world.wait_commands([USERSPACE, up, USERSPACE, up], 5)
    world.lapi.bus.publish(notify.running())
    world.lapi.bus.wait_watchers(1)
    assert program.alive()
    assert program.stop() == 0


def test_peers_with_traffic_learn_about_a_restarted_daemon(world):
    """In every mode: they are pinged when the daemon is back, or they drop what the new one has set up."""
    peers = {f"nodekey:{n}": {"TailscaleIPs": [f"100.65.0.{n}"], "Active": n > 1} for n in (1, 2, 3)}
    world.lapi.answers["status"] = lambda request: Reply.of_json({"Peer": {} if request.query else peers})
    world.start_running({})
    world.lapi.wait_asked("GET", "status", 1)
    for starts in (2, 3):
        asked, before = world.lapi.count("GET", "status"), world.lapi.count("POST", "ping")
        world.crash_daemon(starts)
        pings = world.lapi.wait_asked("POST", "ping", before + 4)[before:before + 4]
        assert sorted((ping.query["ip"][0], ping.query["type"][0]) for ping in pings) == [
            (f"100.65.0.{n}", kind) for n in (2, 3) for kind in ("TSMP", "disco")]
        world.lapi.wait_asked("GET", "status", asked + 1)


def _start_with_an_active_peer(world):
    peers = {"nodekey:1": {"TailscaleIPs": ["100.65.0.1"], "Active": True}}
    world.lapi.answers["status"] = lambda request: Reply.of_json({"Peer": {} if request.query else peers})
    world.start_running({})
    world.lapi.wait_asked("GET", "status", 1)


def _wanted(world):
    return [request.json()["WantRunning"] for request in world.lapi.asked("PATCH", "prefs")
            if "WantRunning" in request.json()]


def test_session_that_a_peer_has_dropped_is_set_up_anew(world):
    """A peer that has answered the restarted daemon and then does not: only new sessions bring it back within 15 s."""
    _start_with_an_active_peer(world)
    world.crash_daemon(2)
    world.lapi.wait_asked("POST", "ping", 3)
    assert not _wanted(world)
    world.lapi.hold("POST", "ping")
    wait_until(lambda: _wanted(world) == [False, True], what=lambda: f"off and on, got {_wanted(world)}")
    del world.lapi.answers["ping"]
    world.lapi.bus.publish(notify.state(notify.STOPPED))
    world.lapi.bus.publish(notify.running())
    before = world.lapi.count("POST", "ping")
    world.lapi.wait_asked("POST", "ping", before + 2)
    stays_true(lambda: _wanted(world) == [False, True], 1, "not switched again")


def test_peers_are_watched_again_after_news(world):
    """What the control server tells the node's peers comes late when it was away: it may end sessions then."""
    _start_with_an_active_peer(world)
    world.crash_daemon(2)
    world.lapi.wait_asked("POST", "ping", 3)
    last = [0, 0.0]

    def is_over():
        count = world.lapi.count("POST", "ping")
        if count != last[0]:
            last[:] = count, time.monotonic()
        return time.monotonic() - last[1] > 1.5

    wait_until(is_over, 12, "the watch is over")
    world.lapi.bus.publish({"SelfChange": notify.node()}, remember=False)
    world.lapi.wait_asked("POST", "ping", last[0] + 2)


def test_no_login_where_none_is_needed(world):
    """A daemon that comes back Running is left alone: a key may be spent already."""
    world.install("lively")
    world.start_running({"TS_AUTHKEY": "k"})
    world.crash_daemon(2)
    world.lapi.bus.wait_watchers(1)
    up = UP + " --authkey=k"
    stays_true(lambda: world.commands() == [USERSPACE, up, USERSPACE], 0.5, "no login")


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGSEGV, signal.SIGINT])
def test_any_end_is_a_crash(world, sig):
    """Also a daemon that ends politely, but was not asked by us, is brought back."""
    world.install("lively")
    world.start_running()
    world.lapi.stop()
    os.kill(world.daemon_pids()[0], sig)
    world.lapi.bus.publish(NEEDS_LOGIN)
    world.wait_daemon_starts(2)
    world.lapi.start()
    world.wait_commands([USERSPACE, UP, USERSPACE, UP], 5)


def test_logs_in_only_when_needed(world):
    """Once mode: after a crash `up` only on NeedsLogin, and `set` after Running."""
    world.install("lively")
    world.lapi.bus.publish(notify.running())
    world.start({"TS_AUTH_ONCE": "true", "TS_AUTHKEY": "k"})
    world.program.wait_log(STARTED)
    world.crash_daemon(2)
    world.wait_commands([USERSPACE, SET, USERSPACE, SET], 5)
    world.kill_daemon()
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    world.wait_daemon_starts(3)
    world.lapi.start()
    up = UP + " --authkey=k"
    world.wait_commands([USERSPACE, SET, USERSPACE, SET, USERSPACE, up], 5)
    world.lapi.bus.publish(notify.running())
    world.wait_commands([USERSPACE, SET, USERSPACE, SET, USERSPACE, up, SET], 5)


def test_one_step_never_runs_the_cli(world):
    """With a config file the restarted daemon logs in by itself."""
    world.install("lively")
    world.start_running({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})
    world.crash_daemon(2)
    world.lapi.bus.wait_watchers(1)
    world.wait_commands([ONE_STEP, ONE_STEP])


def test_published_fields_follow_a_new_identity(world):
    """A daemon that lost its state comes back as another node; the Secret follows."""
    world.install("lively")
    world.start_running(world.kube_env())
    world.wait_key("device_ips", '["100.64.0.1"]')
    world.kill_daemon()
    world.lapi.bus.publish(notify.running(notify.node("other", "other.ts.net.", ["100.64.0.9/32"])))
    world.wait_daemon_starts(2)
    world.lapi.start()
    world.wait_key("device_id", "other")
    world.wait_key("device_fqdn", "other.ts.net.")
    world.wait_key("device_ips", '["100.64.0.9"]')


def test_what_the_daemon_lost_is_applied_again(world):
    """Serve config, advertisement and GRO are applied to the new daemon."""
    world.install("lively")
    world.lapi.stateful_serve = True
    env = {"TS_SERVE_CONFIG": world.root / "etc/tailscaled/serve-config-with-services.json",
           "TS_USERSPACE": "false", "TS_EXPERIMENTAL_ENABLE_FORWARDING_OPTIMIZATIONS": "true"}
    world.start_running(env)
    services = ["svc:test-service-1", "svc:test-service-2"]
    wait_until(lambda: sorted(world.lapi.prefs.get("AdvertiseServices") or []) == services, 5,
               "Services advertised")
    assert world.lapi.count("GET", "set-udp-gro-forwarding") == 1
    world.kill_daemon()
    world.lapi.serve_config, world.lapi.prefs = {}, {}
    world.wait_daemon_starts(2)
    world.lapi.start()
    wait_until(lambda: world.lapi.serve_config.get("TCP"), 5, "serve config applied again")
    wait_until(lambda: sorted(world.lapi.prefs.get("AdvertiseServices") or []) == services, 5,
               "Services advertised again")
    wait_until(lambda: world.lapi.count("GET", "set-udp-gro-forwarding") == 2, 5, "GRO again")


def test_first_restarts_are_immediate(world):
    """Five crashes in a row come back without a pause."""
    world.install("lively")
    world.start_running()
    for number in range(2, 7):
        world.kill_daemon()
        begun = time.monotonic()
        world.wait_daemon_starts(number)
        assert time.monotonic() - begun < 1.0
        opened = world.lapi.bus.opened()
        world.lapi.start()
        world.lapi.bus.wait_opened(opened + 1)
        world.lapi.bus.wait_watchers(1)
    assert world.program.alive()


@pytest.mark.parametrize("script", ["exits", "crashes"])
def test_crash_budget(world, script):
    """A daemon that never comes back ends the program with 3 and a termination message."""
    world.install("lively")
    world.termination_log.write_text("")
    program = world.start_running({"TAILBOOT_RESTART_LIMIT": "3",
                                   "TAILBOOT_TERMINATION_LOG": world.termination_log})
    world.install(script)
    world.kill_daemon()
    assert program.wait_exit(20) == 3
    assert world.daemon_starts() == 4
    assert "tailscaled" in world.termination_log.read_text()


def test_last_words(world):
    """The termination message has number, status and last line of the crashes, without secrets."""
    world.install("lively")
    world.termination_log.write_text("")
    program = world.start_running({"TAILBOOT_RESTART_LIMIT": "2", "TS_AUTHKEY": "tskey-k1234567",
                                   "TAILBOOT_TERMINATION_LOG": world.termination_log})
    world.install("complains")
    world.kill_daemon()
    assert program.wait_exit(20) == 3
    message = ("tailscaled ended 3 times within 600 s, the last time: exit status 7: store: "
               "TS_AUTHKEY=*** is of no use")
    assert world.termination_log.read_text() == message
    assert program.lines()[-1] == message
    assert "tskey-k1234567" not in program.output()


def test_last_words_at_the_first_start(world):
    """The same for a daemon that never served."""
    world.install("complains")
    program = world.start({})
    assert program.wait_exit(5) == 1
    assert program.lines()[-1] == (
        "failed to bring up tailscale: tailscaled ended before it was ready: exit status 7: store: "
        "TS_AUTHKEY=tskey-k1234567 is of no use")


def test_all_that_it_writes_is_passed_on(world):
    """Byte by byte, lines whole, however much it is."""
    world.install("chatty")
    program = world.start_running()
    own = [line for line in program.output().split("\n") if line and not line.startswith("boot: ")]
    assert own == [f"line {i} of a chatty daemon" for i in range(20000)]


def test_a_restart_that_hangs_has_a_deadline(world):
    """A daemon that hangs before its socket is killed after the limit, and started once more."""
    world.install("lively")
    program = world.start_running({"TAILBOOT_DAEMON_START_TIMEOUT": "1s"})
    world.install("no_socket")
    (world.root / "tmp/tailscaled.sock").unlink()
    world.kill_daemon()
    world.wait_daemon_starts(2)
    world.lapi.start()
    program.wait_log("tailscaled's socket was not ready within 1000 ms, sending SIGKILL", 10)
    world.install("lively")
    world.wait_daemon_starts(3)
    world.lapi.bus.wait_watchers(1, 10)
    program.wait_log_part("tailscaled ended (its socket was not ready within 1000 ms)")


def test_crash_budget_of_none(world):
    """A limit of 0 gives up at the first crash."""
    world.install("lively")
    program = world.start_running({"TAILBOOT_RESTART_LIMIT": "0"})
    world.kill_daemon()
    assert program.wait_exit() == 3
    assert world.daemon_starts() == 1


def test_healthy_through_a_short_restart(world):
    """A restart in place does not flap readiness."""
    world.install("lively")
    world.start_running({"TS_ENABLE_HEALTH_CHECK": "true",
                         "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}"})
    world.wait_http("/healthz", 200)
    world.crash_daemon(2)
    stays_true(lambda: world.http("/healthz")[0] == 200, 0.5, "healthy")


@pytest.mark.parametrize("status", [1, 7])
def test_exit_before_it_ran(world, status):
    """A daemon that leaves at once ends boot at once, and its status is reported."""
    world.install("exits", status=status)
    begun = time.monotonic()
    program = world.start({})
    assert program.wait_exit() == 1
    assert time.monotonic() - begun < 4
    last = program.lines()[-1]
    assert "tailscaled" in last and str(status) in last
    assert world.daemon_starts() == 1


def test_signal_before_it_ran(world):
    """The same for a daemon that is killed by a signal."""
    world.install("crashes")
    program = world.start({})
    assert program.wait_exit() == 1
    last = program.lines()[-1]
    assert "tailscaled" in last and ("SIGSEGV" in last or "signal 11" in last.lower()
                                     or "segmentation" in last.lower())


def test_no_daemon_in_path(world):
    """A missing daemon is a clear error."""
    os.unlink(world.root / "usr/bin/tailscaled")
    program = world.start({"PATH": f"{world.root}/usr/bin:/usr/bin:/bin"})
    assert program.wait_exit() == 1
    assert "failed to bring up tailscale: starting tailscaled failed" in program.output()


def test_daemon_that_cannot_be_executed(world):
    """Neither can a file that is no program."""
    commands.write_script(world.root / "usr/bin/tailscaled", "#!/nowhere/interpreter\n")
    program = world.start({})
    assert program.wait_exit() == 1
    assert "starting tailscaled failed" in program.output()


def test_program_vanishes_between_starts(world):
    """A daemon that can no longer be executed counts as one that crashes."""
    world.install("lively")
    program = world.start_running({"TAILBOOT_RESTART_LIMIT": "2"})
    os.unlink(world.root / "usr/bin/tailscaled")
    world.kill_daemon()
    assert program.wait_exit(20) == 3
    assert "no such file" in program.lines()[-1].lower()


def test_crash_before_running_is_survived(world):
    """A daemon that served already, and dies before login is through, comes back too."""
    world.install("lively")
    world.lapi.bus.publish(notify.state(notify.STARTING))
    world.start({})
    world.wait_cli_calls("up", 1)
    world.lapi.bus.wait_watchers(1)
    world.crash_daemon(2)
    world.lapi.bus.wait_watchers(1)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(STARTED)
    world.wait_commands([USERSPACE, UP, USERSPACE, UP])


@pytest.mark.parametrize("kind", ["regular", "dangling", "dead_socket"])
def test_stale_socket_does_not_pass(world, kind):
    """Only a connection counts as ready."""
    world.install("no_socket")
    if kind == "regular":
        world.socket.write_text("")
    elif kind == "dangling":
        os.symlink("nowhere", world.socket)
    else:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(world.socket))
    world.lapi.bus.publish(notify.running())
    world.start({})
    world.wait_commands([USERSPACE])
    stays_true(lambda: world.commands() == [USERSPACE], 0.5, "no login")
    os.unlink(world.socket)
    os.symlink(world.lapi.path, world.socket)
    world.program.wait_log(STARTED, 3)


def test_bind_precedes_listen(world):
    """The socket file appears before it accepts; no event reports the second."""
    world.install("no_socket")
    world.lapi.bus.publish(notify.running())
    world.lapi.stop(keep_file=False)
    with socket.socket(socket.AF_UNIX) as early:
        early.bind(world.lapi.path)
        os.symlink(world.lapi.path, world.socket)
        world.start({})
        world.wait_commands([USERSPACE])
        stays_true(lambda: world.commands() == [USERSPACE], 0.3, "no login")
    world.lapi.start()
    world.program.wait_log(STARTED, 3)


def test_socket_never_comes(world):
    """The boot deadline ends the wait, and the daemon is not left running."""
    world.install("no_socket")
    program = world.start({"TS_BOOT_TIMEOUT": "700ms"})
    assert program.wait_exit() == 1
    assert "timed out waiting for tailscaled socket" in program.output()
    assert world.daemon_pids() == []


def test_daemon_dies_with_the_supervisor(world):
    """Nothing is left when the supervisor is killed."""
    world.install("lively")
    program = world.start_running()
    program.terminate(signal.SIGKILL)
    program.wait_exit()
    wait_until(lambda: not world.daemon_pids(), 3, "daemon gone")
