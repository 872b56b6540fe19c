"""Black-box stories: userspace mode without Kubernetes."""

import pytest
from fakes import notify
from harness import CLI, SET, UP, USERSPACE
from phases import ANY, Phase, Story, run_story

pytestmark = pytest.mark.both_generations

RUNNING = Phase(notify=notify.running())
KEY = {"TS_AUTHKEY": "tskey-key"}


def simple(env, *commands, last=RUNNING, **more):
    """A story of two phases: these commands, then Running."""
    return Story(env=env, phases=[Phase(want_cmds=list(commands), **more), last])


STORIES = {
    "no_args": simple({}, USERSPACE, UP,
                      endpoints={"9002/metrics": ANY, "9002/healthz": ANY}),
    "authkey": simple(KEY, USERSPACE, UP + " --authkey=tskey-key"),
    "authkey_old_flag": simple({"TS_AUTH_KEY": "tskey-key"}, USERSPACE,
                               UP + " --authkey=tskey-key"),
    "authkey_disk_state": simple(
        dict(KEY, TS_STATE_DIR="{D}/tmp"),
        "/usr/bin/tailscaled --socket=/tmp/tailscaled.sock --statedir=/tmp "
        "--tun=userspace-networking", UP + " --authkey=tskey-key"),
    "proxies": simple(
        {"TS_SOCKS5_SERVER": "localhost:1080", "TS_OUTBOUND_HTTP_PROXY_LISTEN": "localhost:8080"},
        USERSPACE + " --socks5-server=localhost:1080 --outbound-http-proxy-listen=localhost:8080",
        UP),
    "dns": simple({"TS_ACCEPT_DNS": "true"}, USERSPACE, CLI + "up --accept-dns=true"),
    "extra_args": simple(
        {"TS_EXTRA_ARGS": "--widget=rotated", "TS_TAILSCALED_EXTRA_ARGS": "--experiments=widgets"},
        USERSPACE + " --experiments=widgets", UP + " --widget=rotated"),
    "extra_args_accept_routes": simple({"TS_EXTRA_ARGS": "--accept-routes"}, USERSPACE,
                                       UP + " --accept-routes"),
    "extra_args_accept_dns": simple({"TS_EXTRA_ARGS": "--accept-dns"}, USERSPACE,
                                    CLI + "up --accept-dns=true"),
    "extra_args_accept_dns_overrides_env_var": simple(
        {"TS_ACCEPT_DNS": "true", "TS_EXTRA_ARGS": "--accept-dns=false"}, USERSPACE, UP),
    "hostname": simple({"TS_HOSTNAME": "my-server"}, USERSPACE, UP + " --hostname=my-server"),
    "experimental_tailscaled_config_path": simple(
        {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": "{D}/etc/tailscaled/"},
        USERSPACE + " --config=/etc/tailscaled/cap-95.hujson"),
    "authkey_once": Story(env=dict(KEY, TS_AUTH_ONCE="true"), phases=[
        Phase(want_cmds=[USERSPACE]),
        Phase(notify=notify.state(notify.NEEDS_LOGIN), want_cmds=[UP + " --authkey=tskey-key"]),
        Phase(notify=notify.running(), want_cmds=[SET])]),
    "auth_key_once_extra_args_override_dns": Story(
        env=dict(KEY, TS_AUTH_ONCE="true", TS_ACCEPT_DNS="false", TS_EXTRA_ARGS="--accept-dns"),
        phases=[
            Phase(want_cmds=[USERSPACE]),
            Phase(notify=notify.state(notify.NEEDS_LOGIN),
                  want_cmds=[CLI + "up --accept-dns=true --authkey=tskey-key"]),
            Phase(notify=notify.running(), want_cmds=[CLI + "set --accept-dns=true"])]),
    "egress_svcs_config_no_kube": Story(
        env=dict(KEY, TS_EGRESS_PROXIES_CONFIG_PATH="{D}/etc/tailscaled"),
        phases=[Phase(want_exit=1, want_log="TS_EGRESS_PROXIES_CONFIG_PATH is only supported for "
                                            "Tailscale running on Kubernetes")]),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(world, name):
    """One story of the black-box suite."""
    run_story(world, STORIES[name])
