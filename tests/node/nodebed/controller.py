"""The companion controller in the cluster, from its chart, with a Headscale tailnet and its credentials."""

import base64
import json

from realbed import settings, wait

from . import images, layout

NAMESPACE = "tailscale-gateway-system"
IMAGE = "localhost/tailboot-controller:dev"
GROUP = "gateway.tailscale.com/v1alpha1"
TAILNET = "default"
# Headscale v1 has no OAuth clients: an API key.
_CREDENTIALS, _AUTHORITY = "tailnet-credentials", "tailnet-authority"
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
    """Installed for the whole run; close() takes it away again."""

    def __init__(self, bed, replicas=1):
        self.bed = bed
        bed.load_image(self._image())
        self._install(replicas)

    def _image(self):
        program = settings.program().parent / "tailboot-controller"
        return images.plain(self.bed.folder, program, IMAGE)

    def _install(self, replicas):
        bed = self.bed
        for path in sorted((settings.ROOT / "controller" / "crds").glob("*.yaml")):
            bed.apply(path.read_text())
        bed.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd",
                    "tailscaletailnets.gateway.tailscale.com", "tailscaleproxygroups.gateway.tailscale.com")
        bed.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
        key = bed.headscale.run("apikeys", "create", "--expiration", "24h").strip()
        bed.apply([_secret(_CREDENTIALS, api_key=json.loads(key) if key.startswith('"') else key),
                   _secret(_AUTHORITY, ca__crt=bed.authority.certificate.read_text())])
        bed.apply(self._objects(replicas), namespace=NAMESPACE)
        bed.apply([tailnet()])
        self.wait_condition("tailscaletailnet", TAILNET, "Ready")

    def _objects(self, replicas):
        account = {"kind": "ServiceAccount", "name": "controller", "namespace": NAMESPACE}
        labels = {"app": "controller"}
        names = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}
        container = {"name": "controller", "image": IMAGE, "imagePullPolicy": "Never",
                     "args": [f"--proxy-image={layout.PROXY_IMAGE}", "--log-format=text", "--v=1"],
                     "env": [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in names.items()],
                     "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1}}
        return [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "controller"}},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "controller"},
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
             "subjects": [account]},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "controller"},
             "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                      "template": {"metadata": {"labels": labels},
                                   "spec": {"serviceAccountName": "controller", "containers": [container]}}}},
        ]

    def object(self, kind, name, namespace=None):
        where = ["-n", namespace] if namespace else []
        return json.loads(self.bed.kubectl("get", kind, name, *where, "-o", "json"))

    def wait_condition(self, kind, name, of_type, status="True", *, namespace=None, deadline=60):
        """Waits until a condition has a status; returns the condition."""
        seen = {}

        def reached():
            seen.update(condition(self.object(kind, name, namespace), of_type))
            return seen.get("status") == status

        try:
            wait.wait_for(reached, deadline, f"{of_type} of {kind} {name} is {status}")
        except wait.Timeout as fault:
            raise wait.Timeout(f"{fault}: {seen}\n{self.log()[-3000:]}") from fault
        return seen

    def log(self):
        return self.bed.kubectl("-n", NAMESPACE, "logs", "-l", "app=controller", "--tail=-1", "--prefix")

    def pods(self, proxy_group):
        """Names of the pods of a group."""
        listed = self.bed.control.get(f"{_PODS}?labelSelector=tailscale.com%2Fparent-resource%3D{proxy_group}")["items"]
        return sorted(pod["metadata"]["name"] for pod in listed)

    def close(self):
        self.bed.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
