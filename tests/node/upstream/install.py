"""Installs the operator from its own manifest, in front of a Headscale that speaks Tailscale's API through a fake."""

import json
import socket
import ssl

from fakes.tailscale_api import FakeTailscaleApi, HeadscaleTailnet
from nodebed import images, layout
from nodebed.pods import Pod
from realbed import netns, settings, wait

from . import objects

NAMESPACE = "tailscale"
OPERATOR_IMAGE = "localhost/tailboot-upstream-operator:1"
REFERENCE_IMAGE = "localhost/tailboot-reference:1"
#: ProxyClasses: pods with our image, which is the operator's default, and pods with the reference's entry program
OURS, REFERENCE = "ours", "reference"
API_PORT = 9443
API_URL = f"https://{settings.CONTROL_NAME}:{API_PORT}"
# All certificates of the run have one authority, which a pod has been given with its account.
_TRUST = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
_COMMON = {"SSL_CERT_FILE": _TRUST, "TS_NO_LOGS_NO_SUPPORT": "true"}


class Upstream:
    """The running operator; `api` is the fake, `children` and `pods` are what it made for an object."""

    def __init__(self, bed):
        self.bed = bed
        self.api = self._start_api()
        for archive in (self._operator_image(), images.proxy(
                bed.folder, settings.partner("operator") / "containerboot", REFERENCE_IMAGE)):
            bed.load_image(archive)
        bed.apply(self._manifest())
        bed.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
        bed.apply([objects.proxy_class(OURS, _COMMON), objects.proxy_class(REFERENCE, _COMMON, REFERENCE_IMAGE)])
        for name in (OURS, REFERENCE):
            self.wait_condition("proxyclass", name, "ProxyClassReady", deadline=90)

    def _start_api(self):
        hub, authority = self.bed.network.hub, self.bed.authority
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("tailscale-api", f"/CN={settings.CONTROL_NAME}",
                                                 [f"DNS:{settings.CONTROL_NAME}"]))
        trusting = ssl.create_default_context(cafile=authority.certificate)

        def dial():
            plain = netns.connect(hub, settings.HUB_ADDRESS, settings.CONTROL_PORT)
            plain.settimeout(None)
            return trusting.wrap_socket(plain, server_hostname=settings.CONTROL_NAME)

        with netns.inside(hub):
            listener = socket.create_server((settings.HUB_ADDRESS, API_PORT))
        return FakeTailscaleApi(HeadscaleTailnet(self.bed.headscale.run, settings.TAILNET_DOMAIN), tls=context,
                                listener=listener, dial=dial, log_path=self.bed.folder / "tailscale-api.log")

    def _operator_image(self):
        return images.write(self.bed.folder / "operator.tar", OPERATOR_IMAGE,
                            {"/operator": settings.partner("operator") / "k8s-operator"}, ["/operator"], ["HOME=/tmp"])

    def _manifest(self):
        """Upstream's own file with what its comments and its users set."""
        client = self.api.access.add_client("operator")
        more = {**_COMMON, "PROXY_DEFAULT_CLASS": OURS}
        first = "                    - name: POD_NAME\n"
        added = "".join(f"                    - name: {name}\n                      value: \"{value}\"\n"
                        for name, value in more.items())
        text = (settings.partner("operator") / "operator.yaml").read_text()
        for old, new in (
                ("client_id: # SET CLIENT ID HERE", f"client_id: {client.name}"),
                ("client_secret: # SET CLIENT SECRET HERE", f"client_secret: {client.secret}"),
                ("value: null", f"value: {API_URL}"),
                ("tailscale/tailscale:stable", layout.PROXY_IMAGE),
                ("tailscale/k8s-operator:stable", OPERATOR_IMAGE),
                ("imagePullPolicy: Always\n", "imagePullPolicy: Never\n"),
                (first, added + first)):
            if text.count(old) != 1:
                raise ValueError(f"the operator's manifest has {old!r} {text.count(old)} times")
            text = text.replace(old, new)
        return text

    def children(self, parent, kinds="statefulset,secret,service,configmap,endpointslice"):
        """What it made for an object, in its own namespace."""
        text = self.bed.kubectl("get", kinds, "-n", NAMESPACE, "-l", f"tailscale.com/parent-resource={parent}",
                                "-o", "json")
        return json.loads(text)["items"]

    def pods(self, parent):
        """The pods that it made for an object and that are not on their way out."""
        return [Pod(self.bed, pod["metadata"]["name"], NAMESPACE) for pod in self.children(parent, "pod")
                if "deletionTimestamp" not in pod["metadata"]]

    def wait_pods(self, parent, count=1, deadline=60):
        """Waits until that many pods are on the tailnet and ready, and there are no others."""

        def joined():
            pods = self.pods(parent)
            return len(pods) == count and all(_is_joined(pod) for pod in pods) and pods

        try:
            return wait.wait_for(joined, deadline, f"{count} pods of {parent} on the tailnet", interval=0.3)
        except wait.Timeout as error:
            raise wait.Timeout(f"{error}\n{self.explain(parent)}") from None

    def wait_condition(self, kind, name, condition, namespace=None, deadline=60):
        """Waits until an object has a condition; what the operator said last is part of the failure."""
        path = f'jsonpath={{.status.conditions[?(@.type=="{condition}")].status}}'
        where = ["-n", namespace] if namespace else []
        try:
            wait.wait_for(lambda: self.bed.kubectl("get", kind, name, *where, "-o", path) == "True", deadline,
                          f"{kind} {name} is {condition}", interval=0.3)
        except wait.Timeout as error:
            raise wait.Timeout(f"{error}\n{self.log()}") from None

    def wait_gone(self, parent, devices, deadline=90):
        """Waits until nothing of an object is left: no child, no device of these identifiers."""

        def left():
            kinds = "statefulset,secret,service,configmap,endpointslice,pod,serviceaccount,role,rolebinding"
            names = [f"{one['kind']} {one['metadata']['name']}" for one in self.children(parent, kinds)]
            known = {device["id"] for device in self.api.tailnet.devices()}
            return names + [f"device {identifier}" for identifier in devices if identifier in known]

        try:
            wait.wait_for(lambda: not left(), deadline, f"nothing of {parent} is left", interval=0.5)
        except wait.Timeout as error:
            raise wait.Timeout(f"{error}\nleft: {left()}\n{self.log()}") from None

    def log(self):
        """The end of the operator's log."""
        return self.bed.kubectl("logs", "-n", NAMESPACE, "deployment/operator", "--tail=40")

    def explain(self, parent):
        """What a reader of a failed story wants to see."""
        return "\n".join([self.log(), *(pod.explain() for pod in self.pods(parent))])

    def close(self):
        """Ends the fake; the rest ends with the node."""
        self.api.close()


def _is_joined(pod):
    """What counts is what this very pod has published, not what another of its name did."""
    published = pod.published()
    return published.get("device_fqdn") and published.get("pod_uid") == pod.uid() and pod.ready()
