"""One pod with one program in it: from the start to the status in the Secret, and connections through it."""

import contextlib
import json
import os
import signal
import subprocess
import time

from fakes import commands
from fakes.localapi import FakeLocalApi
from fakes.testroot import write_config
from realbed import process, sandbox, settings, wait
from realbed.mounted import MountedFolder
from realbed.process import Process
from startbench import reading

from . import shapes
from .place import POD_ADDRESS
from .watching import SecretWatch, TransactionWatch

STARTED = "Startup complete, waiting for shutdown signal"
STATUS_KEY = "egress-services"
_START_S = 60
_SYNC_S = 60
#: connections of one measurement, and the time that a slow one may take
CONNECTIONS = 6000
CONNECTIONS_MS = 400


class Broken(Exception):
    """The program did not do what is measured."""


class Pod:
    """The program as PID 1 of its pod; the daemon is a fake one, everything else is real."""

    def __init__(self, place, program, shape):
        self._place = place
        self.shape = shape
        self.name, self.namespace, address = place.add_pod()
        self.folder = place.folder / self.name
        account = place.cluster.add_pod(self.name, self.folder / "account")
        sandbox.prepare(self.folder, place.hosts)
        self._install_daemon()
        self.lapi = FakeLocalApi(self.folder / "localapi")
        self.lapi.dns_config = {"CertDomains": None, "ExtraRecords": None}
        self.lapi.bus.publish(shape.first_message())
        self.services = MountedFolder(self.folder / "services", {STATUS_KEY: "{}", "hep-pings": "0"})
        command = sandbox.command(self.folder, [place.copy(program)], own_pids=True)
        self.process = Process("program", command, self.folder,
                               namespace=self.namespace, environment=self._environment(account, address))

    def _install_daemon(self):
        commands.install(self.folder, "lively")
        for unused in ("iptables", "ip6tables"):
            (self.folder / "usr/bin" / unused).unlink()
        (self.folder / "config").mkdir()
        write_config(self.folder / "config/cap-95.hujson")

    def _environment(self, account, address):
        return sandbox.environment(self.folder, [], service_account=account,
                                   programs=self.folder / "usr/bin") | {
            "TS_TEST_RECORD_ARGS": self.folder / "args",
            "TS_TEST_SOCKET": self.lapi.path,
            "TS_SOCKET": self.folder / "tailscaled.sock",
            "TS_USERSPACE": "false",
            "TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": self.folder / "config",
            "TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT": "false",
            "TS_EGRESS_PROXIES_CONFIG_PATH": self.services.path,
            "TS_ENABLE_HEALTH_CHECK": "true", "TS_LOCAL_ADDR_PORT": f"{address}:9002",
            "KUBERNETES_SERVICE_HOST": settings.HUB_ADDRESS, "KUBERNETES_SERVICE_PORT_HTTPS": "443",
            "TS_KUBE_SECRET": self.name, "POD_NAME": self.name, "POD_UID": f"uid-{self.name}",
            "POD_IPS": address,
        }

    def start(self):
        """Waits until the program is up, watches its folder of services, and has nothing to do."""
        self.process.wait_log(STARTED, _START_S)
        pid = wait.wait_for(self._program, 5, "the program runs")
        wait.wait_for(lambda: self._watches_services(pid), 10, "the program watches its folder", interval=0.01)
        wait.wait_for(lambda: self._is_idle(pid), 10, "the program is idle", interval=0)

    def _program(self):
        """Pid of the program outside of its namespace."""
        return next(iter(process.children_of(self.process.pid)), 0)

    def _watches_services(self, pid):
        """Whether the folder, or one that leads to it, has an inotify watch."""
        wanted = {f"ino:{p.stat().st_ino:x} " for p in (self.services.path, self.services.path / "..data/")}
        for name in os.listdir(f"/proc/{pid}/fdinfo"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
                text = file.read()
                if "inotify" in text and any(inode in text for inode in wanted):
                    return True
        return False

    @staticmethod
    def _is_idle(pid):
        before = reading.cpu_seconds(pid)
        time.sleep(0.1)
        return reading.cpu_seconds(pid) == before

    def apply(self):
        """Swaps in the services; seconds until the status, of the firewall's work, and its transactions."""
        seen = SecretWatch(self._place.cluster, self.name, STATUS_KEY, self.shape.is_complete, _SYNC_S)
        commits = TransactionWatch(self.namespace)
        try:
            self.services.write({STATUS_KEY: self.shape.document(), "hep-pings": "0"})
            swapped = self.services.swapped_at
            done = seen.wait(_SYNC_S)
            if done is None:
                raise Broken(f"{self.name}: no complete status within {_SYNC_S} s\n{self.process.tail()}")
            times = [t for t in commits.since(swapped) if t <= done]
            if not times:
                raise Broken(f"{self.name}: a status without any transaction\n{self.process.tail()}")
            return {"status": done - swapped, "firewall": times[-1] - times[0], "transactions": len(times),
                    "first_transaction": times[0] - swapped, "last_transaction": times[-1] - swapped}
        finally:
            commits.close()
            seen.close()

    def connections(self, program):
        """New connections a second from the client through the pod to the far end; program is connect_bench."""
        command = [program, f"/run/netns/{self._place.client}", f"/run/netns/{self._place.far}", POD_ADDRESS,
                   shapes.FIRST_PORT, self.shape.maps, shapes.TARGET_PORT, CONNECTIONS, CONNECTIONS_MS]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise Broken(f"{self.name}: {done.stderr.strip()}\n{self.process.tail()}")
        return json.loads(done.stdout)["rate"]

    def close(self):
        """Ends the program, the fake daemon with it, and removes the pod."""
        with contextlib.suppress(OSError):
            program = self._program()
            if program:
                os.kill(program, signal.SIGKILL)
        self.process.stop()
        self.lapi.close()
        self._place.remove_pod(self.namespace)
