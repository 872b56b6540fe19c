"""Ends a bed that was kept: by the pid files and the network prefix in its folder, nothing else."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from . import process, wait

_NETWORK_FILE = "network"


def remember_network(folder, prefix):
    """Notes the prefix of the run's namespaces, for end()."""
    (folder / _NETWORK_FILE).write_text(prefix)


def _living(folder):
    """Processes of the pid files that are still the ones that were noted."""
    for file in folder.rglob("*.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid, started = file.read_text().split()
            if process.start_time(int(pid)) == started:
                yield int(pid)


def _signal(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(folder):
    """SIGKILL to what was started below a folder and has nothing to lose."""
    _signal(_living(folder), signal.SIGKILL)


def end(folder):
    """SIGTERM to all, pods first and to the supervisor inside; SIGKILL to what remains; then the rest."""
    folder = Path(folder).resolve()
    network = (folder / _NETWORK_FILE).read_text()
    pods = list(_living(folder / "pods"))
    inside = [child for pid in pods for child in process.children_of(pid)]
    _signal(inside, signal.SIGTERM)
    with contextlib.suppress(wait.Timeout):
        wait.wait_for(lambda: not list(_living(folder / "pods")), 30, "the pods end")
    _signal(_living(folder), signal.SIGTERM)
    with contextlib.suppress(wait.Timeout):
        wait.wait_for(lambda: not list(_living(folder)), 5, "the partners end")
    _signal(_living(folder), signal.SIGKILL)
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        if line.startswith(f"{network}-"):
            subprocess.run(["ip", "netns", "delete", line.split()[0]], check=True)
    shutil.rmtree(folder)
