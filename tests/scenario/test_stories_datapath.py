"""Black-box stories: proxies of layer 3, with the firewall kept in memory."""

import json

import pytest
from fakes import notify
from harness import CAPVER, KERNEL, KUBE, UP
from phases import Phase, Story, run_story

pytestmark = pytest.mark.both_generations

KEY = {"authkey": "tskey-key"}
BOOTED = {"tailscale_capver": CAPVER}
DEVICE = {"device_id": "myID", "device_fqdn": "test-node.test.ts.net.",
          "device_ips": '["100.64.0.1"]'}
FOUR_ONLY = {"proc/sys/net/ipv4/ip_forward": "1", "proc/sys/net/ipv6/conf/all/forwarding": "0"}
LOGIN = [KERNEL, UP + " --authkey=tskey-key"]
HOOK = "{port}/internal-egress-services-preshutdown"


def proxy(files=None, **more):
    """A proxy with one target, by that variable."""
    return Story(env={"TS_AUTHKEY": "tskey-key", "TS_USERSPACE": "false", **more}, phases=[
        Phase(want_cmds=LOGIN, want_files=files or {}), Phase(notify=notify.running())])


def status(target):
    """The published status of the service that the test root has, as text."""
    return json.dumps({"podIPv4": "", "services": {"foo": {
        "ports": [], "tailnetTargetIPs": [target],
        "tailnetTarget": {"ip": "", "fqdn": "foo.tailnetxyz.ts.net"}}}}, separators=(",", ":"))


def foo(address):
    """The peer that this service leads to."""
    return notify.node("fooID", "foo.tailnetxyz.ts.net.", [address])


STORIES = {
    "ingress_proxy": proxy(TS_DEST_IP="1.2.3.4"),
    "egress_proxy": proxy(FOUR_ONLY, TS_TAILNET_TARGET_IP="100.99.99.99"),
    "egress_proxy_fqdn_ipv6_target_on_ipv4_host": Story(
        env={"TS_AUTHKEY": "tskey-key", "TS_USERSPACE": "false",
             "TS_TAILNET_TARGET_FQDN": "ipv6-node.test.ts.net.",
             "TS_TEST_FAKE_NETFILTER_6": "false"},
        phases=[
            Phase(want_cmds=LOGIN, want_files=FOUR_ONLY),
            Phase(notify=notify.running(
                      peers=[notify.node("ipv6ID", "ipv6-node.test.ts.net.", ["::1/128"])]),
                  want_log="no forwarding rules for egress addresses [::1/128], "
                           "host supports IPv6: false",
                  want_exit=1)]),
    "egress_svcs_config_kube": Story(
        kube=True, secret=KEY,
        env={"TS_EGRESS_PROXIES_CONFIG_PATH": "{D}/etc/tailscaled",
             "TS_LOCAL_ADDR_PORT": "[::]:{port}"},
        phases=[
            Phase(want_cmds=[KUBE, UP + " --authkey=tskey-key"], want_secret=dict(KEY, **BOOTED),
                  endpoints={HOOK: 200}),
            Phase(notify=notify.running(peers=[foo("100.64.0.2/32")]),
                  want_secret={**KEY, **BOOTED, **DEVICE, "egress-services": status("100.64.0.2")},
                  endpoints={HOOK: 200}),
            Phase(notify={"PeersChanged": [foo("100.64.0.3/32")]},
                  want_secret={**KEY, **BOOTED, **DEVICE,
                               "egress-services": status("100.64.0.3")})]),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(world, name):
    """One story of the black-box suite."""
    run_story(world, STORIES[name])
