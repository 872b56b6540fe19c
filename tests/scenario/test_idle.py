"""Waiting costs nothing: no state may spin, whatever it waits for.

An unhandled level-triggered event shows up here as processor time.
"""

import os
import socket
import time

import pytest
from fakes import faults, notify
from fakes.httpserver import Reply
from fakes.waiting import wait_until
from harness import STARTED

WINDOW = 0.8
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / TICK


def assert_quiet(world, share=0.15):
    """Hardly any processor time is used during the window."""
    before = cpu_seconds(world.program.pid)
    time.sleep(WINDOW)  # a measurement needs a length, no condition is waited for
    used = cpu_seconds(world.program.pid) - before
    assert used <= share * WINDOW, f"{used:.2f} s of processor time in {WINDOW} s"


def steady(world, **env):
    """A running node."""
    world.install("lively")
    world.start_running(dict({"TS_ENABLE_HEALTH_CHECK": "true", "TS_ENABLE_METRICS": "true",
                              "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}"}, **env))


def test_steady(world):
    """Nothing happens."""
    steady(world)
    assert_quiet(world)


def test_no_socket(world):
    """The daemon does not listen yet."""
    world.install("no_socket")
    world.start({})
    wait_until(world.daemon_pids, 3, "daemon")
    assert_quiet(world)


@pytest.mark.parametrize("state", [notify.STARTING, notify.NEEDS_MACHINE_AUTH])
def test_login_wait(world, state):
    """The node is not running yet."""
    world.lapi.bus.publish(notify.state(state))
    world.start({})
    world.lapi.bus.wait_watchers(1)
    assert_quiet(world)


def test_interactive_login(world):
    """A person is awaited."""
    world.install(cli="hangs")
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    world.start({})
    wait_until(world.cli_pids, 3, "login")
    assert_quiet(world)


def test_daemon_is_away(world):
    """The daemon runs, but its socket is dead."""
    steady(world)
    world.lapi.stop()
    assert_quiet(world)


def test_half_a_message(world):
    """A message of the bus is not complete."""
    steady(world)
    world.lapi.bus.publish_raw(b'{"State":6,"Version":"')
    assert_quiet(world)


def test_api_is_away(world):
    """A write waits for the API server."""
    world.start_running(world.kube_env())
    world.kube.stop()
    world.lapi.bus.publish(notify.running(notify.node(name="new.ts.net.")))
    assert_quiet(world)


def test_api_hangs(world):
    """A request waits for its answer."""
    world.kube.fault("get", faults.hang(), None)
    world.start(world.kube_env())
    world.kube.wait_count("get", 1)
    assert_quiet(world)


def test_reissue_wait(world):
    """A new key is awaited."""
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    world.start(world.kube_env(TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=world.config_dir()))
    world.program.wait_log("watching for config changes via fsnotify")
    assert_quiet(world)


def test_missing_serve_folder(world):
    """A folder that is watched does not exist."""
    steady(world, TS_SERVE_CONFIG=world.root / "nowhere/at/all.json")
    assert_quiet(world)


def test_http_clients(world):
    """Clients that are idle, half done, gone, or do not read."""
    world.lapi.usermetrics = Reply(200, b"x" * 4_000_000, content_type="text/plain")
    steady(world)
    clients = [socket.create_connection(("127.0.0.1", world.local_port), 5) for _ in range(20)]
    try:
        for sock in clients[:5]:
            sock.sendall(b"GET /healthz HTT")
        for sock in clients[5:8]:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        for sock in clients[8:12]:
            sock.shutdown(socket.SHUT_WR)
        world.lapi.wait_asked("GET", "usermetrics")
        time.sleep(0.1)  # the big answers are copied once
        assert_quiet(world)
    finally:
        for sock in clients:
            sock.close()


def test_standard_input_at_its_end(world):
    """Standard input, which is at its end, is not read."""
    steady(world)
    assert world.program.has_log(STARTED)
    assert_quiet(world)


def test_waiting_for_complete_state(world):
    """At the stop the state is not complete."""
    world.install("lively")
    world.start_running(world.kube_env(TAILBOOT_STOP_BUDGET="3s"))
    world.kube.update({"_machinekey": "x"})
    world.program.terminate()
    world.program.wait_log_part("Waiting for tailscaled to finish writing state")
    assert_quiet(world)


def test_stubborn_daemon(world):
    """The daemon takes its time to end."""
    world.install("stubborn")
    world.start_running({"TAILBOOT_STOP_BUDGET": "3s"})
    world.program.terminate()
    world.program.wait_log("Sending SIGTERM to tailscaled")
    assert_quiet(world)
