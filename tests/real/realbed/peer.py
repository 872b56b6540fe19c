"""A tailnet peer: a real tailscaled in kernel mode with a web page and echo servers on its tailnet addresses."""

from . import netns, sandbox, settings, wait
from .echo import Echo
from .process import Process
from .tailscale import Client
from .web import serve

PAGE = "<html><body>a page that only the tailnet can reach</body></html>\n"
PORT = 8000


class Peer:
    """The other end of every packet in the stories.

    accept_routes lets it use routes that others advertise; routes are advertised and approved, and their
    single addresses are local to it.
    """

    def __init__(self, bed, name="peer", *, accept_routes=False, routes=()):
        self.name = name
        self.folder = bed.folder / name
        self._bed = bed
        self._echo = None
        self.namespace, _ = bed.network.add(name)
        sandbox.prepare(self.folder, bed.hosts)
        socket = self.folder / "tailscaled.sock"
        arguments = [settings.partner("tailscale") / "tailscaled", f"--socket={socket}",
                     f"--statedir={self.folder}/state"]
        environment = {**sandbox.environment(self.folder, bed.keep), "SSL_CERT_FILE": bed.authority.certificate}
        self.process = Process("tailscaled", sandbox.command(self.folder, arguments, own_pids=False), self.folder,
                               namespace=self.namespace, environment=environment)
        self.client = Client(socket)
        wait.wait_for(self._answers, 20, "the peer's daemon answers")
        self.log_in(accept_routes=accept_routes, routes=routes)
        serve(self.namespace, self.address, PORT, self.folder, PAGE)

    def _answers(self):
        if not self.process.running():
            raise wait.Timeout(f"the peer's daemon ended\n{self.process.tail()}")
        return self.client.status()

    def log_in(self, accept_routes=False, routes=()):
        """Makes it a node, or a node again after it was deleted, with routes approved."""
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding") if routes else ():
            netns.set_sysctl(self.namespace, path, 1)
        # A daemon whose node was deleted may use the key by itself before it is asked to.
        _, key = self._bed.headscale.new_key(reusable=True)
        self.client.run("up", f"--login-server={settings.CONTROL_URL}", f"--authkey={key}", f"--hostname={self.name}",
                        "--accept-dns=false", f"--accept-routes={str(accept_routes).lower()}",
                        f"--advertise-routes={','.join(routes)}", "--timeout=30s", "--force-reauth", deadline=40)
        if routes:
            node = self._bed.headscale.wait_online(self.name)
            self._bed.headscale.approve_routes(node, routes)
        self.address, self.address6 = self.client.addresses()

    def own(self, *addresses):
        """Makes addresses local to it, as those of a service that it hosts."""
        for address in addresses:
            length = 128 if ":" in address else 32
            netns.run_inside(self.namespace, "ip", "addr", "add", f"{address}/{length}", "dev", "lo", "nodad")

    def echo(self):
        """The echo servers on its tailnet addresses; started at the first call."""
        if not self._echo:
            self._echo = Echo(self.namespace, self.name, self.folder, [self.address, self.address6])
        return self._echo

    def close(self):
        """Ends the daemon and takes the namespace away; the node stays known to the control server."""
        if self._echo:
            self._echo.close()
        self.process.stop()
        self._bed.network.remove(self.namespace)
