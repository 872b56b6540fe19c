"""Services that the controller leads to the tailnet: dead targets, roll-outs, deleted objects, removal."""

import json
import time

from nodebed import controller
from realbed import settings, wait

PORTS = {"web": 8000}


def _children(control, kind, space, name):
    """What the controller has made for a Service."""
    labels = f"tailscale.com/parent-resource={name},tailscale.com/parent-resource-ns={space.name}"
    return json.loads(control.bed.kubectl("get", kind, "-n", controller.NAMESPACE, "-l", labels, "-o", "json"))["items"]


def _endpoints(control, space, name):
    """By slice."""
    return [len(one.get("endpoints") or []) for one in _children(control, "endpointslices", space, name)]


def test_one_dead_target_holds_no_roll_out(node, control, space, figure):
    """A target that nobody has ever seen is named in its Service, and pods become ready without it."""
    node.apply([controller.group("rolled", 3)])
    space.apply(controller.service("alive", "rolled", PORTS, ip=node.peer.address),
                controller.service("dead", "rolled", PORTS, fqdn=f"nobody.{settings.TAILNET_DOMAIN}"))
    where = {"namespace": space.name, "deadline": 120}
    control.wait_condition("service", "alive", "TailscaleEgressSvcReady", **where)
    dead = control.wait_condition("service", "dead", "TailscaleEgressSvcConfirmed", "False", **where)
    assert dead["reason"] == "NeverConfirmed" and "nobody." in dead["message"]
    began = time.monotonic()
    node.kubectl("-n", controller.NAMESPACE, "rollout", "restart", "statefulset/rolled")
    node.kubectl("-n", controller.NAMESPACE, "rollout", "status", "statefulset/rolled", "--timeout=150s", deadline=160)
    figure(f"a roll-out of 3 beside a dead target took {time.monotonic() - began:.1f} s")
    wait.wait_for(lambda: set(_endpoints(control, space, "alive")) == {3}, 60, "3 replicas lead to the peer again")
    assert set(_endpoints(control, space, "dead")) == {0}


def test_nothing_is_left_of_a_service_without_its_annotation(node, control, space):
    """Deleted objects come back as they were, and all of them go with the annotation."""
    node.apply([controller.group("left", 1)])
    space.apply(controller.service("gone", "left", PORTS, ip=node.peer.address))
    where = {"namespace": space.name, "deadline": 120}
    control.wait_condition("service", "gone", "TailscaleEgressSvcReady", **where)
    for kind in ("endpointslices", "services"):
        before = _endpoints(control, space, "gone")
        for one in _children(control, kind, space, "gone"):
            node.kubectl("-n", controller.NAMESPACE, "delete", kind, one["metadata"]["name"])
        wait.wait_for(lambda same=before: _endpoints(control, space, "gone") == same, 10, f"{kind} are back")
    node.kubectl("-n", space.name, "annotate", "service", "gone", "tailscale.com/proxy-group-")

    def is_clean():
        user = control.object("service", "gone", space.name)
        return not any((_children(control, "endpointslices", space, "gone"), _children(control, "services", space, "gone"),
                        user["metadata"].get("finalizers"), user["status"].get("conditions")))

    wait.wait_for(is_clean, 30, "nothing of the controller is left")
    entries = control.object("configmap", "left-egress-config", controller.NAMESPACE)["binaryData"]["egress-services"]
    assert entries == "e30="  # {}
