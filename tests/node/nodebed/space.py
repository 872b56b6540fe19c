"""A Kubernetes namespace of one story, with what its nodes need."""

import contextlib

from . import objects
from .pods import Pod


class Space:
    """Made by the fixture `space`; close() deletes it and does not wait for its end."""

    def __init__(self, bed, name):
        self.bed = bed
        self.name = name
        bed.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])
        self.apply(objects.config_map(objects.AUTHORITY, {"ca.crt": bed.authority.certificate.read_text()}))

    def apply(self, *documents):
        self.bed.apply(documents, namespace=self.name)

    def kubectl(self, *arguments, **options):
        return self.bed.kubectl("-n", self.name, *arguments, **options)

    def pod(self, name, container="tailscale", secret=None):
        return Pod(self.bed, name, self.name, container, secret)

    def pods(self, label, container="tailscale", secret=None):
        """The pods of a workload that are not on their way out."""
        listed = self.bed.control.get(f"/api/v1/namespaces/{self.name}/pods?labelSelector=app%3D{label}")["items"]
        names = [one["metadata"]["name"] for one in listed if "deletionTimestamp" not in one["metadata"]]
        return [self.pod(name, container, secret) for name in sorted(names)]

    def node_state(self, name):
        """State Secret, account and a key of its own for a node of that name."""
        _, key = self.bed.headscale.new_key()
        self.apply(*objects.state(name, key))

    def host(self, service):
        """The address of a Service."""
        return self.bed.get("service", service, self.name)["spec"]["clusterIP"]

    def client(self, node=None):
        """A pod from which stories ask; on a node of a certain number if one is given."""
        name = f"client{node or ''}"
        spec = objects.pod_spec([{"name": "pause", "image": objects.layout.PAUSE_IMAGE, "imagePullPolicy": "Never"}],
                                **({"nodeName": f"node{node}"} if node else {}), terminationGracePeriodSeconds=1)
        self.apply(objects.pod(name, spec))
        return self.pod(name, "pause").wait_ready()

    def explain(self):
        """What a reader wants of a failed story: pods, events, and the ends of their logs."""
        texts = []
        with contextlib.suppress(OSError):
            texts += [self.kubectl("get", "pods", "-o", "wide"), self.kubectl("get", "events")[-3000:]]
            for name in self.kubectl("get", "pods", "-o", "name").split():
                texts.append(f"--- {name}\n{self.kubectl('logs', name, '--all-containers', '--tail=40')}")
        return "\n".join(texts)

    def close(self):
        with contextlib.suppress(OSError):
            self.bed.kubectl("delete", "namespace", self.name, "--wait=false")
