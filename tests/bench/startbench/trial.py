"""One run of one program against fresh fakes: from exec to exit."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from fakes import testroot
from fakes.kubeapi import FakeKube
from fakes.localapi import FakeLocalApi
from fakes.waiting import wait_until

from . import messages, reading

STARTED = b"Startup complete, waiting for shutdown signal"
NEW_NAME = "renamed-node.bench-tailnet.ts.net."


class Broken(Exception):
    """The program did not do what is measured."""


class Output:
    """Reads a pipe to its end and notes when a text was first seen."""

    def __init__(self, stream):
        self.text = b""
        self.started_at = None
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            data = os.read(self._stream.fileno(), 65536)
            now = time.monotonic()
            if not data:
                return
            self.text += data
            if self.started_at is None and STARTED in self.text:
                self.started_at = now

    def tail(self):
        """The last lines, for a report."""
        return self.text.decode(errors="replace")[-2000:]


class Trial:
    """The fakes and the environment of a pod: state in a Secret, health checks, one way of login.

    No POD_NAME and POD_UID: with them the reference first asks the cluster's default address for
    its permission to write Events, which no test may do.
    """

    def __init__(self, program, first_message, login):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="tb-bench-"))
        testroot.build(self.root, daemon="lively")
        self.lapi = FakeLocalApi(self.root / "tmp/tailscaled.sock.fake")
        self.lapi.bus.first_messages = lambda mask: [first_message]
        self.lapi.dns_config = {"CertDomains": None, "ExtraRecords": None}
        self.kube = FakeKube()
        self.kube.write_account(self.root)
        self.program = program
        self.login = login
        self.process = None
        self.output = None

    def environment(self):
        """The exact environment of the program."""
        logins = {"key": {"TS_AUTHKEY": "tskey-auth-bench"},
                  "config": {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": f"{self.root}/etc/tailscaled"}}
        return {
            "PATH": f"{self.root}/usr/bin:{os.environ['PATH']}",
            "TS_TEST_RECORD_ARGS": f"{self.root}/args",
            "TS_TEST_SOCKET": self.lapi.path,
            "TS_TEST_ONLY_ROOT": str(self.root),
            "TS_SOCKET": f"{self.root}/tmp/tailscaled.sock",
            "KUBERNETES_SERVICE_HOST": self.kube.host,
            "KUBERNETES_SERVICE_PORT_HTTPS": str(self.kube.port),
            "TS_KUBE_SECRET": self.kube.name,
            "TS_ENABLE_HEALTH_CHECK": "true", "TS_LOCAL_ADDR_PORT": "127.0.0.1:0",
            "TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT": "false",
            # the intervals of production, although there is a test root
            "TAILBOOT_TEST_FAST": "false",
            **logins[self.login],
        }

    def start(self):
        """exec until `Startup complete`; returns seconds."""
        began = time.monotonic()
        self.process = subprocess.Popen([self.program], env=self.environment(),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.output = Output(self.process.stdout)
        self._await(lambda: self.output.started_at, 60, "Startup complete")
        return self.output.started_at - began

    def change(self, prepared):
        """Send the prepared changes and wait until the last one was published."""
        for message in prepared:
            self.lapi.bus.publish(message, remember=False)
        self.lapi.bus.publish(messages.renamed(NEW_NAME), remember=False)
        self._await(lambda: self.kube.get().get("device_fqdn") == NEW_NAME, 120,
                    "the last change published")

    def stop(self):
        """SIGTERM until the end; returns seconds."""
        watched = select.poll()
        pidfd = os.pidfd_open(self.process.pid)
        watched.register(pidfd, select.POLLIN)
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        ended = watched.poll(60_000)
        took = time.monotonic() - began
        os.close(pidfd)
        if not ended:
            raise Broken("SIGTERM was not obeyed within 60 s")
        status = self.process.wait(5)
        if status != 0:
            raise Broken(f"exit status {status} after SIGTERM\n{self.output.tail()}")
        return took

    def _await(self, condition, seconds, what):
        def look():
            if self.process.poll() is not None:
                raise Broken(f"ended with {self.process.returncode} before: {what}\n"
                             + self.output.tail())
            return condition()
        try:
            wait_until(look, seconds, what, interval=0.002)
        except AssertionError as e:
            raise Broken(f"{e}\n{self.output.tail()}") from None

    def close(self):
        """End what still runs and remove the root."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        _end_children(self.root)
        self.lapi.close()
        self.kube.close()
        shutil.rmtree(self.root, ignore_errors=True)


def _end_children(root):
    """Kill, by pid, fake daemons that a program left behind."""
    mark = f"TS_TEST_RECORD_ARGS={root}/args".encode() + b"\0"
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/environ", "rb") as f:
                if mark in f.read():
                    os.kill(int(name), signal.SIGKILL)


def run(program, first_message, prepared, login):
    """All measurements of one run; memory in bytes, times in seconds."""
    trial = Trial(program, first_message, login)
    try:
        result = {"start": trial.start()}
        pid = trial.process.pid
        result["api_requests"] = trial.kube.count()
        result["subscriptions"] = trial.lapi.bus.opened()
        result["cpu_start"] = reading.cpu_seconds(pid)
        result["memory"] = reading.settled_memory(pid)
        result["threads"] = reading.threads(pid)
        trial.change(prepared)
        result["cpu"] = reading.cpu_seconds(pid)
        result["memory_after_changes"] = reading.settled_memory(pid)
        result["stop"] = trial.stop()
        refused = [repr(e) for e in (*trial.kube.failures, *trial.lapi.failures)]
        if refused:
            raise Broken("the fakes refused something: " + "; ".join(refused))
        return result
    finally:
        trial.close()
