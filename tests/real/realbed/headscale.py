"""The control server: a real Headscale in the hub, with its own relay and its policy in the database."""

import contextlib
import json
import os
import secrets
import subprocess

from . import netns, settings, wait
from .process import Process
from .web import serve

_CONFIG = """\
server_url: {url}
listen_addr: "[::]:{port}"
metrics_listen_addr: 127.0.0.1:0
grpc_listen_addr: 127.0.0.1:0
grpc_allow_insecure: false
tls_cert_path: {certificate}
tls_key_path: {key}
noise:
  private_key_path: {folder}/noise.key
prefixes:
  v4: 100.64.0.0/10
  v6: fd7a:115c:a1e0::/48
  allocation: sequential
derp:
  server:
    enabled: true
    region_id: 999
    region_code: test
    region_name: Test relay
    verify_clients: true
    stun_listen_addr: "[::]:3478"
    private_key_path: {folder}/derp.key
    automatically_add_embedded_derp_region: true
    ipv4: {address}
    ipv6: {address6}
  urls: []
  paths: []
  auto_update_enabled: false
  update_frequency: 3h
disable_check_updates: true
ephemeral_node_inactivity_timeout: 30m
database:
  type: sqlite
  sqlite:
    path: {folder}/db.sqlite
    write_ahead_log: true
log:
  level: info
  format: text
policy:
  mode: database
dns:
  magic_dns: true
  base_domain: {domain}
  override_local_dns: false
  nameservers:
    global: []
  extra_records_path: {folder}/records.json
unix_socket: {folder}/headscale.sock
unix_socket_permission: "0700"
logtail:
  enabled: false
"""

# Nodes keep the network map on disk, as they do under Tailscale's own control: a daemon that starts again
# has its peers back before the control server has answered.
_POLICY = {
    "nodeAttrs": [{"target": ["*"], "attr": ["cache-network-maps"]}],
    # The last two are those that Tailscale's own operator and its proxies have.
    "tagOwners": {tag: ["stories@"] for tag in ("tag:sidecar", "tag:k8s-operator", "tag:k8s")},
    # A star means addresses of the tailnet only; the routes that stories advertise are outside of it: those of
    # Services, and pods of a cluster.
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*", "10.77.0.0/16:*", "fd77::/32:*", "10.200.0.0/16:*"]}],
}


class Headscale:
    """One server with one user; everything a story does to it goes through its own command line."""

    def __init__(self, folder, network, authority):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._network = network
        self._binary = settings.partner("headscale") / "headscale"
        self._config = folder / "config.yaml"
        certificate, key = authority.issue(
            "headscale", f"/CN={settings.CONTROL_NAME}",
            [f"DNS:{settings.CONTROL_NAME}", f"IP:{settings.HUB_ADDRESS}"])
        self._config.write_text(_CONFIG.format(
            url=settings.CONTROL_URL, port=settings.CONTROL_PORT, certificate=certificate, key=key,
            folder=folder, address=settings.HUB_ADDRESS, address6=settings.HUB_ADDRESS6,
            domain=settings.TAILNET_DOMAIN))
        # Names of Tailscale Services stand here, too: to a node they are records like others.
        self._records = {}
        self._records_file = folder / "records.json"
        self._write_records()
        self.process = Process("headscale", [self._binary, "serve", "-c", self._config], folder,
                               namespace=network.hub, environment=self._environment())
        # Nodes try plain HTTP first; a refusal there makes them wait half a second before they try TLS.
        # Control servers on the internet have something on that port, so this one has, too.
        serve(network.hub, settings.HUB_ADDRESS, 80, folder)
        wait.wait_for(self._listening, 30, "Headscale accepts connections")
        self.user = self.run("users", "create", "stories")["id"]
        self._set_policy(_POLICY)

    def _set_policy(self, policy):
        file = self.folder / "policy.json"
        file.write_text(json.dumps(policy))
        self.run("policy", "set", "--file", file)

    @contextlib.contextmanager
    def attribute(self, name):
        """All nodes have one more attribute within the block."""
        self._set_policy({**_POLICY, "nodeAttrs": [*_POLICY["nodeAttrs"], {"target": ["*"], "attr": [name]}]})
        try:
            yield
        finally:
            self._set_policy(_POLICY)

    def _environment(self):
        return {"PATH": os.environ["PATH"], "HOME": self.folder}

    def _listening(self):
        if not self.process.running():
            raise wait.Timeout(f"Headscale ended\n{self.process.tail()}")
        netns.connect(self._network.hub, settings.HUB_ADDRESS, settings.CONTROL_PORT).close()
        return (self.folder / "headscale.sock").exists()

    def command_line(self):
        """Its command for a person's shell."""
        return f"env HOME={self.folder} {self._binary} -c {self._config}"

    def run(self, *arguments):
        """One call of its command line; the answer is decoded JSON, None when there is none."""
        done = subprocess.run([self._binary, "-c", self._config, *map(str, arguments), "-o", "json"],
                              capture_output=True, text=True, timeout=20, env=self._environment())
        if done.returncode != 0:
            raise RuntimeError(f"headscale {' '.join(map(str, arguments))}: {done.stderr}{done.stdout}")
        try:
            return json.loads(done.stdout)
        except ValueError:
            return None

    def new_key(self, *, reusable=False, ephemeral=False, expiration="1h", tags=()):
        """A pre-auth key; returns its id and its text."""
        options = ["--expiration", expiration]
        options += ["--reusable"] if reusable else []
        options += ["--ephemeral"] if ephemeral else []
        options += ["--tags", ",".join(tags)] if tags else []
        answer = self.run("preauthkeys", "create", "--user", self.user, *options)
        return answer["id"], answer["key"]

    def is_key_used(self, identifier):
        return any(key["id"] == identifier and key.get("used") for key in self.run("preauthkeys", "list"))

    def expire_key(self, identifier):
        self.run("preauthkeys", "expire", "--id", identifier, "--force")

    def delete_key(self, identifier):
        self.run("preauthkeys", "delete", "--id", identifier, "--force")

    def nodes(self):
        return self.run("nodes", "list") or []

    def node(self, name):
        """The node of a given name, None when there is none."""
        return next((node for node in self.nodes() if name == node["given_name"]), None)

    def wait_online(self, name, deadline=20):
        def online():
            node = self.node(name)
            return node if node and node.get("online") else None
        return wait.wait_for(online, deadline, f"{name} online in Headscale", interval=0.2)

    def approve_routes(self, node, routes):
        """Approves exactly these of the routes that a node advertises."""
        self.run("nodes", "approve-routes", "--identifier", node["id"], "--routes", ",".join(routes))

    def set_record(self, name, *addresses):
        """Makes an extra DNS record of every node's configuration; without an address it goes away."""
        self._records[name] = addresses
        self._write_records()

    def _write_records(self):
        # In place: a file that is replaced is no longer watched.
        records = [{"name": name, "type": "AAAA" if ":" in address else "A", "value": address}
                   for name, addresses in self._records.items() for address in addresses]
        self._records_file.write_text(json.dumps(records))

    def register(self, request):
        """Lets a node in that asked with a registration URL; request is the URL's last part."""
        self.run("auth", "register", "--auth-id", request, "--user", "stories")

    def add_entry(self, name):
        """A node that never was: to the others a peer that is offline."""
        request = f"hskey-authreq-{secrets.token_hex(12)}"
        self.run("debug", "create-node", "--name", name, "--user", "stories", "--key", request)
        self.register(request)

    def rename(self, node, name):
        self.run("nodes", "rename", "--identifier", node["id"], name, "--force")

    def expire_node(self, node):
        self.run("nodes", "expire", "--identifier", node["id"])

    def delete_node(self, node):
        self.run("nodes", "delete", "--identifier", node["id"], "--force")
