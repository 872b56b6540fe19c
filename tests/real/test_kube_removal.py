"""A member that is no longer desired goes away: the hash of the desired document shows it, the server removes it."""

import copy
import random

from test_kube_converge import KINDS, converge, stateful_set

# What the server makes of nothing.
_DEFAULTS = {"terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "resources": {}, "securityContext": {}}
# The server keeps it in a deprecated member of another name and restores it from there.
_KEPT = "serviceAccountName"


def _optional(document):
    """Copies, each of which lacks one member that need not be there."""
    template = document["spec"]["template"]["spec"]
    for key in sorted(template):
        if key not in ("containers", "volumes", _KEPT):
            less = copy.deepcopy(document)
            del less["spec"]["template"]["spec"][key]
            yield ("spec", "template", "spec", key), less
    for key in sorted(template["containers"][0]):
        if key not in ("name", "image"):
            less = copy.deepcopy(document)
            del less["spec"]["template"]["spec"]["containers"][0][key]
            yield ("container", key), less


def test_what_is_no_longer_desired_goes_away(drive):
    chance = random.Random(12)
    names = 0
    for _ in range(2):
        document = stateful_set(chance)
        for where, less in _optional(document):
            names += 1
            for each in (document, less):
                each["metadata"] = {"name": f"less{names}", "namespace": "default"}
            assert converge(drive, [document])[0]["wrote"]
            answer = converge(drive, [less])[0]
            assert answer["wrote"] and answer["path"].startswith("metadata.annotations."), (where, answer)
            assert not converge(drive, [less])[0]["wrote"], where
            live = drive.outcome("get", **KINDS["StatefulSet"], ns="default", name=f"less{names}")[1]
            _check_absent(live["spec"]["template"]["spec"], less["spec"]["template"]["spec"], where)


def _check_absent(live, desired, where):
    """The member is gone, or has become what the server makes of nothing."""
    owner = live if where[0] == "spec" else next(
        container for container in live["containers"] if container["name"] == desired["containers"][0]["name"])
    key = where[-1]
    assert key not in owner or owner[key] == _DEFAULTS.get(key, owner.get("imagePullPolicy")), (where, owner[key])
