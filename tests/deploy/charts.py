"""The charts and what Helm makes of them."""

import functools
import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
CHARTS = ROOT / "deploy/charts"
TAILBOOT, SIDECAR = CHARTS / "tailboot", CHARTS / "tailboot-sidecar"
APP = ROOT / "tests/deploy/app"
EXAMPLES = sorted((ROOT / "deploy/examples").glob("*.yaml"))
CASES = sorted((ROOT / "tests/deploy/values").glob("*.yaml"))
MANIFESTS = sorted((ROOT / "deploy/manifests").glob("*.yaml"))


@functools.cache
def program():
    """Path of the pinned Helm."""
    done = subprocess.run([ROOT / "tests/real/partners", "--env"], check=True, capture_output=True, text=True, timeout=20)
    return re.search(r"^partner_helm=(.*)$", done.stdout, re.M).group(1) + "/helm"


def helm(*arguments, values=None):
    """Its result; values are written to its standard input as a file of values."""
    more = ["-f", "-"] if values is not None else []
    return subprocess.run([program(), *map(str, arguments), *more], input=yaml.safe_dump(values or {}),
                          capture_output=True, text=True, timeout=60, check=False)


def refusal(values, chart=TAILBOOT):
    """The words by which helm template refuses values."""
    done = helm("template", "proxy", chart, values=values)
    assert done.returncode, f"these values were accepted: {values}"
    return done.stderr


def documents(values, chart=TAILBOOT, name="proxy"):
    """What helm template makes of values."""
    done = helm("template", name, chart, values=values)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def of_kind(found, kind):
    return [document for document in found if document["kind"] == kind]


def workload(found):
    """The one workload among documents."""
    return next(document for document in found if document["kind"] in ("Deployment", "StatefulSet", "Job"))


def node(found):
    """The container of the node."""
    pod = workload(found)["spec"]["template"]["spec"]
    return next(each for each in pod.get("initContainers", []) + pod["containers"] if each["name"] == "tailscale")


def environment(found):
    """Plain variables of the node's container."""
    return {each["name"]: each.get("value") for each in node(found)["env"]}
