"""The kinds of the controller on an API server: installed, and small objects of them."""

import copy
import subprocess

import yaml

from . import settings

FOLDER = settings.ROOT / "controller" / "crds"
FILES = sorted(FOLDER.glob("*.yaml"))
API = "/apis/gateway.tailscale.com/v1alpha1"

TAILNET = {"apiVersion": "gateway.tailscale.com/v1alpha1", "kind": "TailscaleTailnet", "metadata": {"name": "probe"},
           "spec": {"oauthSecretName": "credentials"}}
GROUP = {"apiVersion": "gateway.tailscale.com/v1alpha1", "kind": "TailscaleProxyGroup", "metadata": {"name": "probe"},
         "spec": {"type": "egress"}}


def kubectl(cluster, *arguments, text=None, fails=False):
    """What kubectl says: of its output, or of its errors when it has to fail."""
    certificate, key = cluster.admin
    program = settings.partner("kubernetes") / "kubectl"
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{cluster.namespace}", "--", program, f"--server={cluster.url}",
         f"--certificate-authority={cluster.authority}", f"--client-certificate={certificate}", f"--client-key={key}",
         f"--cache-dir={cluster.folder}/kubectl", "--request-timeout=20s", *map(str, arguments)],
        input=text, capture_output=True, text=True, timeout=60, check=False)
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def install(cluster):
    """Applies the definitions; returns once they are served."""
    said = kubectl(cluster, "apply", "--server-side", "-f", FOLDER)
    kubectl(cluster, "wait", "--for=condition=Established", "--timeout=20s", "-f", FOLDER)
    return said


def with_spec(document, name=None, **spec):
    """A copy of it with these members in its spec."""
    out = copy.deepcopy(document)
    out["spec"].update(spec)
    if name:
        out["metadata"]["name"] = name
    return out


def without(document, member):
    out = copy.deepcopy(document)
    del out["spec"][member]
    return out


def described(schema, path=""):
    """(path, schema) of each field, those of elements of lists included."""
    for name, field in schema.get("properties", {}).items():
        if (path, name) == ("", "metadata"):
            continue  # its schema is the server's
        yield f"{path}.{name}", field
        yield from described(field, f"{path}.{name}")
    if "items" in schema:
        yield from described(schema["items"], path)


def schema_of(path):
    """The one schema of a definition."""
    return yaml.safe_load(path.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
