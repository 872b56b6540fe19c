"""`tailscale up` and `set` that hang, and the key that they are given."""

import os
import signal

import pytest
from fakes import commands, notify
from fakes.waiting import stays_true, wait_until
from harness import STARTED

AGAIN = "tailscaled is running again"
LOST = notify.state(notify.NEEDS_LOGIN)


@pytest.mark.parametrize("stopped", [False, True], ids=["hangs", "stopped"])
def test_up_hangs_on_a_running_node(world, stopped):
    """At the start: the node is Running, so what `up` still waits for does not matter."""
    world.install("lively", "hangs")
    world.start({"TS_AUTHKEY": "k"})
    world.wait_cli_calls("up", 1)
    pid = wait_until(world.cli_pids, 5, "the command")[0]
    if stopped:
        os.kill(pid, signal.SIGSTOP)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(STARTED)
    wait_until(lambda: pid not in world.cli_pids(), 5, "the command has been ended")


def test_up_that_ends_by_itself_is_left_alone(world):
    """It usually ends a moment after Running."""
    world.install("lively", "hangs")
    world.start({"TS_AUTHKEY": "k"})
    world.wait_cli_calls("up", 1)
    world.lapi.bus.publish(notify.running())
    world.end_cli(wait_until(world.cli_pids, 5, "the command")[0])
    world.program.wait_log(STARTED)
    assert not world.program.log_count("it is ended")


def test_up_hangs_after_the_start(world):
    """A later login has a limit, and is tried again."""
    world.install("lively")
    world.start_running({"TS_AUTHKEY": "k"})
    world.install("lively", "hangs")
    world.lapi.bus.publish(LOST)
    world.program.wait_log_part("tailscale up failed: it has not ended within", 10)
    world.wait_cli_calls("up", 3, 10)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(AGAIN)


def test_a_person_has_all_the_time(world):
    """Without a key a person logs in: there is no limit."""
    world.install("lively")
    world.start_running({})
    world.install("lively", "hangs")
    world.lapi.bus.publish(LOST)
    world.wait_cli_calls("up", 2)
    stays_true(lambda: world.cli_calls("up") == 2, 3.0, "one command")
    world.end_cli(world.cli_pids()[0])
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(AGAIN)


def test_set_hangs_after_a_restart(world):
    """The node is Running all the time: `set` must not hold it up for ever."""
    world.install("lively")
    world.start_running({"TS_AUTH_ONCE": "true", "TS_AUTHKEY": "k",
                         "TS_ENABLE_HEALTH_CHECK": "true",
                         "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}"})
    world.install("lively", "hangs")
    world.crash_daemon(2)
    world.wait_cli_calls("set", 2)
    world.program.wait_log_part("tailscale set failed: it has not ended within", 10)
    world.wait_http("/readyz", 200)


def test_login_is_lost_during_set(world):
    """The login comes first, and what is to be set after it."""
    world.install("lively")
    world.start_running({"TS_AUTH_ONCE": "true", "TS_AUTHKEY": "k"})
    world.install("lively", "hangs")
    world.crash_daemon(2)
    world.wait_cli_calls("set", 2)
    world.install("lively")
    world.lapi.bus.publish(LOST)
    world.wait_cli_calls("up", 1)
    world.lapi.bus.publish(notify.running())
    world.wait_cli_calls("set", 3)


def test_fresh_key_in_the_secret(world):
    """The login is lost; the key that is put into the Secret then is the one that is used."""
    world.kube.update({"authkey": "old-key"})
    world.install("lively")
    world.start_running(world.kube_env(TS_AUTH_ONCE="true"))
    world.wait_key("authkey", None)
    world.kube.update({"authkey": "fresh-key"})
    world.lapi.bus.publish(LOST)
    wait_until(lambda: any("--authkey=fresh-key" in c for c in world.commands()), 5,
               "the fresh key is used")
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(AGAIN)
    world.wait_key("authkey", None)
    assert "fresh-key" not in world.program.output()


def test_api_away_at_a_new_login(world):
    """The key of before is tried when the Secret cannot be read."""
    world.kube.update({"authkey": "old-key"})
    world.install("lively")
    world.start_running(world.kube_env())
    calls = world.cli_calls("up")
    world.kube.stop()
    world.lapi.bus.publish(LOST)
    world.wait_cli_calls("up", calls + 1, 20)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(AGAIN)


USAGE = """flag provided but not defined: -nonsense
Connect to Tailscale, logging in if needed

USAGE
  tailscale up [flags]
"""
REFUSED = {
    "route": ("10.1.0.0/8 has non-address bits set; expected 10.0.0.0/8\n",
              "exit status 1: 10.1.0.0/8 has non-address bits set; expected 10.0.0.0/8"),
    "flag": (USAGE, "exit status 1: flag provided but not defined: -nonsense"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_argument_is_the_reason(world, name):
    """What the tool says of it is the last line, and the termination message."""
    said, reason = REFUSED[name]
    world.install("lively")
    commands.write_script(world.root / "usr/bin/tailscale", "#!/usr/bin/env bash\n"
                          f"cat >&2 <<'END'\n{said}END\nexit 1\n")
    message = world.root / "termination-log"
    message.touch()
    program = world.start({"TS_AUTHKEY": "k", "TAILBOOT_TERMINATION_LOG": message})
    assert program.wait_exit() == 1
    assert program.lines()[-1].endswith(f"tailscale up failed: {reason}")
    assert message.read_text().rstrip().endswith(reason)
