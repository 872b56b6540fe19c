"""The charts of deploy/, rendered by the pinned Helm with the values of stories."""

import json
import subprocess

from realbed import settings

from . import layout, objects

_CHART = settings.ROOT / "deploy" / "charts" / "tailboot"


def render(name, values):
    """What a release of the chart of one proxy consists of, as text for apply()."""
    done = subprocess.run([settings.partner("helm") / "helm", "template", name, _CHART, "--values=-"],
                          input=json.dumps(values), capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise ValueError(f"helm template: {done.stderr.strip()}")
    return done.stdout


def tailscale(key, **more):
    """The values of a node: the bed's control server and authority, and the Secret with its key."""
    return {"controlUrl": settings.CONTROL_URL, "image": layout.PROXY_IMAGE, "imagePullPolicy": "Never",
            "auth": {"secret": key}, "ca": {"configMap": objects.AUTHORITY},
            "env": [{"name": "TS_NO_LOGS_NO_SUPPORT", "value": "true"}], **more}


def sidecar(name, kind, container, key, *, replicas=1, **more):
    """A workload of one container with a node beside it, which is called after its pod."""
    return render(name, {"mode": "sidecar", "replicas": replicas, "podLabels": {"app": name},
                         "sidecar": {"kind": kind, "containers": [container]}, "tailscale": tailscale(key, **more)})
