"""What the node publishes about itself: id, name and addresses, in a folder or in a Secret."""

import json
import stat

import pytest

from realbed import settings


@pytest.mark.parametrize("store", ["folder", "secret"])
def test_fields_appear_and_follow_a_rename(store, headscale, new_pod):
    """device_id, device_fqdn and device_ips are those of the node, and change with its name."""
    _, key = headscale.new_key()
    pod = new_pod(store=store, environment={"TS_AUTHKEY": key}).boot()
    node = headscale.wait_online(pod.name)
    fields = pod.wait_published(5, device_id=None, device_ips=None,
                                device_fqdn=f"{pod.name}.{settings.TAILNET_DOMAIN}.")
    assert fields["device_id"] == pod.client.status()["Self"]["ID"]
    assert sorted(json.loads(fields["device_ips"])) == sorted(node["ip_addresses"])

    headscale.rename(node, f"{pod.name}-renamed")
    renamed = pod.wait_published(10, device_fqdn=f"{pod.name}-renamed.{settings.TAILNET_DOMAIN}.")
    assert {**renamed, "device_fqdn": ""} == {**fields, "device_fqdn": ""} or store == "secret"
    assert renamed["device_id"] == fields["device_id"]
    assert pod.stop() == 0


def test_secret_carries_capability_version_and_pod(headscale, cluster, new_pod):
    """What an operator reads before it trusts the other fields is there from the reset on."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", environment={"TS_AUTHKEY": key}).boot()
    fields = cluster.secret(pod.name)
    assert int(fields["tailscale_capver"]) == int(json.loads(pod.client.run("version", "--json"))["cap"])
    assert fields["pod_uid"] == f"uid-{pod.name}"
    assert pod.stop() == 0


def test_published_files_are_private(headscale, new_pod):
    """One file per key, for root alone, and no temporary file stays behind."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key}).boot()
    pod.wait_published(5, device_id=None, device_fqdn=None, device_ips=None)
    folder = pod.state_folder / "published"
    entries = list(folder.iterdir())
    assert all(stat.S_IMODE(entry.stat().st_mode) == 0o600 for entry in entries)
    assert {"device_id", "device_fqdn", "device_ips"} <= {entry.name for entry in entries}
    assert not [entry for entry in entries if entry.name.startswith(".")]
    assert pod.stop() == 0


def test_without_patch_permission_nothing_is_written(headscale, cluster, new_pod):
    """get and update are enough to run; the supervisor then leaves the Secret to the daemon."""
    _, key = headscale.new_key()
    pod = new_pod(store="secret", environment={"TS_AUTHKEY": key}, verbs=("get", "update")).boot()
    headscale.wait_online(pod.name)
    assert not {"device_id", "device_fqdn", "device_ips", "pod_uid"} & cluster.secret(pod.name).keys()
    assert pod.stop() == 0
