"""The reference's own black-box suite, unmodified, against the program under test."""

import json
import os
import re
import subprocess

import pytest

from realbed import settings

# All of its sub-tests.
SUB_TESTS = """
no_args authkey authkey_old_flag authkey_disk_state routes empty_routes routes_kernel_ipv4 routes_kernel_ipv6
routes_kernel_all_families authkey_once auth_key_once_extra_args_override_dns kube_storage kube_disk_storage
kube_storage_no_patch kube_storage_auth_once kube_storage_updates proxies dns extra_args extra_args_accept_routes
extra_args_accept_dns extra_args_accept_dns_overrides_env_var hostname experimental_tailscaled_config_path
sets_reissue_authkey_if_needs_login sets_reissue_authkey_if_auth_fails clears_reissue_authkey_on_change
metrics_enabled health_enabled metrics_and_health_on_same_port local_metrics_and_deprecated_health
serve_config_no_kube serve_config_kube ingress_proxy egress_proxy egress_proxy_fqdn_ipv6_target_on_ipv4_host
egress_svcs_config_kube egress_svcs_config_no_kube serve_config_with_service_auto_advertisement
kube_shutdown_during_state_write
""".split()

# Stands in for the compiler that the suite calls to build the program: copies the one under test.
_GO = """#!/bin/bash
while [ $# -gt 0 ]; do
	if [ "$1" = -o ]; then
		exec cp {program} "$2"
	fi
	shift
done
exit 1
"""


def _program():
    """The program under test for the daemon that the suite imitates, which is of the suite's own release.

    Its fake commands do not say their version, so a program that was not named is built for that one.
    """
    if "TAILBOOT_PROGRAM" in os.environ:
        return settings.program()
    client = settings.partner("reference") / "tailscale"
    answer = subprocess.run([client, "version", "--json"], check=True, capture_output=True, text=True).stdout
    subprocess.run([settings.ROOT / "scripts" / "build", "suite"], check=True, timeout=300,
                   env={**os.environ, "TAILBOOT_CAPVER": str(json.loads(answer)["cap"])})
    return settings.ROOT / "build" / "suite" / "tailboot"


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """One run of the whole suite; its verdict by sub-test, and all that it said.

    In a network namespace with nothing but loopback, because one sub-test uses the default port.
    Its temporary folders are in /tmp itself: some of its socket paths are as long as they may be.
    """
    folder = tmp_path_factory.mktemp("suite")
    shim = folder / "go"
    shim.write_text(_GO.format(program=_program()))
    shim.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        ["unshare", "--net", "bash", "-c", 'ip link set lo up && exec "$@"', "suite",
         settings.partner("suite") / "containerboot.test", "-test.v", "-test.parallel=4", "-test.timeout=180s",
         f"-test.run=^TestContainerBoot$/^({'|'.join(SUB_TESTS)})$"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=200)
    text = done.stdout + done.stderr
    verdicts = re.findall(r"--- (PASS|FAIL|SKIP): TestContainerBoot/(\S+)", text)
    return {name: verdict for verdict, name in verdicts}, text


def _said_of(name, text):
    """What the suite printed while it was at one sub-test."""
    shown, current = [], False
    for line in text.splitlines():
        if line.startswith("=== ") or line.lstrip().startswith("--- "):
            current = line.split(" (")[0].endswith(f"/{name}")
        if current:
            shown.append(line)
    return shown or text.splitlines()[-60:]


@pytest.mark.parametrize("name", SUB_TESTS)
def test_of_the_reference(name, answers):
    verdicts, text = answers
    if verdicts.get(name) != "PASS":
        pytest.fail("\n".join(_said_of(name, text)), pytrace=False)
