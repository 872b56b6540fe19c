"""The controller on the node: a tailnet, groups of proxies, Services of the cluster that lead to a peer."""

import time

import pytest

from nodebed import controller, objects
from realbed import settings, wait

PAGE_PORT = 8000
ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=3).read().decode())"
SERVICE = "TailscaleEgressSvcReady"


@pytest.fixture
def ask(space):
    """Reads the page of a Service of the story by its name, from a pod of the cluster."""
    spec = objects.pod_spec([objects.tool("ask", "-c", "import time; time.sleep(100000)")], terminationGracePeriodSeconds=1)
    space.apply(objects.pod("ask", spec))
    pod = space.pod("ask", "ask").wait_ready()

    def read(name, deadline=20):
        url = f"http://{name}.{space.name}:{PAGE_PORT}/"
        return wait.wait_for(lambda: pod.exec("python3", "-c", ASK, url), deadline, f"the page by {name}")

    return read


@pytest.fixture
def new_group(node, control, request):
    """Makes groups that end with the story: new_group(name, replicas)."""
    made = []

    def make(name, replicas):
        node.apply([controller.group(name, replicas)])
        made.append(name)
        control.wait_condition("tailscaleproxygroup", name, "ProxyGroupReady", deadline=90)
        return name

    yield make
    for name in made:
        if getattr(request.node, "story_failed", False):
            print(control.explain(name))
        node.kubectl("delete", "tailscaleproxygroup", name, "--ignore-not-found", "--wait=false")


def _fqdn(node):
    return f"{node.peer.name}.{settings.TAILNET_DOMAIN}"


def _scale(node, control, name, replicas):
    node.kubectl("scale", "tailscaleproxygroup", name, f"--replicas={replicas}")
    expected = [f"{name}-{number}" for number in range(replicas)]
    wait.wait_for(lambda: control.pods(name) == expected and control.devices(f"{name}-") == expected, 90,
                  f"{replicas} pods and devices of {name}")
    wait.wait_for(lambda: _hosts(control, name) == expected, 30, f"the status of {name} has {replicas} devices")


def _hosts(control, name):
    devices = control.object("tailscaleproxygroup", name).get("status", {}).get("devices", [])
    return sorted(device["hostname"].split(".")[0] for device in devices)


def test_services_lead_to_a_peer(node, control, space, ask, new_group):
    """One Service by name, one by address: a pod of the cluster reads the page that only the tailnet has."""
    new_group("first", 2)
    space.apply(controller.service("by-name", "first", {"web": PAGE_PORT}, fqdn=_fqdn(node)),
                controller.service("by-address", "first", {"web": PAGE_PORT}, ip=node.peer.address))
    for name in ("by-name", "by-address"):
        control.wait_condition("service", name, SERVICE, reason="ReadyToRouteTraffic", namespace=space.name)
        assert "only the tailnet" in ask(name)


def test_scaling_and_removal(node, control, space, ask, new_group):
    """1, 3 and 2 replicas: as many pods and devices, and in the end none; the Service says why it leads nowhere."""
    new_group("steps", 1)
    space.apply(controller.service("web", "steps", {"web": PAGE_PORT}, fqdn=_fqdn(node)))
    control.wait_condition("service", "web", SERVICE, namespace=space.name)
    for replicas in (3, 2):
        _scale(node, control, "steps", replicas)
        assert "only the tailnet" in ask("web")
    node.kubectl("delete", "tailscaleproxygroup", "steps", "--wait=true", "--timeout=90s", deadline=100)
    assert control.devices("steps-") == []
    wait.wait_for(lambda: control.pods("steps") == [], 30, "no pod is left")
    invalid = control.wait_condition("service", "web", "TailscaleEgressSvcValid", "Unknown", namespace=space.name)
    assert invalid["reason"] == "ProxyGroupNotReady"
    space.kubectl("delete", "service", "web", "--timeout=30s")
    left = node.kubectl("get", "services,endpointslices,secrets,statefulsets,configmaps", "-n", controller.NAMESPACE,
                        "-l", "tailscale.com/managed=true", "-o", "name")
    assert "steps" not in left and "ts-web" not in left


def test_device_that_is_deleted_comes_back(node, control, space, ask, new_group, figure):
    """Somebody deletes the device in Headscale: a new key, one device, no restart of the container."""
    new_group("deleted", 1)
    space.apply(controller.service("web", "deleted", {"web": PAGE_PORT}, fqdn=_fqdn(node)))
    control.wait_condition("service", "web", SERVICE, namespace=space.name)
    device = node.headscale.node("deleted-0")
    before, began = device["id"], time.monotonic()
    node.headscale.delete_node(device)

    def is_back():
        found = [one for one in node.headscale.nodes() if one["given_name"] == "deleted-0"]
        return len(found) == 1 and found[0]["id"] != before and found[0]["online"]

    wait.wait_for(is_back, 60, "the device is back under its name")
    figure(f"a deleted device was back after {time.monotonic() - began:.1f} s")
    assert "only the tailnet" in ask("web", 30)
    pod = node.get("pod", "deleted-0", controller.NAMESPACE)
    assert [one["restartCount"] for one in pod["status"]["containerStatuses"]] == [0]


def test_controller_is_killed_meanwhile(node, control, space, ask, new_group):
    """Both pods of the controller die while a group grows and a Service is made: the end is the same."""
    new_group("killed", 1)
    node.kubectl("scale", "tailscaleproxygroup", "killed", "--replicas=2")
    space.apply(controller.service("web", "killed", {"web": PAGE_PORT}, fqdn=_fqdn(node)))
    control.kill()
    control.wait_condition("service", "web", SERVICE, namespace=space.name, deadline=120)
    wait.wait_for(lambda: control.devices("killed-") == ["killed-0", "killed-1"], 60, "two devices")
    assert "only the tailnet" in ask("web")
    children = node.kubectl("get", "services", "-n", controller.NAMESPACE, "-o", "name",
                            "-l", f"tailscale.com/parent-resource=web,tailscale.com/parent-resource-ns={space.name}")
    assert len(children.split()) == 1


def test_uninstall_leaves_nothing(node, control, space, new_group):
    """helm uninstall: groups, devices and our traces on Services are gone; then it is installed again."""
    new_group("leaving", 2)
    space.apply(controller.service("web", "leaving", {"web": PAGE_PORT}, fqdn=_fqdn(node)))
    control.wait_condition("service", "web", SERVICE, namespace=space.name)
    control.helm("uninstall", "--timeout=150s")
    assert control.devices("leaving-") == []
    web = control.object("service", "web", space.name)
    assert "finalizers" not in web["metadata"]
    assert not any(one["type"].startswith("Tailscale") for one in web["status"].get("conditions", []))
    assert node.kubectl("get", "tailscaleproxygroups", "-o", "name").strip() == ""
    node.kubectl("delete", "tailscaletailnet", controller.TAILNET, "--timeout=20s")
    control.install()
    node.apply([controller.tailnet()])
    control.wait_condition("tailscaletailnet", controller.TAILNET, "Ready")
