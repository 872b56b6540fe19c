"""Root file systems of their own on the bed's network: a machine with systemd, and a container."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from realbed import process, settings, wait
from realbed.process import Process

_HERE = Path(__file__).resolve().parent
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _unified():
    """Where the second version of cgroups is mounted."""
    for line in Path("/proc/mounts").read_text(encoding="ascii").splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise RuntimeError("no cgroup2 is mounted, and systemd needs one")


def _removed(folder):
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return not os.path.exists(folder)


class Rooted:
    """A Debian 12 over which files may be written; start() runs its PID 1, close() leaves nothing of it."""

    def __init__(self, bed, name):
        self.name = name
        self.process = None
        self._bed = bed
        self.folder = bed.folder / name
        self.namespace, self.address = bed.network.add(name)
        self._root = self.folder / "root"
        self._cgroup = _unified() / f"{bed.network.prefix}-{name}"
        self._cgroup.mkdir()
        self._mount()
        hosts = ["127.0.0.1 localhost host", *(f"{address} {name}" for name, address in bed.hosts.items())]
        self.write("etc/hosts", "\n".join(hosts) + "\n")
        self.write("etc/resolv.conf", "nameserver 127.0.0.1\n")
        self.write("etc/headscale-ca.pem", bed.authority.certificate.read_text())
        for program in ("tailscale", "tailscaled"):
            self.copy(settings.partner("tailscale") / program, f"usr/local/bin/{program}")

    def _mount(self):
        base = subprocess.run([_HERE / "root"], check=True, stdout=subprocess.PIPE, text=True, timeout=600).stdout.strip()
        for folder in ("upper", "work", "root"):
            (self.folder / folder).mkdir(parents=True)
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={base},upperdir={self.folder}/upper,workdir={self.folder}/work", self._root],
                       check=True, timeout=20)

    def write(self, path, text, mode=0o644):
        target = self._root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def copy(self, source, path):
        subprocess.run(["cp", "--preserve=mode", source, self._root / path], check=True, timeout=20)

    def start(self, *command, environment):
        """Runs PID 1 in namespaces of its own; the network namespace is there already, to be joined by others."""
        # The shell enters the cgroup before it leaves the namespace in which the cgroup is visible.
        enter = f'echo $$ >"{self._cgroup}/cgroup.procs" && exec "$@"'
        self.process = Process("first", [
            "sh", "-c", enter, "enter", "unshare", "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork",
            "--kill-child", _HERE / "enter.sh", self._root, *command], self.folder, namespace=self.namespace,
            environment={"PATH": _PATH, **environment})

    def first(self):
        """Pid of PID 1 outside, 0 when it is not there yet."""
        with contextlib.suppress(OSError):
            for pid in process.children_of(self.process.pid):
                if process.name_of(pid) not in ("unshare", "enter.sh", "sh"):
                    return pid
        return 0

    def entered(self, *command):
        """The result of a command beside PID 1; nothing is raised."""
        return subprocess.run(["nsenter", f"--target={self.first()}", "--pid", "--mount", "--net", "--uts", "--ipc",
                               "--cgroup", "--", *command], capture_output=True, text=True, timeout=120, check=False,
                              env={"PATH": _PATH})

    def exists(self, path):
        return self.entered("test", "-e", f"/{path}").returncode == 0

    def close(self):
        """Ends PID 1, and with it everything beside it; then its mounts, cgroups and network."""
        first = self.process and self.first()
        if first:
            os.kill(first, signal.SIGKILL)
        if self.process:
            self.process.stop()
        subprocess.run(["umount", self._root], check=True, timeout=20)
        for folder, _, _ in os.walk(self._cgroup, topdown=False):
            wait.wait_for(lambda each=folder: _removed(each), 10, f"{folder} is empty")
        self._bed.network.remove(self.namespace)


class Machine(Rooted):
    """With systemd as PID 1; up when the constructor returns."""

    def __init__(self, bed, name):
        super().__init__(bed, name)
        self.start("/lib/systemd/systemd", "--log-target=console", "--unit=multi-user.target",
                   environment={"container": "test"})
        wait.wait_for(self._is_up, 60, f"{name} is up (log in {self.process.log_path})", interval=0.2)

    def _is_up(self):
        if not self.process.running():
            raise wait.Timeout(f"{self.name} ended\n{self.process.tail()}")
        return self.first() and self.entered("systemctl", "is-system-running").stdout.strip() == "running"

    def run(self, *command):
        """What a command prints in the machine; fails with its words."""
        done = self.entered(*command)
        if done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}\n{self.journal()}")
        return done.stdout

    def show(self, unit, name):
        """A property of a unit."""
        return self.entered("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def journal(self, lines=60):
        return self.entered("journalctl", "--no-pager", "--output=cat", f"--lines={lines}").stdout


class Container(Rooted):
    """What a container runtime makes: the image's program as PID 1, root without capabilities, files where they belong."""

    def __init__(self, bed, name):
        super().__init__(bed, name)
        (self._root / "usr/local/bin/containerboot").unlink(missing_ok=True)
        self.copy(settings.program(), "usr/local/bin/containerboot")

    def boot(self, argv, environment, deadline=30):
        """Starts argv, the image's entry point when it is empty, and waits for the end of start-up."""
        bare = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
        self.start(*bare, *(argv or ["/usr/local/bin/containerboot"]), environment=environment)
        self.process.wait_log("Startup complete, waiting for shutdown signal", deadline)

    def stop(self, deadline):
        """SIGTERM for PID 1; its exit code."""
        os.kill(self.first(), signal.SIGTERM)
        return self.process.wait(deadline)
