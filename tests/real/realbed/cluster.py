"""The Kubernetes side: a real etcd and a real API server in the hub, a service account per pod."""

import base64
import contextlib
import copy
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess

from . import netns, settings, wait
from .process import Process

_PORT = 443
_SERVICE_ADDRESS = "10.96.0.1"


class ApiError(OSError):
    """The API server answered with a status other than success."""

    def __init__(self, status, text):
        super().__init__(f"API server: {status} {text[:300]}")
        self.status = status


class Cluster:
    """etcd and kube-apiserver; no kubelet, a pod is a process of ours with a real service account."""

    def __init__(self, folder, network, authority, *, arguments=(), ready=True):
        """arguments are more of the API server's; without ready the caller calls wait_ready() itself."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._arguments = list(arguments)
        self._port = _PORT
        self._partner = "kubernetes"
        self._network = network
        self._authority = authority
        self._issue_certificates()
        self.etcd = self._start_etcd()
        self.process = self._start_api_server()
        if ready:
            self.wait_ready()

    def _issue_certificates(self):
        names = [f"DNS:{settings.API_NAME}", "DNS:kubernetes", "DNS:localhost",
                 f"IP:{settings.HUB_ADDRESS}", f"IP:{_SERVICE_ADDRESS}", "IP:127.0.0.1"]
        self._server = self._authority.issue("apiserver", "/CN=kube-apiserver", names)
        self.admin = self._authority.issue("admin", "/O=system:masters/CN=admin")
        self.account_key = self.folder / "accounts.key"
        self._account_public = self.folder / "accounts.pub"
        self._authority.new_key(self.account_key)
        subprocess.run(["openssl", "ec", "-in", self.account_key, "-pubout", "-out", self._account_public],
                       check=True, capture_output=True, timeout=20)

    @property
    def namespace(self):
        """The network namespace that it is reached from."""
        return self._network.hub

    @property
    def url(self):
        return f"https://{settings.HUB_ADDRESS}:{self._port}"

    @property
    def authority(self):
        """The certificate of its authority."""
        return self._authority.certificate

    @contextlib.contextmanager
    def another(self, partner):
        """An API server of another version beside this one, with objects of its own, as long as the block runs."""
        other = copy.copy(self)
        other.folder = self.folder / partner
        other.folder.mkdir()
        other._port = _PORT + 1
        other._partner = partner
        other._arguments = [f"--etcd-prefix=/{partner}"]
        other.process = other._start_api_server()
        try:
            other.wait_ready()
            yield other
        finally:
            other.process.stop()

    def _environment(self):
        return {"PATH": os.environ["PATH"], "HOME": self.folder}

    def _start_etcd(self):
        return Process("etcd", [
            settings.partner("etcd") / "etcd", "--name=test", f"--data-dir={self.folder}/etcd",
            "--unsafe-no-fsync", "--log-level=warn",
            "--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
            "--initial-cluster=test=http://127.0.0.1:2380",
        ], self.folder, namespace=self._network.hub, environment=self._environment())

    def _start_api_server(self):
        certificate, key = self._server
        return Process("kube-apiserver", [
            settings.partner(self._partner) / "kube-apiserver",
            "--etcd-servers=http://127.0.0.1:2379", "--authorization-mode=Node,RBAC", "--allow-privileged",
            f"--bind-address={settings.HUB_ADDRESS}", f"--advertise-address={settings.HUB_ADDRESS}",
            f"--secure-port={self._port}", "--service-cluster-ip-range=10.96.0.0/16",
            f"--service-account-issuer=https://{settings.API_NAME}",
            f"--service-account-key-file={self._account_public}",
            f"--service-account-signing-key-file={self.account_key}",
            f"--client-ca-file={self._authority.certificate}",
            f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}",
            f"--cert-dir={self.folder}", "--profiling=false", *self._arguments,
        ], self.folder, namespace=self._network.hub, environment=self._environment())

    def wait_ready(self, deadline=90):
        """Returns when the API server answers and has made its default namespace."""

        def ready():
            for process in (self.etcd, self.process):
                if not process.running():
                    raise wait.Timeout(f"{process.label} ended\n{process.tail()}")
            return self._call("GET", "/readyz", raw=True) == "ok"
        wait.wait_for(ready, deadline, "the API server is ready", interval=0.2)
        wait.wait_for(lambda: self._call("GET", "/api/v1/namespaces/default"), 30, "the default namespace exists")

    def _connect(self, timeout=5):
        """An authenticated connection of the administrator; the caller closes it."""
        context = ssl.create_default_context(cafile=self._authority.certificate)
        context.load_cert_chain(*self.admin)
        connection = http.client.HTTPSConnection(settings.API_NAME, self._port, timeout=timeout)
        plain = netns.connect(self._network.hub, settings.HUB_ADDRESS, self._port, timeout=timeout)
        try:
            connection.sock = context.wrap_socket(plain, server_hostname=settings.API_NAME)
        except OSError:
            plain.close()
            raise
        return connection

    def _call(self, method, path, body=None, content_type="application/json", raw=False):
        connection = None
        try:
            connection = self._connect()
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": content_type})
            answer = connection.getresponse()
            text = answer.read().decode()
        except socket.timeout as error:
            raise OSError("the API server does not answer") from error
        finally:
            if connection:
                connection.close()
        if answer.status >= 300:
            raise ApiError(answer.status, text)
        return text if raw else json.loads(text)

    def get(self, path):
        """An object by its path."""
        return self._call("GET", path)

    def create(self, path, document):
        """Makes an object in the collection of that path."""
        return self._call("POST", path, document)

    def watch_secret(self, name, timeout):
        """The changes of a Secret from now on: (connection, answer), one JSON event a line; timeout is per line."""
        path = "/api/v1/namespaces/default/secrets"
        version = self._call("GET", f"{path}/{name}")["metadata"]["resourceVersion"]
        connection = self._connect(timeout)
        connection.request("GET", f"{path}?watch=1&fieldSelector=metadata.name%3D{name}&resourceVersion={version}")
        answer = connection.getresponse()
        if answer.status >= 300:
            connection.close()
            raise ApiError(answer.status, "no watch")
        return connection, answer

    def add_pod(self, secret, folder, data=None, verbs=("get", "update", "patch")):
        """A state Secret and a service account that may use exactly it; returns the mounted folder."""
        core, rbac = "/api/v1/namespaces/default", "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in (data or {}).items()}
        meta = {"metadata": {"name": secret}}
        self._call("POST", f"{core}/secrets", {**meta, "data": encoded})
        self._call("POST", f"{core}/serviceaccounts", meta)
        self._call("POST", f"{rbac}/roles", {**meta, "rules": [
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": list(verbs)}]})
        self._call("POST", f"{rbac}/rolebindings", {
            **meta, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": secret},
            "subjects": [{"kind": "ServiceAccount", "name": secret, "namespace": "default"}]})
        token = self._call("POST", f"{core}/serviceaccounts/{secret}/token",
                           {"spec": {"expirationSeconds": 3600}})["status"]["token"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "token").write_text(token)
        (folder / "namespace").write_text("default")
        (folder / "ca.crt").write_text(self._authority.certificate.read_text())
        return folder

    def add_admin(self, name, folder):
        """A service account that may do everything; returns its folder, like that of a pod."""
        self.add_pod(name, folder)
        self._call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]})
        return folder

    def write(self, method, path, body=None, content_type="application/json"):
        """A request of the administrator's own."""
        return self._call(method, path, body, content_type)

    def compact(self):
        """etcd forgets all versions but the present ones."""
        def ask(path, body):
            connection = http.client.HTTPConnection("127.0.0.1", 2379, timeout=10)
            connection.sock = netns.connect(self._network.hub, "127.0.0.1", 2379, timeout=10)
            try:
                connection.request("POST", path, json.dumps(body))
                answer = connection.getresponse()
                text = answer.read()
            finally:
                connection.close()
            if answer.status != 200:
                raise ApiError(answer.status, text.decode())
            return json.loads(text)

        revision = ask("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
        ask("/v3/kv/compaction", {"revision": revision, "physical": True})

    def secret(self, name):
        """The decoded content of a Secret."""
        data = self._call("GET", f"/api/v1/namespaces/default/secrets/{name}").get("data") or {}
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}

    def set_secret(self, name, **fields):
        """Puts fields into a Secret, as a person does."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in fields.items()}
        self._call("PATCH", f"/api/v1/namespaces/default/secrets/{name}", {"data": data},
                   "application/merge-patch+json")

    def pause(self):
        """The server hangs: connections stay, nothing is answered."""
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        self.process.signal(signal.SIGCONT)

    def kill(self):
        """The server is gone: connections are cut, new ones refused."""
        self.process.signal(signal.SIGKILL)
        self.process.wait(5)

    def restart(self):
        self.process = self._start_api_server()
        self.wait_ready()
