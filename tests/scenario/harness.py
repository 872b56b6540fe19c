"""What a whole-program test has in hand: a root, the fakes, and the program under test.

Each World is alone in its own temporary root and safe to run beside others. The environment of
the program is exactly the one below plus what the test adds; nothing of the tester's leaks in but
the PATH and the options of the sanitizers.
"""

import contextlib
import http.client
import os
import pathlib
import random
import shutil
import signal
import socket
import tempfile
import urllib.error
import urllib.request

from fakes import commands, notify, testroot
from fakes.kubeapi import FakeKube
from fakes.localapi import FakeLocalApi
from fakes.waiting import WaitTimeout, wait_until
from process import Program, kill_all, processes_of

REPO = pathlib.Path(__file__).resolve().parent.parent.parent
CAPVER = os.environ.get("TAILBOOT_CAPVER", "142")
#: set when the program under test is the reference: it may end with 1 after SIGTERM (a cancelled
#: write of the serve watcher), and it leaves children behind
REFERENCE = bool(os.environ.get("TAILBOOT_REFERENCE"))
STARTED = "Startup complete, waiting for shutdown signal"
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "GCOV_PREFIX", "LLVM_PROFILE_FILE")

USERSPACE = ("/usr/bin/tailscaled --socket=/tmp/tailscaled.sock --state=mem: --statedir=/tmp "
             "--tun=userspace-networking")
KERNEL = "/usr/bin/tailscaled --socket=/tmp/tailscaled.sock --state=mem: --statedir=/tmp"
KUBE = ("/usr/bin/tailscaled --socket=/tmp/tailscaled.sock --state=kube:tailscale --statedir=/tmp "
        "--tun=userspace-networking")
CLI = "/usr/bin/tailscale --socket=/tmp/tailscaled.sock "
UP = CLI + "up --accept-dns=false"
SET = CLI + "set --accept-dns=false"


def program_path():
    """The program under test."""
    return os.environ.get("TAILBOOT_PROGRAM") or str(REPO / "build/tailboot")


def free_port():
    """A TCP port without a listener, outside of the range that the kernel hands out."""
    for _ in range(200):
        port = random.SystemRandom().randrange(12000, 32000)
        with contextlib.suppress(OSError), socket.socket() as four:
            four.bind(("0.0.0.0", port))
            with socket.socket(socket.AF_INET6) as six:
                six.bind(("::1", port))
            return port
    raise RuntimeError("no free port")


class World:
    """One root, its fakes, and at most one program at a time."""

    def __init__(self, generation="1.102"):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="tb-"))
        testroot.build(self.root, "lively")
        self.args_file = self.root / "args"
        self.lapi = FakeLocalApi(self.root / "tmp/tailscaled.sock.fake", generation)
        self.socket = self.root / "tmp/tailscaled.sock"
        self.local_port = free_port()
        self.health_port = free_port()
        self.termination_log = self.root / "termination-log"
        self.program = None
        self.check_orphans = not REFERENCE
        self._kube = None
        self._evidence = None

    # -- partners

    @property
    def kube(self):
        """The fake API server; it exists, with account files, from the first look at it."""
        if self._kube is None:
            self._kube = FakeKube()
            self._kube.write_account(self.root)
        return self._kube

    def replace_kube(self, kube):
        """Let another fake take the place of the API server."""
        self._kube = kube

    def kube_env(self, **more):
        """The environment of a pod."""
        return dict({"KUBERNETES_SERVICE_HOST": self.kube.host,
                     "KUBERNETES_SERVICE_PORT_HTTPS": str(self.kube.port)}, **more)

    def install(self, daemon="lively", cli="plain", status=None):
        """Choose variants of the two commands."""
        commands.install(self.root, daemon, cli, status)

    def config_dir(self):
        """The folder of the daemon's versioned config files."""
        return self.root / "etc/tailscaled"

    # -- the program

    def environment(self, extra):
        """The exact environment."""
        env = {"PATH": f"{self.root}/usr/bin:{os.environ['PATH']}",
               "TS_TEST_RECORD_ARGS": str(self.args_file),
               "TS_TEST_SOCKET": self.lapi.path,
               "TS_SOCKET": str(self.socket),
               "TS_TEST_ONLY_ROOT": str(self.root),
               "TS_TEST_FAKE_NETFILTER": "true"}
        env.update({k: os.environ[k] for k in PASSED_ON if k in os.environ})
        env.update(extra or {})
        return {k: str(v) for k, v in env.items() if v is not None}

    def start(self, env=None, argv=(), wrapper=()):
        """Start the program; `wrapper` is a command put before it."""
        command = [*wrapper, program_path(), *argv]
        self.program = Program(command, self.environment(env), self.root / "output")
        return self.program

    def start_running(self, env=None, message=None, wrapper=()):
        """Start, publish Running, and wait until start-up is complete."""
        self.lapi.bus.publish(message or notify.running())
        self.start(env, wrapper=wrapper)
        self.program.wait_log(STARTED)
        return self.program

    def daemon_pids(self):
        """Pids of the fake daemons that run now."""
        return [pid for pid, argv in processes_of(self.root)
                if len(argv) > 1 and argv[1] == f"{self.root}/usr/bin/tailscaled"]

    def cli_pids(self):
        """Pids of the fake `tailscale` that run now."""
        return [pid for pid, argv in processes_of(self.root)
                if len(argv) > 1 and argv[1] == f"{self.root}/usr/bin/tailscale"]

    def end_cli(self, pid):
        """Let a CLI that hangs end with success: the login came through."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)

    def kill_daemon(self, sig=signal.SIGKILL):
        """End the daemon as a crash would: process, listening socket and connections at once."""
        # a child of the script looks like the script until it has executed its own program
        pids = wait_until(lambda: now if len(now := self.daemon_pids()) == 1 else None, 5,
                          lambda: f"one daemon, running: {self.daemon_pids()}")
        self.lapi.stop()
        os.kill(pids[0], sig)
        wait_until(lambda: pids[0] not in self.daemon_pids(), 5, "daemon process gone")
        return pids[0]

    def crash_daemon(self, starts, message=None):
        """Crash the daemon and let its successor, start number `starts`, serve again.

        `message` is what the successor reports first; by default what was reported last.
        """
        self.kill_daemon()
        if message is not None:
            self.lapi.bus.publish(message)
        self.wait_daemon_starts(starts)
        self.lapi.start()

    # -- what it did

    def commands(self):
        """Recorded command lines so far, without the root."""
        if not self.args_file.exists():
            return []
        text = self.args_file.read_text().strip().replace(str(self.root), "")
        return text.split("\n") if text else []

    def wait_commands(self, wanted, timeout=2.0):
        """Wait until exactly these command lines were recorded."""
        wait_until(lambda: self.commands() == list(wanted), timeout,
                   lambda: "commands\n  " + "\n  ".join(self.commands()) + "\ninstead of\n  "
                   + "\n  ".join(wanted))

    def daemon_starts(self):
        """How often the daemon was started."""
        return sum(line.startswith("/usr/bin/tailscaled ") for line in self.commands())

    def cli_calls(self, verb):
        """How often `tailscale VERB` was run."""
        return sum(line.startswith(f"{CLI}{verb} ") for line in self.commands())

    def wait_daemon_starts(self, number, timeout=10.0):
        """Wait for the daemon's start number `number`."""
        wait_until(lambda: self.daemon_starts() >= number, timeout,
                   lambda: f"{number} daemon starts, {self.daemon_starts()} so far")

    def wait_cli_calls(self, verb, number, timeout=5.0):
        """Wait for the call number `number` of `tailscale VERB`."""
        wait_until(lambda: self.cli_calls(verb) >= number, timeout,
                   lambda: f"{number} x tailscale {verb}, {self.cli_calls(verb)} so far")

    def published(self):
        """The Secret; the version that the daemon has reported counts as that of the build."""
        now = self.kube.get()
        if now.get("tailscale_capver") == str(self.lapi.bus.generation.capability):
            now["tailscale_capver"] = CAPVER
        return now

    def wait_secret(self, wanted, timeout=5.0):
        """Wait until the Secret holds exactly these keys."""
        wait_until(lambda: self.published() == wanted, timeout,
                   lambda: f"secret {self.kube.get()} instead of {wanted}")

    def wait_key(self, key, value, timeout=5.0):
        """Wait until one key of the Secret has that value; None means absent."""
        wait_until(lambda: self.published().get(key) == value, timeout,
                   lambda: f"{key}={self.kube.get().get(key)!r} instead of {value!r}")

    def http(self, path, method="GET", port=None, headers=None, timeout=5):
        """(status, headers, body) of one request to the program's local listener."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.local_port,
                                                timeout=timeout)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def wait_http(self, path, status, timeout=2.0, port=None):
        """Wait until GET path answers with that status."""
        last = []

        def look():
            with contextlib.suppress(OSError, http.client.HTTPException):
                last[:] = [self.http(path, port=port)]
                return last[0][0] == status
            return False
        wait_until(look, timeout, lambda: f"GET {path}: {last} instead of {status}")
        return last[0]

    # -- the end

    def evidence(self):
        """What a report of a failed test should show."""
        if self._evidence is not None:
            return self._evidence
        parts = [self.program.output() if self.program else "(never started)",
                 "-- commands", *self.commands(),
                 "-- LocalAPI", *[repr(r) for r in self.lapi.requests[-40:]]]
        if self._kube:
            parts += ["-- API", *[repr(r) for r in self._kube.requests[-40:]],
                      f"secret: {self._kube.secret}"]
        return "\n".join(parts)

    def finish(self):
        """End everything; returns what was wrong with the end."""
        problems = []
        if self.program:
            ended = self.program.end()
            problems += [] if REFERENCE else ended
            problems += self.program.sanitizer_reports()
            if self.check_orphans:
                # a child that bash has forked and that has yet to exec looks like the daemon
                with contextlib.suppress(WaitTimeout):
                    wait_until(lambda: not self.daemon_pids() and not self.cli_pids(), 1)
                problems += [f"left behind: {kind} {pids}" for kind, pids in
                             (("daemon", self.daemon_pids()), ("cli", self.cli_pids())) if pids]
        self._evidence = self.evidence()
        kill_all(self.root)
        for fake in filter(None, (self.lapi, self._kube)):
            problems += [f"fake: {e!r}" for e in fake.failures]
            fake.close()
        shutil.rmtree(self.root, ignore_errors=True)
        return problems
