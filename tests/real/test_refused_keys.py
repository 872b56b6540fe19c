"""Keys that the control server refuses are named by their code within five seconds."""

import time

import pytest

from realbed import settings

DEADLINE = 5


def _used(headscale, new_pod):
    _, key = headscale.new_key()
    first = new_pod("first", environment={"TS_AUTHKEY": key}).boot()
    assert first.stop() == 0
    return key


def _expired(headscale, _):
    identifier, key = headscale.new_key()
    headscale.expire_key(identifier)
    return key


def _deleted(headscale, _):
    identifier, key = headscale.new_key()
    headscale.delete_key(identifier)
    return key


def _malformed(headscale, _):
    return headscale.new_key()[1][:-4]


CASES = {"KeyUsed": _used, "KeyExpired": _expired, "KeyInvalid": _deleted, "KeyMalformed": _malformed}


def _assert_named(pod, code, figure):
    """Starts a pod and expects the condition's line; the key itself must never be in the log."""
    pod.start()
    began = pod.wait_log("Starting tailscaled", 10)
    clock = time.monotonic()
    pod.wait_log(f"condition {code}", DEADLINE, began)
    figure(f"{code} named {time.monotonic() - clock:.2f} s after the daemon's start")


@pytest.mark.parametrize("code", CASES)
def test_refused_key_is_named(code, headscale, new_pod, figure):
    key = CASES[code](headscale, new_pod)
    pod = new_pod(environment={"TS_AUTHKEY": key})
    _assert_named(pod, code, figure)
    boot_lines = [line for line in pod.log().splitlines() if line.startswith("boot: ")]
    assert not [line for line in boot_lines if key in line], "the key is in the supervisor's own log"


def test_tag_that_is_not_permitted_is_named(headscale, new_pod, figure):
    _, key = headscale.new_key()
    arguments = f"--login-server={settings.CONTROL_URL} --advertise-tags=tag:stranger"
    pod = new_pod(environment={"TS_AUTHKEY": key, "TS_EXTRA_ARGS": arguments})
    _assert_named(pod, "TagNotPermitted", figure)


def test_refused_key_in_the_secret_is_named(headscale, cluster, new_pod, figure):
    """The same in a cluster, where the key comes from the Secret and is used up there."""
    identifier, key = headscale.new_key()
    headscale.expire_key(identifier)
    pod = new_pod(store="secret", secret={"authkey": key})
    _assert_named(pod, "KeyExpired", figure)
