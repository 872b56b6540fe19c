"""Waiting for conditions with a deadline; nothing in the tests sleeps for time alone."""

import os
import time

#: multiplies every deadline: for programs under valgrind and for slow machines
PATIENCE = float(os.environ.get("TAILBOOT_TEST_PATIENCE", "1"))


class WaitTimeout(AssertionError):
    """A condition did not become true before its deadline."""


def wait_until(condition, timeout=5.0, what="condition", interval=0.01):
    """Return the first true value of condition(), or raise WaitTimeout naming `what`.

    `what` may be a callable, so that a message can show the last state seen.
    """
    timeout *= PATIENCE
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            text = what() if callable(what) else what
            raise WaitTimeout(f"not within {timeout:g} s: {text}")
        time.sleep(interval)


def stays_true(condition, duration, what="condition", interval=0.02):
    """Assert that condition() holds at every look during `duration` seconds."""
    deadline = time.monotonic() + duration
    while time.monotonic() < deadline:
        assert condition(), f"no longer true: {what() if callable(what) else what}"
        time.sleep(interval)
