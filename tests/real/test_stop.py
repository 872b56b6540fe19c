"""SIGTERM in each state: exit 0, in time, and no process stays behind."""

import signal
import subprocess
import time

import pytest

from realbed import settings, wait
from realbed.config import config_folder

IN_TIME = 10


def _stop(pod, figure, deadline=IN_TIME):
    began = time.monotonic()
    pod.signal(signal.SIGTERM)
    status = pod.process.wait(deadline + 10)
    took = time.monotonic() - began
    figure(f"{took:.2f} s")
    assert status == 0
    assert took <= deadline
    # The pid namespace ends with PID 1, so what is left would have to sit in the network namespace.
    assert not _processes_left(pod)


def _processes_left(pod):
    """Pids that still live in the pod's network namespace."""
    text = subprocess.run(["ip", "netns", "pids", pod.namespace], capture_output=True, text=True, check=True).stdout
    return text.split()


def _slow_programs(pod_folder, seconds):
    """A PATH folder whose tailscaled is the real one, some seconds late."""
    real = settings.partner("tailscale")
    folder = pod_folder / "late"
    folder.mkdir(parents=True)
    (folder / "tailscale").symlink_to(real / "tailscale")
    late = folder / "tailscaled"
    late.write_text(f"#!/bin/bash\nsleep {seconds}\nexec {real}/tailscaled \"$@\"\n")
    late.chmod(0o755)
    return folder


def test_stop_in_steady_state(headscale, new_pod, figure):
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    headscale.wait_online(pod.name)
    _stop(pod, figure)
    assert "tailscaled exited" in pod.log()


def test_stop_in_steady_state_with_a_secret(headscale, cluster, new_pod, figure):
    _, key = headscale.new_key()
    pod = new_pod(store="secret", environment={"TS_AUTHKEY": key}).boot()
    _stop(pod, figure)


def test_stop_during_the_socket_wait(bed, new_pod, figure):
    """The daemon has not opened its socket yet; it is ended all the same."""
    pod = new_pod(programs=_slow_programs(bed.folder / "late-programs", 30))
    pod.start()
    pod.wait_log("Waiting for tailscaled socket", 10)
    _stop(pod, figure)


def test_stop_during_an_interactive_login(new_pod, figure):
    pod = new_pod().start()
    pod.wait_log("/register/", 15)
    _stop(pod, figure)


def test_stop_during_the_auth_loop_in_once_mode(new_pod, figure):
    """Once mode runs no login of its own before NeedsLogin, then waits for a human."""
    pod = new_pod(environment={"TS_AUTH_ONCE": "true"}).start()
    pod.wait_log("/register/", 15)
    _stop(pod, figure)


def test_stop_while_control_is_unreachable(headscale, new_pod, figure):
    """The login hangs on a port without a listener."""
    _, key = headscale.new_key()
    address = f"https://{settings.CONTROL_NAME}:9"
    pod = new_pod(environment={"TS_AUTHKEY": key, "TS_EXTRA_ARGS": f"--login-server={address}"}).start()
    pod.wait_log("Running 'tailscale up'", 10)
    pod.wait_log("connection refused", 10)
    _stop(pod, figure)


@pytest.mark.parametrize("once", ["true", "false"])
def test_stop_between_login_and_start_up(once, headscale, new_pod, figure):
    """The login has just succeeded; the stop comes before or right after the end of start-up."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key, "TS_AUTH_ONCE": once}).start()
    pod.wait_log("NeedsLogin -> Starting", 20)
    _stop(pod, figure)


def test_stop_while_the_api_server_hangs_at_boot(headscale, cluster, new_pod, figure):
    """Kubernetes set-up waits for an answer that does not come."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", environment={"TS_AUTHKEY": key})
    cluster.pause()
    try:
        pod.start()
        wait.wait_for(lambda: _established(pod), 10, "a connection to the API server")
        _stop(pod, figure)
    finally:
        cluster.resume()


def _established(pod):
    """True when the pod has a TCP connection to the API server's port."""
    supervisor = pod.supervisor()
    if not supervisor:
        return False
    with open(f"/proc/{supervisor}/net/tcp", encoding="ascii") as file:
        return any(line.split()[2].endswith(":01BB") and line.split()[3] == "01" for line in file.readlines()[1:])


def test_stop_while_the_api_server_is_away_in_steady_state(headscale, cluster, new_pod, figure):
    """The state cannot be looked at before the end, and that is given up soon."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", environment={"TS_AUTHKEY": key}).boot()
    cluster.pause()
    try:
        _stop(pod, figure)
    finally:
        cluster.resume()


@pytest.mark.parametrize("store", ["folder", "secret"])
@pytest.mark.parametrize("command", ["logout", "down"])
def test_stop_of_a_node_that_is_not_up(command, store, headscale, cluster, new_pod, figure):
    """What a logout leaves of the state is complete; no further login is awaited."""
    _, key = headscale.new_key()
    pod = new_pod(store=store, environment={"TS_AUTHKEY": key}).boot()
    headscale.wait_online(pod.name)
    place = len(pod.log())
    # The key is spent: nothing brings the node back.
    pod.client.run(command)
    pod.wait_log("condition ", 10, place)
    _stop(pod, figure, deadline=3)


def test_stop_right_after_the_daemon_was_killed(headscale, new_pod, figure):
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    pod.kill_daemon()
    _stop(pod, figure)


def test_stop_while_it_waits_for_a_new_key(headscale, cluster, new_pod, figure):
    """One-step mode with a refused key: the stop ends the wait for a new one."""
    identifier, key = headscale.new_key()
    headscale.expire_key(identifier)
    pod = new_pod(store="secret", environment={"TS_HOSTNAME": None, "TS_EXTRA_ARGS": None})
    config_folder(pod, key)
    pod.start()
    pod.wait_log("Waiting for operator to provide new auth key", 20)
    _stop(pod, figure)
