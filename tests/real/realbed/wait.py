"""Waiting for conditions, never for time: every wait has a deadline and says what it waited for."""

import time


class Timeout(AssertionError):
    """A condition did not come true before its deadline."""


def wait_for(condition, deadline, what, interval=0.05):
    """Calls condition() until it returns something true, and returns that.

    deadline is in seconds. Exceptions of the kinds a partner causes while it is coming up count as
    "not yet"; the last one is part of the message when the deadline passes.
    """
    end = time.monotonic() + deadline
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except (OSError, ValueError, LookupError) as error:
            last = error
        if time.monotonic() >= end:
            reason = f" (last: {last!r})" if last else ""
            raise Timeout(f"not within {deadline} s: {what}{reason}")
        time.sleep(interval)
