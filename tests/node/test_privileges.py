"""The three profiles of docs/privileges.md, as the kernel, the kubelet and the API server enforce them."""

import json

import pytest

from nodebed import objects
from realbed import echo, peer, services, settings, socks, wait
from realbed.services import service
from realbed.web import fetch

DEVICE = "tailboot.example/tun"
PORT = 7000
PAGE = "a page of the cluster"
NET_ADMIN_BIT = 1 << 12
USER = 48213

RESTRICTED = {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "allowPrivilegeEscalation": False,
              "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
              "seccompProfile": {"type": "RuntimeDefault"}}
NET_ADMIN = {"runAsUser": 0, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
             "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}, "seccompProfile": {"type": "RuntimeDefault"}}
SYSCTLS = {"securityContext": {"sysctls": [{"name": "net.ipv4.ip_forward", "value": "1"},
                                           {"name": "net.ipv6.conf.all.forwarding", "value": "1"},
                                           {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}}
SCRATCH = {"name": "scratch", "emptyDir": {"medium": "Memory"}}
SCRATCH_MOUNT = {"name": "scratch", "mountPath": "/tmp"}


@pytest.fixture(scope="module", name="tun")
def _tun(node):
    """Node 1 offers the TUN device to pods without privileges."""
    machine = node.node(1)
    machine.run("deviceplugin", [settings.partner("deviceplugin") / "deviceplugin", "/var/lib/kubelet/device-plugins"])

    def offered():
        machine.check()
        return node.control.get("/api/v1/nodes/node1")["status"]["allocatable"].get(DEVICE, "0") != "0"

    wait.wait_for(offered, 20, f"node1 offers {DEVICE}")


def _status(pod):
    """What the kernel says about the supervisor of a pod."""
    with open(f"/proc/{pod.supervisor()}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def _container(environment, context, *, kernel=True, device=False, **more):
    """A container of the node in a profile; /tmp is all that it may write."""
    mounts = [SCRATCH_MOUNT, *more.pop("mounts", ())]
    container = objects.proxy(environment, kernel=kernel, mounts=mounts, **more)
    container["securityContext"] = context
    if device:
        container["resources"] = {"limits": {DEVICE: "1"}}
    return container


def _pod(space, name, container, volumes=(), **more):
    """A pod of its own on node 1, with its state."""
    space.node_state(name)
    spec = objects.pod_spec([container], account_name=name, volumes=[SCRATCH, *volumes], nodeName="node1", **more)
    space.apply(objects.pod(name, spec))
    return space.pod(name)


# Userspace mode in a namespace that enforces "restricted".


@pytest.fixture(name="restricted")
def _restricted(space):
    space.kubectl("label", "namespace", space.name, "pod-security.kubernetes.io/enforce=restricted")
    return space


def _web():
    return {**objects.web(PAGE), "securityContext": RESTRICTED, "volumeMounts": [{"name": "web", "mountPath": "/tmp"}]}


def test_userspace_mode_is_restricted(node, restricted):
    """A random user without a capability: login, state, serve, both proxies, health, metrics."""
    space = restricted
    serve = {"TCP": {"80": {"TCPForward": "127.0.0.1:8080"}}}
    space.apply(objects.config_map("serve", {"serve.json": json.dumps(serve)}))
    environment = {"TS_SERVE_CONFIG": "/etc/serve/serve.json", "TS_SOCKS5_SERVER": "127.0.0.1:1055",
                   "TS_OUTBOUND_HTTP_PROXY_LISTEN": "127.0.0.1:1056", "TS_ENABLE_METRICS": "true",
                   "SSL_CERT_FILE": None, "TAILBOOT_CA_FILE": "/etc/test-authority/ca.crt"}
    space.apply(objects.service("web", {8080: 8080}, {"app": "sidecar"}))
    environment["TS_ROUTES"] = f"{space.host('web')}/32"
    container = _container(environment, RESTRICTED, kernel=False,
                           mounts=[{"name": "serve", "mountPath": "/etc/serve", "readOnly": True}])
    space.node_state("sidecar")
    spec = objects.pod_spec([container, _web()], account_name="sidecar",
                            volumes=[SCRATCH, {"name": "serve", "configMap": {"name": "serve"}},
                                     {"name": "web", "emptyDir": {}}])
    space.apply(objects.pod("sidecar", spec))
    pod = space.pod("sidecar").wait_ready()
    status = _status(pod)
    assert {status[name].strip("0") for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {""}
    assert (status["Uid"].split()[0], status["NoNewPrivs"], status["Seccomp"]) == (str(USER), "1", "2")
    assert {"_machinekey", "device_ips", "device_fqdn"} <= pod.published().keys()
    node.headscale.wait_online("sidecar")
    page = wait.wait_for(lambda: fetch(node.peer.namespace, pod.client.address(), 80), 15, "the served page")
    assert page == (200, PAGE)
    assert fetch(pod.namespace, node.peer.address, peer.PORT, proxy=("127.0.0.1", 1056)) == (200, peer.PAGE)
    assert socks.fetch(pod.namespace, ("127.0.0.1", 1055), node.peer.address, peer.PORT) == (200, peer.PAGE)
    node.headscale.approve_routes(node.headscale.wait_online("sidecar"), [environment["TS_ROUTES"]])
    guest = node.guest().namespace
    page = wait.wait_for(lambda: fetch(guest, space.host("web"), 8080), 20, "the page by a subnet route")
    assert page == (200, PAGE)
    assert pod.get("/healthz")[0] == 200
    assert "tailscaled_" in pod.get("/metrics")[1]


def test_more_is_not_admitted_there(restricted):
    """The API server itself refuses what kernel mode needs."""
    for context in ({"privileged": True}, NET_ADMIN):
        with pytest.raises(OSError, match="violates PodSecurity"):
            _pod(restricted, "more", _container({}, context))


# Proxies, privileged and with NET_ADMIN alone.


def _profile(name, environment, volumes):
    """Container and pod options of a profile."""
    mounts = [{"name": one["name"], "mountPath": f"/etc/{one['name']}", "readOnly": True} for one in volumes]
    if name == "privileged":
        return _container(environment, {"privileged": True}, mounts=mounts), {}
    return _container(environment, NET_ADMIN, device=True, mounts=mounts), SYSCTLS


def _assert_profile(name, pod):
    status = _status(pod)
    bounding = int(status["CapBnd"], 16)
    if name == "privileged":
        assert bounding & ~NET_ADMIN_BIT
        return
    assert (bounding, status["Seccomp"], status["NoNewPrivs"]) == (NET_ADMIN_BIT, "2", "1")


def _features(node, space, target):
    """What each proxy is told, by feature; the values are its environment and what it mounts below /etc."""
    name = f"{node.peer.name}.{settings.TAILNET_DOMAIN}"
    wanted = {"echo": service(("TCP", 1001, PORT), fqdn=name)}
    virtual = node.new_virtual()
    ingress = {"svc:web": {"IPv4Mapping": services.mapping(virtual[0], target)}}
    serve = {"TCP": {"80": {"TCPForward": "127.0.0.1:9002"}}}
    for volume, files in (("proxies", {"egress-services": wanted}), ("ingress", {"ingress-config.json": ingress}),
                          ("serve", {"serve.json": serve})):
        space.apply(objects.config_map(volume, {file: json.dumps(text) for file, text in files.items()}))
    return virtual[0], {
        "by-address": ({"TS_TAILNET_TARGET_IP": node.peer.address}, None),
        "by-name": ({"TS_TAILNET_TARGET_FQDN": name}, None),
        "by-list": ({"TS_EGRESS_PROXIES_CONFIG_PATH": "/etc/proxies"}, "proxies"),
        "to-address": ({"TS_DEST_IP": target}, None),
        "to-name": ({"TS_EXPERIMENTAL_DEST_DNS_NAME": f"web.{space.name}.svc.cluster.local"}, None),
        "to-list": ({"TS_INGRESS_PROXIES_CONFIG_PATH": "/etc/ingress/ingress-config.json",
                     "TS_ROUTES": f"{virtual[0]}/32"}, "ingress"),
        "router": ({"TS_ROUTES": f"{target}/32"}, None),
        "serve": ({"TS_SERVE_CONFIG": "/etc/serve/serve.json", "TS_ENABLE_METRICS": "true",
                   "EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS": "true",
                   "TS_EXPERIMENTAL_ENABLE_FORWARDING_OPTIMIZATIONS": "true"}, "serve"),
    }


@pytest.mark.parametrize("profile", ["privileged", "net_admin"])
def test_kernel_mode_carries_traffic(profile, node, new_space, tun):
    """Egress, ingress, a subnet router and what is served, each by a node of its own, in both profiles."""
    space = new_space(f"kernel-mode-{profile}".replace("_", "-"))
    node.peer.echo()
    space.apply(objects.pod("web", objects.pod_spec([objects.web(PAGE)])), objects.service("web", {80: 8080}))
    target, prefix = space.host("web"), profile.replace("_", "-")
    virtual, features = _features(node, space, target)
    pods = {}
    for feature, (environment, volume) in features.items():
        volumes = [{"name": volume, "configMap": {"name": volume}}] if volume else []
        container, options = _profile(profile, environment, volumes)
        pods[feature] = _pod(space, f"{prefix}-{feature}", container, volumes, **options)
    client = space.client()
    space.pod("web", "web").wait_ready()
    for pod in pods.values():
        _assert_profile(profile, pod.wait_ready(90))
    for feature, route in (("router", target), ("to-list", virtual)):
        node.headscale.approve_routes(node.headscale.wait_online(pods[feature].name), [f"{route}/32"])
    for feature, port in (("by-address", PORT), ("by-name", PORT), ("by-list", 1001)):
        answer = echo.wait_answer(client.namespace, pods[feature].address, port)
        assert (answer.name, answer.source) == (node.peer.name, pods[feature].client.address())
    guest = node.guest().namespace
    for name, namespace, address in (
            ("to-address", node.peer.namespace, pods["to-address"].client.address()),
            ("to-name", node.peer.namespace, pods["to-name"].client.address()),
            ("to-list", guest, virtual), ("router", guest, target)):
        page = wait.wait_for(lambda at=(namespace, address, 80): fetch(*at), 20, f"the page {name}")
        assert page == (200, PAGE)
    served = pods["serve"]
    for namespace, address in ((node.peer.namespace, served.client.address()), (client.namespace, served.address)):
        page = wait.wait_for(lambda at=(namespace, address, 80, "/healthz"): fetch(*at), 20, f"a page at {address}")
        assert page[0] == 200
    assert "tailscaled_" in served.get("/metrics")[1]
    assert "error enabling UDP GRO forwarding" not in served.log()


# What is refused, and by which sentence.


def _refused(pod):
    """The last line of a container that ended, which is also its termination message."""
    last = wait.wait_for(pod.ended, 30, f"{pod.name} has ended")
    assert last["exitCode"] == 1
    line = pod.log().strip().splitlines()[-1]
    assert line.endswith(last["message"])
    return line


def test_refusals_name_what_is_missing(space, tun):
    """Each start lacks one thing; all run at once, and none is started again."""
    target, never = {"TS_DEST_IP": "10.96.0.1"}, {"restartPolicy": "Never"}
    bare = {**NET_ADMIN, "capabilities": {"drop": ["ALL"]}}
    another_user = {**NET_ADMIN, "runAsUser": USER}
    starts = {
        "no-capability": (_container(target, bare, device=True, probes=False), SYSCTLS),
        "another-user": (_container({}, another_user, device=True, probes=False), {}),
        "no-device": (_container({}, NET_ADMIN, probes=False), {}),
        "no-sysctls": (_container(target, NET_ADMIN, device=True, probes=False), {}),
    }
    pods = {name: _pod(space, name, container, **never, **more) for name, (container, more) in starts.items()}
    sentences = {name: _refused(pod) for name, pod in pods.items()}
    assert "TS_DEST_IP needs the capability NET_ADMIN for the tunnel device, its routes and the packet filter" in \
        sentences["no-capability"]
    assert f"user {USER} does not have it: run the container as user 0" in sentences["another-user"]
    assert "unable to create tuntap device file: mknod /dev/net/tun: Operation not permitted" in sentences["no-device"]
    assert "you can either set the sysctls as a privileged initContainer" in sentences["no-sysctls"]
    log = pods["no-sysctls"].log()
    assert 'Failed to enable IP forwarding: enabling "/proc/sys/net/ipv4/ip_forward": Read-only file system' in log
    assert "securityContext.sysctls of the Pod; the kubelet has to allow them (--allowed-unsafe-sysctls)" in log
