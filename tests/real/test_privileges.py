"""What a container may do, refused by the kernel itself: capabilities, another user, devices, /proc/sys."""

import json

import pytest

from realbed import netns, settings, wait
from realbed.web import fetch

BARE = {"BED_DEV": "bare"}
NOTHING = {"BED_CAPABILITIES": "none"}
NET_ADMIN = {"BED_CAPABILITIES": "net_admin"}


def _logged_in(bed, environment):
    _, key = bed.headscale.new_key()
    return {"TS_AUTHKEY": key, **environment}


def _refusal(pod):
    """The last line of a start that is refused; tailscaled is not even started."""
    pod.termination_log.touch()
    pod.start()
    assert pod.process.wait(15) == 1
    assert "Starting tailscaled" not in pod.log()
    last = pod.log().strip().splitlines()[-1]
    assert last.endswith(pod.termination_log.read_text())
    return last


@pytest.mark.parametrize("environment, named", [
    ({**NET_ADMIN, **BARE}, ("unable to create tuntap device file: mknod /dev/net/tun: Operation not permitted: ",
                             "the tunnel needs it", "--device /dev/net/tun")),
    (NOTHING, ("needs the capability NET_ADMIN for the tunnel device, its routes and the packet filter",
               "--cap-add NET_ADMIN", "set TS_USERSPACE=true")),
    ({**NOTHING, "TS_DEST_IP": "10.201.0.9"}, ("TS_DEST_IP needs the capability NET_ADMIN", "--cap-add NET_ADMIN")),
    ({"BED_DEV": "closed"}, ("needs the device /dev/net/tun for the tunnel, which this container may not open "
                             "(Permission denied)", "--device /dev/net/tun")),
    ({**NET_ADMIN, "BED_USER": "12345"}, ("user 12345 does not have it: run the container as user 0",)),
], ids=["no device", "no capability", "no capability for a proxy", "closed device", "another user"])
def test_kernel_mode_names_what_is_missing(environment, named, bed, new_pod):
    """A start that cannot succeed ends with the capability or device, what it is for, and how to give it."""
    pod = new_pod(userspace=False, environment=_logged_in(bed, environment))
    line = _refusal(pod)
    for part in named:
        assert part in line


@pytest.fixture(name="legacy")
def _legacy(bed):
    """A folder with the legacy iptables in place of the machine's."""
    folder = bed.folder / "legacy"
    folder.mkdir(exist_ok=True)
    for name in ("iptables", "ip6tables"):
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(f"/usr/sbin/{name}-legacy")
    return f"{folder}:{settings.partner('tailscale')}:/usr/sbin:/usr/bin:/sbin:/bin"


def test_net_raw_is_for_the_legacy_iptables(bed, new_pod, legacy):
    """Without it the node works, but the daemon has no packet filter: named before the start, and as a condition."""
    environment = {**NET_ADMIN, "PATH": legacy, "TS_DEBUG_FIREWALL_MODE": None}
    pod = new_pod(userspace=False, environment=_logged_in(bed, environment)).boot()
    pod.meet(bed.peer)
    assert "needs the capability NET_RAW, because iptables of this image is the legacy one" in pod.log()
    pod.wait_log("condition RouterFailed: ", 5)
    assert fetch(bed.peer.namespace, pod.client.address(), 9002, "/readyz")[0] == 200
    assert pod.stop() == 0


@pytest.mark.parametrize("environment", [
    {**NET_ADMIN, "TS_DEBUG_FIREWALL_MODE": "nftables"},
    {"BED_CAPABILITIES": "net_admin,net_raw", "TS_DEBUG_FIREWALL_MODE": None}], ids=["nftables", "NET_RAW"])
def test_packet_filter_of_the_daemon(environment, bed, new_pod, legacy):
    """With nftables NET_ADMIN is enough; with NET_RAW the legacy iptables works as well."""
    pod = new_pod(userspace=False, environment=_logged_in(bed, {**environment, "PATH": legacy})).boot()
    pod.meet(bed.peer)
    assert fetch(bed.peer.namespace, pod.client.address(), 9002, "/readyz")[0] == 200
    assert "NET_RAW" not in pod.log()
    assert "RouterFailed" not in pod.log()
    assert pod.stop() == 0


@pytest.mark.parametrize("variable, value", [("TS_EGRESS_PROXIES_CONFIG_PATH", "/etc/proxies"),
                                             ("TS_INGRESS_PROXIES_CONFIG_PATH", "/etc/proxies/ingress")])
def test_services_are_refused_in_userspace_mode(variable, value, new_pod):
    """Their rules would lead to a device that there is not."""
    pod = new_pod(environment={variable: value})
    assert f"{variable} needs kernel networking, because its traffic goes through a tunnel device" in _refusal(pod)


def _serving(bed, new_proxy):
    """A pod that serves its own health on port 80, to the cluster, too."""
    pod = new_proxy(environment={**NET_ADMIN, "EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS": "true"})
    pod.forward()
    config = pod.folder / "serve.json"
    config.write_text(json.dumps({"TCP": {"80": {"TCPForward": "127.0.0.1:9002"}}}))
    pod.environment["TS_SERVE_CONFIG"] = config
    return pod


def test_served_ports_below_1024(bed, new_proxy):
    """Clients in the cluster are refused without NET_BIND_SERVICE, which the start says; the sysctl is enough as well."""
    line = "needs the capability NET_BIND_SERVICE for served ports below 1024"
    pod = _serving(bed, new_proxy).boot()
    assert line in pod.log()
    with pytest.raises(ConnectionRefusedError):
        fetch(bed.client(), pod.address, 80, "/healthz")
    assert pod.stop() == 0
    pod = _serving(bed, new_proxy)
    netns.set_sysctl(pod.namespace, "ipv4/ip_unprivileged_port_start", 0)
    pod.boot()
    assert line not in pod.log()
    page = wait.wait_for(lambda: fetch(bed.client(), pod.address, 80, "/healthz"), 15, "the page by the Pod's address")
    assert page[0] == 200
    assert pod.stop() == 0
