"""The control plane: realbed's etcd and API server, with an audit log, a controller manager and a scheduler."""

import json
import os
import signal

from realbed import settings
from realbed.cluster import Cluster
from realbed.process import Process

from . import access, layout

# Who asked for what and when; never what was in it, since that is also Secrets.
_AUDIT = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
          "rules": [{"level": "Metadata"}]}


class ControlPlane(Cluster):
    """Everything of Kubernetes that is not on a node."""

    def __init__(self, bed):
        folder = bed.folder / "control"
        folder.mkdir()
        policy = folder / "audit-policy.json"
        policy.write_text(json.dumps(_AUDIT))
        self.audit_log = folder / "audit.log"
        certificate, key = bed.authority.issue("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
        super().__init__(folder, bed.network, bed.authority, ready=False, arguments=[
            f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}",
            "--kubelet-preferred-address-types=InternalIP", f"--kubelet-certificate-authority={bed.authority.certificate}",
            f"--kubelet-client-certificate={certificate}", f"--kubelet-client-key={key}",
            "--enable-aggregator-routing=true",
        ])
        self._bed = bed
        self.controllers = self.scheduler = None

    def start_controllers(self, *more):
        """What needs the API server but not its being ready; more are options of the controller manager."""
        authority = self._bed.authority
        common = ["--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false"]
        self.controllers = self._run("kube-controller-manager", [
            *common, "--use-service-account-credentials", f"--service-account-private-key-file={self.account_key}",
            f"--root-ca-file={authority.certificate}", f"--cluster-signing-cert-file={authority.certificate}",
            f"--cluster-signing-key-file={authority.key}", "--allocate-node-cidrs=false",
            f"--cluster-cidr={layout.POD_RANGE}", f"--service-cluster-ip-range={layout.SERVICE_RANGE}", *more])
        self.scheduler = self._run("kube-scheduler", common)

    def restart_controllers(self, *more):
        """New ones: after an absence of the API server the old ones would wait up to 30 s before they ask it again."""
        for process in (self.controllers, self.scheduler):
            process.signal(signal.SIGKILL)
            process.wait(5)
        self.start_controllers(*more)

    def end(self):
        """Ends it at once: asked politely it waits for its watchers."""
        for process in (self.controllers, self.scheduler, self.process, self.etcd):
            if process:
                process.signal(signal.SIGKILL)

    def _run(self, program, arguments):
        config = access.program_config(self.folder, self._bed.authority, f"https://{settings.HUB_ADDRESS}", program)
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder}
        return Process(program, [layout.kubernetes(program), f"--kubeconfig={config}", *arguments], self.folder,
                       namespace=self._bed.network.hub, environment=environment)
