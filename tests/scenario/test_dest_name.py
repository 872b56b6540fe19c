"""A DNS name of the cluster as target: what the log says of it, and what the start waits for."""

import pytest
from fakes import notify
from fakes.waiting import stays_true
from harness import STARTED

pytestmark = pytest.mark.both_generations

FAILED = "[unexpected] error resolving DNS name "
RETRY = "reconfigureTimer: last DNS resolution attempt failed, next DNS resolution attempt in "
INSTALLING = "installing ingress proxy rules for backends [127.0.0.1"


def start(world, name):
    """A proxy for this name, whose node is running."""
    world.lapi.bus.publish(notify.running())
    return world.start({"TS_AUTHKEY": "key", "TS_USERSPACE": "false",
                        "TS_EXPERIMENTAL_DEST_DNS_NAME": name})


def test_backends_are_installed(world):
    """Before the start is complete, once, and again only for another own address."""
    program = start(world, "localhost")
    program.wait_log(STARTED)
    lines = program.lines()
    assert program.log_count("reconfigureTimer: next DNS resolution attempt in ") == 1
    assert program.log_count(INSTALLING) == 1
    at = [i for i, line in enumerate(lines) if INSTALLING in line or STARTED in line]
    assert STARTED in lines[at[-1]]
    world.lapi.bus.publish(notify.running(notify.node(addresses=["100.64.0.7/32"])))
    program.wait_log_part(INSTALLING, least=2)
    assert not program.log_count("Backend address change detected")
    assert program.stop() == 0


def test_start_waits_for_the_name(world):
    """A name that cannot be resolved is tried again with growing pauses and ends nothing."""
    program = start(world, "no..name")
    program.wait_log_part(f"{FAILED}no..name: ")
    program.wait_log_part(RETRY, least=4)
    program.wait_log_part("condition DestNameUnresolved: ")
    stays_true(lambda: program.alive() and not program.has_log(STARTED), 0.3)
    assert program.log_count(FAILED) == 1
    assert program.stop() == 0
