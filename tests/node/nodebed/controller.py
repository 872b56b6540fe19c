"""The companion controller in the cluster, from its chart, with a Headscale tailnet and its credentials."""

import base64
import contextlib
import json
import subprocess

from realbed import settings, wait

from . import images, layout

NAMESPACE = "tailscale-gateway-system"
IMAGE = "localhost/tailboot-controller:dev"
GROUP = "gateway.tailscale.com/v1alpha1"
TAILNET = "default"
# Headscale v1 has no OAuth clients: an API key.
_CREDENTIALS, _AUTHORITY = "tailnet-credentials", "tailnet-authority"
RELEASE, _SELECTOR = "controller", "app.kubernetes.io/name=tailboot-controller"
_PODS = "/api/v1/namespaces/" + NAMESPACE + "/pods"


def _secret(name, **data):
    encoded = {key.replace("__", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "data": encoded}


def tailnet(name=TAILNET, **spec):
    """A TailscaleTailnet on the Headscale of the run."""
    return {"apiVersion": GROUP, "kind": "TailscaleTailnet", "metadata": {"name": name},
            "spec": {"controlPlane": "Headscale", "serverURL": settings.CONTROL_URL, "oauthSecretName": _CREDENTIALS,
                     "caSecretName": _AUTHORITY, "domain": settings.TAILNET_DOMAIN, "syncInterval": "30s", **spec}}


def group(name, replicas=2, **spec):
    """A TailscaleProxyGroup whose pods send no logs anywhere."""
    container = {"env": [{"name": "TS_NO_LOGS_NO_SUPPORT", "value": "true"}], "imagePullPolicy": "Never"}
    return {"apiVersion": GROUP, "kind": "TailscaleProxyGroup", "metadata": {"name": name},
            "spec": {"type": "egress", "replicas": replicas, "template": {"container": container}, **spec}}


def service(name, proxy_group, ports, **targets):
    """An ExternalName Service of a user: targets are fqdn= or ip=; ports maps names to numbers."""
    annotations = {"tailscale.com/proxy-group": proxy_group,
                   **{f"tailscale.com/tailnet-{key}": value for key, value in targets.items()}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": annotations},
            "spec": {"type": "ExternalName", "externalName": "placeholder.invalid",
                     "ports": [{"name": key, "port": port} for key, port in ports.items()]}}


def condition(document, kind):
    """A condition of an object by its type, {} when it has none."""
    listed = document.get("status", {}).get("conditions", [])
    return next((one for one in listed if one["type"] == kind), {})


class Controller:
    """Two pods of the chart for the whole run, and a tailnet that is Ready; close() takes it all away."""

    def __init__(self, bed):
        self.bed = bed
        bed.load_image(images.plain(bed.folder, settings.program().parent / "tailboot-controller", IMAGE))
        bed.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
        key = bed.headscale.run("apikeys", "create", "--expiration", "24h").strip()
        bed.apply([_secret(_CREDENTIALS, api_key=json.loads(key) if key.startswith('"') else key),
                   _secret(_AUTHORITY, ca__crt=bed.authority.certificate.read_text())])
        self.install()
        bed.apply([tailnet()])
        self.wait_condition("tailscaletailnet", TAILNET, "Ready")

    def helm(self, command, *arguments, deadline=180):
        done = subprocess.run([settings.partner("helm") / "helm", command, RELEASE, *arguments, "-n", NAMESPACE,
                               f"--kubeconfig={self.bed.kubeconfig}"],
                              capture_output=True, text=True, timeout=deadline)
        if done.returncode != 0:
            raise OSError(f"helm {command}: {done.stderr.strip()}\n{self.log()[-3000:]}")
        return done.stdout

    def install(self):
        repository, _, tag = IMAGE.rpartition(":")
        proxies, _, proxy_tag = layout.PROXY_IMAGE.rpartition(":")
        values = {"image.repository": repository, "image.tag": tag, "image.pullPolicy": "Never",
                  "proxyImage.repository": proxies, "proxyImage.tag": proxy_tag, "logFormat": "text", "verbosity": "1"}
        self.helm("install", settings.ROOT / "deploy" / "charts" / "tailboot-controller", "--wait", "--timeout=90s",
                  *(f"--set={name}={value}" for name, value in values.items()))

    def kill(self):
        """Ends all its pods at once, without a chance to say goodbye."""
        self.bed.kubectl("-n", NAMESPACE, "delete", "pods", "-l", _SELECTOR, "--force", "--grace-period=0", "--wait=false")

    def object(self, kind, name, namespace=None):
        where = ["-n", namespace] if namespace else []
        return json.loads(self.bed.kubectl("get", kind, name, *where, "-o", "json"))

    def wait_condition(self, kind, name, of_type, status="True", *, reason=None, namespace=None, deadline=60):
        """Waits until a condition has a status, and a reason if one is given; returns the condition."""
        seen = {}

        def reached():
            seen.update(condition(self.object(kind, name, namespace), of_type))
            return seen.get("status") == status and reason in (None, seen.get("reason"))

        try:
            wait.wait_for(reached, deadline, f"{of_type} of {kind} {name} is {status}")
        except wait.Timeout as fault:
            raise wait.Timeout(f"{fault}: {seen}\n{self.log()[-3000:]}") from fault
        return seen

    def log(self):
        """What its pods say, as far as they are there."""
        with contextlib.suppress(OSError):
            return self.bed.kubectl("-n", NAMESPACE, "logs", "-l", _SELECTOR, "--tail=-1", "--prefix")
        return ""

    def pods(self, proxy_group):
        """Names of the pods of a group."""
        listed = self.bed.control.get(f"{_PODS}?labelSelector=tailscale.com%2Fparent-resource%3D{proxy_group}")["items"]
        return sorted(pod["metadata"]["name"] for pod in listed)

    def explain(self, proxy_group):
        """What a reader wants of a failed story: the ends of the logs of the controller and of a group's pods."""
        texts = [self.log()[-6000:]]
        for name in self.pods(proxy_group):
            with contextlib.suppress(OSError):
                texts.append(f"--- {name}\n{self.bed.kubectl('-n', NAMESPACE, 'logs', name, '--tail=60')}")
        return "\n".join(texts)

    def devices(self, prefix):
        """Names of the nodes in Headscale that begin so."""
        return sorted(one["given_name"] for one in self.bed.headscale.nodes() if one["given_name"].startswith(prefix))

    def close(self):
        self.bed.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
