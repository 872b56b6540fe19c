"""Forwarding and the TUN device as the container finds them: made, left alone, or refused with a reason."""

import pytest

from realbed import echo, netns
from realbed.pod import FORWARDING

READ_ONLY = {"BED_PROC_SYS": "ro"}


def _preset(pod, value):
    for path in FORWARDING.values():
        netns.set_sysctl(pod.namespace, path, value)


def test_tun_device_is_made(bed, new_proxy):
    """A container without /dev/net/tun: the supervisor makes it, and the node carries traffic."""
    bed.peer.echo()
    pod = new_proxy(environment={"BED_DEV": "bare", "TS_TAILNET_TARGET_IP": bed.peer.address})
    pod.boot()
    assert echo.wait_answer(bed.client(), pod.address).name == bed.peer.name
    assert pod.stop() == 0


def test_read_only_and_right(bed, new_proxy):
    """/proc/sys that cannot be written is fine where forwarding is on already."""
    backend = bed.backends(1)[0]
    pod = new_proxy(environment={**READ_ONLY, "TS_DEST_IP": backend.addresses[0], "TS_ROUTES": "fd77::/64"})
    _preset(pod, 1)
    pod.boot().meet(bed.peer)
    assert echo.wait_answer(bed.peer.namespace, pod.client.address()).source == pod.address
    assert pod.stop() == 0


@pytest.mark.parametrize("variable, value", [("TS_DEST_IP", "10.201.0.9"), ("TS_DEST_IP", "fd00:201::9"),
                                             ("TS_TAILNET_TARGET_IP", "100.64.0.1"), ("TS_ROUTES", "10.77.0.0/24")])
def test_read_only_and_wrong(variable, value, new_proxy):
    """Forwarding is off and cannot be switched on: the container says so and how to help, and ends with 1."""
    pod = new_proxy(environment={**READ_ONLY, variable: value})
    _preset(pod, 0)
    pod.start()
    assert pod.process.wait(10) == 1
    assert "Failed to enable IP forwarding" in pod.log()
    assert "privileged" in pod.log()
