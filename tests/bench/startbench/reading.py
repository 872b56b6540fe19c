"""The kernel's figures of a running process."""

import os
import time

#: the processor-time clock of a whole process, see clock_getcpuclockid(3)
_CPUCLOCK_SCHED = 2
_FIELDS = {"Rss": "resident", "Anonymous": "anonymous", "Private_Dirty": "private_dirty",
           "Pss": "proportional"}


def memory(pid):
    """Bytes: resident, anonymous, proportional, private and dirty, and the peak of resident."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            name, _, rest = line.partition(":")
            if name in _FIELDS:
                found[_FIELDS[name]] = int(rest.split()[0]) * 1024
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                found["peak"] = int(line.split()[1]) * 1024
    return found


def settled_memory(pid, quiet=0.5, limit=10.0):
    """The same once resident memory has not changed for `quiet` seconds."""
    deadline = time.monotonic() + limit
    last, since = memory(pid), time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < quiet:
        time.sleep(0.05)
        now = memory(pid)
        if now["resident"] != last["resident"]:
            since = time.monotonic()
        last = now
    return last


def cpu_seconds(pid):
    """User and system time of all its threads, those that have ended included."""
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def threads(pid):
    """The number of its threads."""
    return len(os.listdir(f"/proc/{pid}/task"))
