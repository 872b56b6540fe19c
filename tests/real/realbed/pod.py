"""A pod: the supervisor under test as PID 1 of its own pid, mount and network namespace."""

import contextlib
import os
import shutil
import signal

from . import netns, process, sandbox, settings, wait
from .process import Process
from .tailscale import Client
from .web import fetch

HEALTH_PORT = 9002
FORWARDING = {4: "ipv4/ip_forward", 6: "ipv6/conf/all/forwarding"}


class Pod:
    """One pod with its namespaces and its state; start() and stop() run the supervisor in it.

    store is "memory", "folder" (TS_STATE_DIR) or "secret" (a state Secret of the pod's name).
    environment overrides and adds; a value of None takes a variable away. A dual pod has both families on
    the cluster network, and gets its addresses like an operator's pods.
    """

    def __init__(self, bed, name, *, store="folder", userspace=True, environment=None, secret=None,
                 programs=None, verbs=("get", "update", "patch"), dual=False):
        self.bed = bed
        self.name = name
        self.store = store
        self.folder = bed.folder / "pods" / name
        self.state_folder = self.folder / "state"
        self.namespace, self.address = bed.network.add(name, dual)
        self.address6 = netns.address6(self.address) if dual else ""
        self.client = Client(self.folder / "tailscaled.sock")
        self.termination_log = self.folder / "termination-log"
        self.runs = 0
        self.process = None
        self._programs = programs
        self._account = None
        sandbox.prepare(self.folder, bed.hosts)
        self._program = self._copy_program()
        if store == "secret":
            self._account = bed.cluster().add_pod(name, self.folder / "account", secret, verbs)
        self.environment = self._environment(userspace, environment or {})

    def _copy_program(self):
        """A copy under a plain name: a rebuild during a run must not change what runs."""
        target = self.folder / settings.program().name
        shutil.copy2(settings.program(), target)
        return target

    def _environment(self, userspace, extra):
        result = sandbox.environment(self.folder, self.bed.keep, service_account=self._account,
                                     programs=self._programs)
        result |= {
            "SSL_CERT_FILE": self.bed.authority.certificate,
            "TS_SOCKET": self.client.socket,
            "TS_USERSPACE": "true" if userspace else "false",
            "TS_HOSTNAME": self.name,
            "TS_EXTRA_ARGS": f"--login-server={settings.CONTROL_URL}",
            "TS_ENABLE_HEALTH_CHECK": "true",
            "TAILBOOT_TERMINATION_LOG": self.termination_log,
        }
        if self.store == "folder":
            result["TS_STATE_DIR"] = self.state_folder
        if self.store == "secret":
            result |= {"KUBERNETES_SERVICE_HOST": settings.HUB_ADDRESS, "KUBERNETES_SERVICE_PORT_HTTPS": "443",
                       "TS_KUBE_SECRET": self.name, "POD_NAME": self.name, "POD_UID": f"uid-{self.name}"}
        if self.address6:
            result |= {"POD_NAME": self.name, "POD_UID": f"uid-{self.name}", "POD_IP": self.address,
                       "POD_IPS": f"{self.address},{self.address6}"}
        result |= extra
        return {key: value for key, value in result.items() if value is not None}

    def forward(self, *families):
        """Switches forwarding on from outside, as an operator's init container does."""
        for family in families or (4, 6):
            netns.set_sysctl(self.namespace, FORWARDING[family], 1)

    def start(self):
        """Runs the supervisor; each run has a log of its own."""
        self.runs += 1
        command = sandbox.command(self.folder, [self._program], own_pids=True)
        self.process = Process(f"run{self.runs}", command, self.folder, namespace=self.namespace,
                               environment=self.environment)
        return self

    def boot(self, deadline=30):
        """start(), then waits for the end of start-up."""
        self.start()
        self.wait_log("Startup complete, waiting for shutdown signal", deadline)
        return self

    def meet(self, peer):
        """Sets the tunnel to a peer up from this end; a peer that speaks too early waits 5 s before it tries again."""
        wait.wait_for(lambda: self.client.run("ping", "--tsmp", "--c=1", "--timeout=1s", peer.address), 15,
                      f"{peer.name} answers {self.name}")

    def wait_relay_of(self, peer, deadline=10):
        """Waits until the node can reach a new peer; what it sends before is lost, and sent again 5 s later."""
        wait.wait_for(lambda: self.client.peer(peer.address)["Relay"], deadline,
                      f"{self.name} knows the relay of {peer.name}")

    def wait_log(self, text, deadline, after=0):
        return self.process.wait_log(text, deadline, after)

    def log(self):
        return self.process.log()

    def supervisor(self):
        """Pid of the supervisor outside, 0 when it is gone or still a shell that prepares mounts."""
        with contextlib.suppress(OSError):
            for child in process.children_of(self.process.pid):
                if process.name_of(child) == self._program.name[:15]:
                    return child
        return 0

    def daemon(self):
        """Pid of the daemon outside, 0 when there is none."""
        supervisor = self.supervisor()
        with contextlib.suppress(OSError):
            for child in process.children_of(supervisor) if supervisor else []:
                if process.name_of(child) == "tailscaled":
                    return child
        return 0

    def descriptors(self):
        """How many files the supervisor has open."""
        return len(os.listdir(f"/proc/{self.supervisor()}/fd"))

    def kill_daemon(self):
        """SIGKILL for the daemon; returns its pid."""
        pid = self.daemon()
        if not pid:
            raise LookupError(f"{self.name} has no daemon")
        os.kill(pid, signal.SIGKILL)
        return pid

    def signal(self, number):
        """A signal for the supervisor."""
        pid = wait.wait_for(self.supervisor, 5, "the supervisor runs")
        os.kill(pid, number)

    def stop(self, deadline=30):
        """SIGTERM as a container runtime sends it; returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(deadline)

    def crash(self):
        """SIGKILL for the supervisor, which ends its whole pid namespace; the network namespace stays, as in a Pod."""
        self.signal(signal.SIGKILL)
        self.process.wait(5)

    def get(self, path, port=HEALTH_PORT):
        """Status and body of a GET on the pod's own address, (0, "") without a listener."""
        try:
            return fetch(self.namespace, "127.0.0.1", port, path)
        except OSError:
            return 0, ""

    def published(self):
        """Published fields by key, from wherever this pod publishes them."""
        if self.store == "secret":
            return self.bed.cluster().secret(self.name)
        folder = self.state_folder / "published"
        if not folder.is_dir():
            return {}
        return {entry.name: entry.read_text() for entry in folder.iterdir() if not entry.name.startswith(".")}

    def wait_published(self, deadline, **expected):
        """Waits until each named field has its value; a value of None means any that is not empty."""

        def complete():
            fields = self.published()
            for key, value in expected.items():
                if not fields.get(key) or (value is not None and fields[key] != value):
                    return None
            return fields

        try:
            return wait.wait_for(complete, deadline, f"{self.name} published {expected}")
        except wait.Timeout as error:
            raise wait.Timeout(f"{error}\npublished: {self.published()}") from None

    def close(self):
        """Ends what is left and takes the namespace away."""
        if self.process and self.process.running():
            pid = self.supervisor()
            if pid:
                os.kill(pid, signal.SIGKILL)
            self.process.stop()
        self.bed.network.remove(self.namespace)
