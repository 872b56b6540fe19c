"""A node seen from outside: the real command line client and raw LocalAPI calls on its socket."""

import ipaddress
import json
import subprocess

from . import settings


def _is_address(word):
    try:
        return bool(ipaddress.ip_address(word))
    except ValueError:
        return False


class Client:
    """Talks to one tailscaled by its socket."""

    def __init__(self, socket):
        self.socket = socket

    def run(self, *arguments, deadline=20):
        """One call of the client; fails with its words when it fails."""
        done = subprocess.run(
            [settings.partner("tailscale") / "tailscale", f"--socket={self.socket}", *map(str, arguments)],
            capture_output=True, text=True, timeout=deadline)
        if done.returncode != 0:
            raise OSError(f"tailscale {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def status(self):
        return json.loads(self.run("status", "--json"))

    def state(self):
        return self.status()["BackendState"]

    def peer(self, address):
        """What it knows about the peer of an address; LookupError when it knows none."""
        peers = (self.status()["Peer"] or {}).values()
        found = [peer for peer in peers if address in (peer.get("TailscaleIPs") or [])]
        if not found:
            raise LookupError(f"no peer {address}")
        return found[0]

    def address(self):
        """The node's IPv4 address in the tailnet."""
        return self.run("ip", "-4").strip()

    def addresses(self):
        """The node's addresses in the tailnet, IPv4 first."""
        return self.run("ip").split()

    def resolve(self, name):
        """The addresses of a name as the node itself knows it, without any other name server."""
        found = []
        for kind in ("A", "AAAA"):
            answer = self.run("dns", "query", name, kind)
            found += [word for line in answer.splitlines() for word in line.split() if _is_address(word)]
        return found
