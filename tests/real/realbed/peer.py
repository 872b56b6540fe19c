"""A tailnet peer: a real tailscaled in kernel mode with a web page on its tailnet address."""

from . import sandbox, settings, wait
from .process import Process
from .tailscale import Client
from .web import serve

PAGE = "<html><body>a page that only the tailnet can reach</body></html>\n"
PORT = 8000


class Peer:
    """The other end of every packet in the stories."""

    def __init__(self, bed, name="peer"):
        self.name = name
        folder = bed.folder / name
        self.namespace, _ = bed.network.add(name)
        sandbox.prepare(folder, bed.hosts)
        socket = folder / "tailscaled.sock"
        arguments = [settings.partner("tailscale") / "tailscaled", f"--socket={socket}", f"--statedir={folder}/state"]
        environment = {**sandbox.environment(folder, bed.keep), "SSL_CERT_FILE": bed.authority.certificate}
        self.process = Process("tailscaled", sandbox.command(folder, arguments, own_pids=False), folder,
                               namespace=self.namespace, environment=environment)
        self.client = Client(socket)
        wait.wait_for(self._answers, 20, "the peer's daemon answers")
        _, key = bed.headscale.new_key()
        self.client.run("up", f"--login-server={settings.CONTROL_URL}", f"--authkey={key}", f"--hostname={name}",
                        "--accept-dns=false", "--timeout=30s", deadline=40)
        self.address = self.client.address()
        serve(self.namespace, self.address, PORT, folder, PAGE)

    def _answers(self):
        if not self.process.running():
            raise wait.Timeout(f"the peer's daemon ended\n{self.process.tail()}")
        return self.client.status()
