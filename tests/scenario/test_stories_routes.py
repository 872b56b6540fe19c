"""Black-box stories: advertised routes and the forwarding sysctls."""

import pytest
from fakes import notify
from harness import KERNEL, UP, USERSPACE
from phases import Phase, Story, run_story

pytestmark = pytest.mark.both_generations


def routes(value, daemon, four, six):
    """A story with TS_ROUTES and what the two sysctls hold in the end."""
    env = {"TS_AUTHKEY": "tskey-key", "TS_ROUTES": value}
    if daemon == KERNEL:
        env["TS_USERSPACE"] = "false"
    return Story(env=env, phases=[
        Phase(want_cmds=[daemon, f"{UP} --authkey=tskey-key --advertise-routes={value}"]),
        Phase(notify=notify.running(),
              want_files={"proc/sys/net/ipv4/ip_forward": four,
                          "proc/sys/net/ipv6/conf/all/forwarding": six})])


STORIES = {
    "routes": routes("1.2.3.0/24,10.20.30.0/24", USERSPACE, "0", "0"),
    "empty_routes": routes("", USERSPACE, "0", "0"),
    "routes_kernel_ipv4": routes("1.2.3.0/24,10.20.30.0/24", KERNEL, "1", "0"),
    "routes_kernel_ipv6": routes("::/64,1::/64", KERNEL, "0", "1"),
    "routes_kernel_all_families": routes("::/64,1.2.3.0/24", KERNEL, "1", "1"),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(world, name):
    """One story of the black-box suite."""
    run_story(world, STORIES[name])
