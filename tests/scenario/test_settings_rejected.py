"""Every rejected combination of settings: its text, its exit status, its place in the order.

Nothing may have been started when the program ends.
"""

import os

import pytest
from harness import USERSPACE

CONFIG = {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": "{D}/etc/tailscaled"}
KERNEL_MODE = {"TS_USERSPACE": "false"}
IN_KUBE = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT_HTTPS": "1"}
INGRESS = {"EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS": "true"}
METRICS = {"TS_ENABLE_METRICS": "true"}
HEALTH_OLD = {"TS_HEALTHCHECK_ADDR_PORT": "[::]:9003"}
CONFLICT = ("TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR cannot be set in combination with TS_HOSTNAME, "
            "TS_EXTRA_ARGS, TS_AUTHKEY, TS_ROUTES, TS_ACCEPT_DNS, TS_CLIENT_ID, TS_CLIENT_SECRET, "
            "TS_ID_TOKEN, TS_AUDIENCE.")
WITH_KEY = ("TS_AUTHKEY cannot be used with TS_CLIENT_ID, TS_CLIENT_SECRET, TS_ID_TOKEN, or "
            "TS_AUDIENCE.")
GRO = {"TS_EXPERIMENTAL_ENABLE_FORWARDING_OPTIMIZATIONS": "true"}
EGRESS = {"TS_EGRESS_PROXIES_CONFIG_PATH": "{D}/etc/tailscaled"}
INGRESS_PATH = {"TS_INGRESS_PROXIES_CONFIG_PATH": "{D}/etc/tailscaled/ingress"}
TWICE = "invalid configuration: invalid configuration: "
ONCE = "invalid configuration: "


def remove_config(world):
    """An empty directory of config files."""
    (world.config_dir() / "cap-95.hujson").unlink()


def too_new(world):
    """Only a config file for a later daemon."""
    (world.config_dir() / "cap-95.hujson").rename(world.config_dir() / "cap-9999.hujson")


def dangling(world):
    """A config file that is listed but not there."""
    remove_config(world)
    os.symlink("nowhere", world.config_dir() / "cap-95.hujson")


def backup_only(world):
    """The name rule takes a prefix, the path does not."""
    (world.config_dir() / "cap-95.hujson").rename(world.config_dir() / "cap-95.hujson.bak")


def content(text):
    """A config file that does not load."""
    def write(world):
        data = text if isinstance(text, bytes) else text.encode()
        (world.config_dir() / "cap-95.hujson").write_bytes(data)
    return write


BAD_CONTENT = "error validating tailscaled configfile contents"

# id: (environment, preparation, text)
REJECTED = {
    "a_directory_unreadable": (
        {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": "{D}/nowhere"}, None,
        'error reading tailscaled config directory "{D}/nowhere": '),
    "b_no_config_file": (
        CONFIG, remove_config, 'no tailscaled config file found in "{D}/etc/tailscaled" for '
        "current capability version "),
    "b_only_newer": (CONFIG, too_new, "no tailscaled config file found in "),
    "c_three_pod_ips": ({"POD_IPS": "10.0.0.1,10.0.0.2,::1"}, None,
                        ONCE + "POD_IPs can contain at most 2 IPs, got 3 ("),
    "d_bad_pod_ip": ({"POD_IPS": "10.0.0.1,x"}, None, ONCE + "error parsing IP address x: "),
    "d_untrimmed_pod_ip": ({"POD_IPS": "10.0.0.1, ::1"}, None,
                           ONCE + "error parsing IP address  ::1: "),
    "d_empty_pod_ips": ({"POD_IPS": ""}, None, ONCE + "error parsing IP address : "),
    "f_dangling_link": (CONFIG, dangling,
                        TWICE + "error validating whether tailscaled config directory "
                        '"{D}/etc/tailscaled'),
    "f_hint": (CONFIG, backup_only, "please ensure that the version of the operator is not older "
                                    "than the version of the proxy"),
    "g_not_json": (CONFIG, content("{"), TWICE + BAD_CONTENT),
    "g_empty": (CONFIG, content(""), TWICE + BAD_CONTENT),
    "g_no_version": (CONFIG, content("{}"), TWICE + BAD_CONTENT),
    "g_other_version": (CONFIG, content('{"version":"beta1"}'), TWICE + BAD_CONTENT),
    "g_trailing_data": (CONFIG, content('{"version":"alpha0"} {}'), TWICE + BAD_CONTENT),
    "g_not_an_object": (CONFIG, content("[]"), TWICE + BAD_CONTENT),
    "g_nul": (CONFIG, content(b'{"version":"alpha0"\0}'), TWICE + BAD_CONTENT),
    "g_key_of_wrong_type": (CONFIG, content('{"version":"alpha0","AuthKey":5}'),
                            TWICE + BAD_CONTENT),
    "g_deep": (CONFIG, content('{"version":' + "[" * 20000 + "]" * 20000 + "}"),
               TWICE + BAD_CONTENT),
    "h_dest_ip": ({"TS_DEST_IP": "10.0.0.1"}, None,
                  TWICE + "TS_DEST_IP is not supported with TS_USERSPACE"),
    "i_dest_name": ({"TS_EXPERIMENTAL_DEST_DNS_NAME": "a.b"}, None, TWICE +
                    "TS_EXPERIMENTAL_DEST_DNS_NAME is not supported with TS_USERSPACE"),
    "j_both_dests": (dict(KERNEL_MODE, TS_DEST_IP="10.0.0.1", TS_EXPERIMENTAL_DEST_DNS_NAME="a.b"),
                     None, TWICE +
                     "TS_EXPERIMENTAL_DEST_DNS_NAME and TS_DEST_IP cannot both be set"),
    "k_target_ip": ({"TS_TAILNET_TARGET_IP": "100.64.0.2"}, None,
                    TWICE + "TS_TAILNET_TARGET_IP is not supported with TS_USERSPACE"),
    "l_target_name": ({"TS_TAILNET_TARGET_FQDN": "a.b"}, None,
                      TWICE + "TS_TAILNET_TARGET_FQDN is not supported with TS_USERSPACE"),
    "m_both_targets": (dict(KERNEL_MODE, TS_TAILNET_TARGET_IP="100.64.0.2",
                            TS_TAILNET_TARGET_FQDN="a.b"), None,
                       TWICE + "Both TS_TAILNET_TARGET_IP and TS_TAILNET_FQDN cannot be set"),
    "n_with_key": (dict(CONFIG, TS_AUTHKEY="x"), None, TWICE + CONFLICT),
    "n_with_old_key": (dict(CONFIG, TS_AUTH_KEY="x"), None, TWICE + CONFLICT),
    "n_with_hostname": (dict(CONFIG, TS_HOSTNAME="x"), None, TWICE + CONFLICT),
    "n_with_empty_routes": (dict(CONFIG, TS_ROUTES=""), None, TWICE + CONFLICT),
    "n_with_dns": (dict(CONFIG, TS_ACCEPT_DNS="F"), None, TWICE + CONFLICT),
    "n_with_dns_in_args": (dict(CONFIG, TS_EXTRA_ARGS="--accept-dns"), None, TWICE + CONFLICT),
    "n_with_args": (dict(CONFIG, TS_EXTRA_ARGS="--ssh"), None, TWICE + CONFLICT),
    "n_with_audience": (dict(CONFIG, TS_AUDIENCE="x"), None, TWICE + CONFLICT),
    "o_token_alone": ({"TS_ID_TOKEN": "x"}, None,
                      TWICE + "TS_ID_TOKEN is set but TS_CLIENT_ID is not set"),
    "p_audience_alone": ({"TS_AUDIENCE": "x"}, None,
                         TWICE + "TS_AUDIENCE is set but TS_CLIENT_ID is not set"),
    "q_token_and_secret": ({"TS_CLIENT_ID": "c", "TS_ID_TOKEN": "x", "TS_CLIENT_SECRET": "y"},
                           None, TWICE + "TS_ID_TOKEN and TS_CLIENT_SECRET cannot both be set"),
    "r_token_and_audience": ({"TS_CLIENT_ID": "c", "TS_ID_TOKEN": "x", "TS_AUDIENCE": "y"},
                             None, TWICE + "TS_ID_TOKEN and TS_AUDIENCE cannot both be set"),
    "s_audience_and_secret": ({"TS_CLIENT_ID": "c", "TS_AUDIENCE": "x", "TS_CLIENT_SECRET": "y"},
                              None, TWICE + "TS_AUDIENCE and TS_CLIENT_SECRET cannot both be set"),
    "t_key_and_id": ({"TS_AUTHKEY": "k", "TS_CLIENT_ID": "c"}, None, TWICE + WITH_KEY),
    "t_key_and_secret": ({"TS_AUTHKEY": "k", "TS_CLIENT_SECRET": "c"}, None, TWICE + WITH_KEY),
    "u_ingress_userspace": (INGRESS, None, TWICE +
                            "EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS is not "
                            "supported in userspace mode"),
    "v_ingress_no_serve": (dict(INGRESS, **KERNEL_MODE), None,
                           "is set but this is not a cluster ingress proxy"),
    "w_ingress_no_ip": (dict(INGRESS, **KERNEL_MODE, TS_SERVE_CONFIG="/x"), None,
                        "is set but POD_IP is not set"),
    "x_gro_userspace": (GRO, None, TWICE + "TS_EXPERIMENTAL_ENABLE_FORWARDING_OPTIMIZATIONS is not"
                                           " supported in userspace mode"),
    "y_health_address": ({"TS_HEALTHCHECK_ADDR_PORT": ":9002"}, None, TWICE +
                         'error parsing TS_HEALTHCHECK_ADDR_PORT value ":9002": '),
    "z_local_address": (dict(METRICS, TS_LOCAL_ADDR_PORT="localhost:9002"), None, TWICE +
                        'error parsing TS_LOCAL_ADDR_PORT value "localhost:9002": '),
    "z_leading_zero": (dict(METRICS, TS_LOCAL_ADDR_PORT="127.0.0.01:9002"), None, TWICE +
                       'error parsing TS_LOCAL_ADDR_PORT value "127.0.0.01:9002": '),
    "z_port_too_big": (dict(METRICS, TS_LOCAL_ADDR_PORT="127.0.0.1:65536"), None, TWICE +
                       'error parsing TS_LOCAL_ADDR_PORT value "127.0.0.1:65536": '),
    "z_for_egress": (dict(EGRESS, **IN_KUBE, TS_LOCAL_ADDR_PORT="x"), None, TWICE +
                     'error parsing TS_LOCAL_ADDR_PORT value "x": '),
    "aa_debug_address": ({"TS_DEBUG_ADDR_PORT": "9001"}, None, TWICE +
                         'error parsing TS_DEBUG_ADDR_PORT value "9001": '),
    "bb_both_healths": (dict(HEALTH_OLD, TS_ENABLE_HEALTH_CHECK="true"), None, TWICE +
                        "TS_HEALTHCHECK_ADDR_PORT is deprecated and will be removed in 1.82.0, use "
                        "TS_ENABLE_HEALTH_CHECK and optionally TS_LOCAL_ADDR_PORT"),
    "cc_egress_outside": (EGRESS, None, TWICE + "TS_EGRESS_PROXIES_CONFIG_PATH is only supported "
                                                "for Tailscale running on Kubernetes"),
    "cc_egress_no_secret": (dict(EGRESS, **IN_KUBE, TS_KUBE_SECRET=""), None, TWICE +
                            "TS_EGRESS_PROXIES_CONFIG_PATH is only supported for Tailscale "
                            "running on Kubernetes"),
    "dd_ingress_outside": (INGRESS_PATH, None, TWICE + "TS_INGRESS_PROXIES_CONFIG_PATH is only "
                           "supported for Tailscale running on Kubernetes"),
    "ee_boot_timeout": ({"TS_BOOT_TIMEOUT": "90"}, None, TWICE +
                        'error parsing TS_BOOT_TIMEOUT value "90": '),
    "ee_days": ({"TS_BOOT_TIMEOUT": "1d"}, None, 'error parsing TS_BOOT_TIMEOUT value "1d": '),
}

# environments that break several rules: the first of the order is the one that is named
ORDER = {
    "directory_before_pod_ips": (dict(CONFIG, POD_IPS="x"), remove_config, "no tailscaled config"),
    "pod_ips_before_file": (dict(CONFIG, POD_IPS="x"), dangling, "error parsing IP address"),
    "file_before_targets": (dict(CONFIG, TS_DEST_IP="1.2.3.4"), dangling, "please ensure that"),
    "content_before_targets": (dict(CONFIG, TS_DEST_IP="1.2.3.4"), content("{"), BAD_CONTENT),
    "dest_before_name": ({"TS_DEST_IP": "1.2.3.4", "TS_EXPERIMENTAL_DEST_DNS_NAME": "a"}, None,
                         "TS_DEST_IP is not supported"),
    "target_before_both": ({"TS_TAILNET_TARGET_IP": "1.2.3.4", "TS_TAILNET_TARGET_FQDN": "a"},
                           None, "TS_TAILNET_TARGET_IP is not supported"),
    "conflict_before_token": (dict(CONFIG, TS_ID_TOKEN="x"), None, CONFLICT),
    "token_before_audience": ({"TS_ID_TOKEN": "x", "TS_AUDIENCE": "y"}, None, "TS_ID_TOKEN is set"),
    "secret_before_audience": ({"TS_CLIENT_ID": "c", "TS_ID_TOKEN": "x", "TS_CLIENT_SECRET": "y",
                                "TS_AUDIENCE": "z", "TS_AUTHKEY": "k"}, None,
                               "TS_ID_TOKEN and TS_CLIENT_SECRET"),
    "audience_before_key": ({"TS_CLIENT_ID": "c", "TS_CLIENT_SECRET": "y", "TS_AUDIENCE": "z",
                             "TS_AUTHKEY": "k"}, None, "TS_AUDIENCE and TS_CLIENT_SECRET"),
    "key_before_ingress": (dict(INGRESS, TS_AUTHKEY="k", TS_CLIENT_ID="c"), None, WITH_KEY),
    "ingress_before_gro": (dict(INGRESS, **GRO), None, "VIA_INGRESS is not supported"),
    "gro_before_health": (dict(GRO, TS_HEALTHCHECK_ADDR_PORT="x"), None, "OPTIMIZATIONS is not"),
    "health_before_local": (dict(METRICS, TS_HEALTHCHECK_ADDR_PORT="x", TS_LOCAL_ADDR_PORT="y"),
                            None, "TS_HEALTHCHECK_ADDR_PORT value"),
    "local_before_debug": (dict(METRICS, TS_DEBUG_ADDR_PORT="x", TS_LOCAL_ADDR_PORT="y"), None,
                           "TS_LOCAL_ADDR_PORT value"),
    "debug_before_both": (dict(HEALTH_OLD, TS_ENABLE_HEALTH_CHECK="1", TS_DEBUG_ADDR_PORT="x"),
                          None, "TS_DEBUG_ADDR_PORT value"),
    "both_before_egress": (dict(HEALTH_OLD, TS_ENABLE_HEALTH_CHECK="1", **EGRESS), None,
                           "is deprecated and will be removed in 1.82.0, use"),
    "egress_before_ingress": (dict(EGRESS, **INGRESS_PATH), None, "TS_EGRESS_PROXIES_CONFIG_PATH"),
    "ingress_before_timeout": (dict(INGRESS_PATH, TS_BOOT_TIMEOUT="x"), None,
                               "TS_INGRESS_PROXIES_CONFIG_PATH"),
}


def rejected(world, case, argv=()):
    """Run the case to its end; returns the status and the last line."""
    env, prepare, text = case
    if prepare:
        prepare(world)
    fill = {k: v.replace("{D}", str(world.root)) for k, v in env.items()}
    program = world.start(fill, argv)
    status = program.wait_exit()
    wanted = text.replace("{D}", str(world.root))
    if not argv:
        assert any(wanted in line and (not text.startswith(ONCE) or line.startswith(wanted))
                   for line in program.lines()), program.output()
        if text.startswith(ONCE) and not text.startswith(TWICE):
            assert not any(line.startswith(TWICE) for line in program.lines())
    else:
        assert wanted in program.output(), program.output()
    assert world.commands() == []
    return status


@pytest.mark.parametrize("name", REJECTED)
def test_rejected(world, name):
    """One fatal line with the text, exit 1, nothing started."""
    assert rejected(world, REJECTED[name]) == 1


@pytest.mark.parametrize("name", ORDER)
def test_order(world, name):
    """Of several faults the first is named."""
    assert rejected(world, ORDER[name]) == 1


@pytest.mark.parametrize("name", ["b_no_config_file", "d_bad_pod_ip", "g_not_json", "t_key_and_id",
                                  "ee_boot_timeout"])
def test_check_rejects(world, name):
    """`check` finds the same faults without starting anything."""
    env, prepare, text = REJECTED[name]
    shorter = text.replace(TWICE, "").replace(ONCE, "")
    assert rejected(world, (env, prepare, shorter), ["check"]) != 0


def test_check_accepts(world):
    """`check` says yes to valid settings and starts nothing."""
    program = world.start({"TS_AUTHKEY": "k"}, ["check"])
    assert program.wait_exit() == 0
    assert world.commands() == []
    assert "k" not in program.output().split(), "the key must not be shown"


def test_check_reads_the_files(world):
    """`check` also looks into the files that the settings name."""
    path = world.root / "etc/serve.json"
    path.write_text('{"TCP":')
    program = world.start({"TS_SERVE_CONFIG": path}, ["check"])
    assert program.wait_exit() == 1
    assert str(path) in program.output() and "line 1" in program.output()
    (world.root / "output").unlink()
    program = world.start(world.kube_env(), ["check"])
    assert program.wait_exit() == 0
    (world.root / "var/run/secrets/kubernetes.io/serviceaccount/token").unlink()
    program = world.start(world.kube_env(), ["check"])
    assert program.wait_exit() == 1
    assert "serviceaccount/token" in program.output()
    assert world.kube.count("patch") == 0 and world.commands() == []


@pytest.mark.parametrize("argv", [["--help"], ["--version"]])
def test_information(world, argv):
    """Help and version end with 0 and start nothing."""
    program = world.start({}, argv)
    assert program.wait_exit() == 0
    assert world.commands() == []
    assert program.output().strip()


@pytest.mark.parametrize("argv", [["--nonsense"], ["check", "more"], ["nonsense"]])
def test_wrong_command_line(world, argv):
    """A wrong command line is status 2."""
    program = world.start({}, argv)
    assert program.wait_exit() == 2
    assert world.commands() == []


def test_valid_combinations_reach_the_daemon(world):
    """What looks forbidden but is not: client id with secret, local address unused and bad."""
    world.start({"TS_CLIENT_ID": "c", "TS_CLIENT_SECRET": "s", "TS_LOCAL_ADDR_PORT": "bad"})
    world.wait_commands([USERSPACE, "/usr/bin/tailscale --socket=/tmp/tailscaled.sock up "
                         "--accept-dns=false --client-id=c --client-secret=s"])
