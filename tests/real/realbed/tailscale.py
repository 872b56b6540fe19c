"""A node seen from outside: the real command line client and raw LocalAPI calls on its socket."""

import json
import subprocess

from . import settings


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

    def address(self):
        """The node's IPv4 address in the tailnet."""
        return self.run("ip", "-4").strip()

    def addresses(self):
        """The node's addresses in the tailnet, IPv4 first."""
        return self.run("ip").split()
