"""`make cluster` and `make cluster-down`: up once, found again, and nothing left of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nodebed import cgroups, images, layout, objects
from realbed import settings, wait


@pytest.fixture
def folder(tmp_path_factory):
    """A place for a cluster that is not the one a person may have."""
    path = Path(f"/var/tmp/tailboot-cluster.{os.getpid()}")
    yield path
    _command(path, "--down")
    Path(f"{path}.lock").unlink()


def _command(folder, *arguments, deadline=120):
    return subprocess.run([sys.executable, "-m", "nodebed.main", *arguments], cwd=layout.NODE, capture_output=True,
                          text=True, timeout=deadline,
                          env={**os.environ, "TAILBOOT_CLUSTER": str(folder), "PYTHONPATH": str(settings.REAL)})


def _kubectl(folder, *arguments, stdin=None):
    return subprocess.run([layout.kubernetes("kubectl"), f"--kubeconfig={folder}/kubeconfig", *arguments], input=stdin,
                          capture_output=True, text=True, timeout=60, check=True).stdout


def _processes_with(text):
    """Pids of which the command line or a mounted file system has it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                said = (entry / "cmdline").read_text() + (entry / "mountinfo").read_text()
            except OSError:
                continue
            if text in said:
                found.append(entry.name)
    return found


def test_up_found_again_and_gone(folder, figure):
    done = _command(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    figure("; ".join(re.findall(r"cluster: up after.*|[\d.]+ s  .*", done.stdout)))
    assert f"KUBECONFIG={folder}/kubeconfig" in done.stdout
    spec = objects.pod_spec([objects.web("here")], volumes=())
    spec["volumes"] = []
    _kubectl(folder, "apply", "-f", "-", stdin=json.dumps(objects.pod("web", spec)))
    wait.wait_for(lambda: "True" in _kubectl(folder, "get", "pod", "web", "-o",
                                             'jsonpath={.status.conditions[?(@.type=="Ready")].status}'), 30, "the pod runs")
    again = _command(folder)
    assert again.returncode == 0 and "it runs already" in again.stdout and str(folder) in again.stdout
    more = _command(folder, "--nodes", "2")
    assert more.returncode == 1 and "it runs already, with 1 node(s)" in more.stdout
    prefix = (folder / "network").read_text()
    containers = cgroups.containers_of(folder / "node1")
    assert cgroups.left(containers), "there are no control groups to remove"
    down = _command(folder, "--down")
    assert down.returncode == 0, down.stdout + down.stderr
    figure(down.stdout.strip().splitlines()[-1])
    logs = Path(re.search(r"logs are kept in (\S+)", down.stdout).group(1))
    assert (logs / "node1" / "kubelet.log").stat().st_size > 0
    assert not _processes_with(str(folder)), "processes or mounts are left"
    assert not [name for name in os.listdir("/run/netns") if name.startswith(prefix)], "namespaces are left"
    assert not cgroups.left(containers), "control groups are left"
    assert not folder.exists()
    assert "there is none" in _command(folder, "--down").stdout


def test_says_why_it_cannot_run(folder):
    """Without the programs, or without root, each lack has a line."""
    lacking = subprocess.run([sys.executable, "-m", "nodebed.main"], cwd=layout.NODE, capture_output=True, text=True,
                             timeout=60, env={"TAILBOOT_CLUSTER": str(folder), "PYTHONPATH": str(settings.REAL),
                                              "PATH": "/nowhere"})
    assert lacking.returncode == 1
    assert "containerd is missing: install the package containerd" in lacking.stderr
    assert "runc is missing" in lacking.stderr and not folder.exists()


def test_image_of_another_architecture_is_not_loaded(node, tmp_path, monkeypatch):
    """Not a pod that never starts, but a refusal where the image would be loaded."""
    foreign, name = next(one for one in ("amd64", "arm64") if one != layout.ARCHITECTURE), "localhost/tailboot-foreign:1"
    monkeypatch.setattr(layout, "ARCHITECTURE", foreign)
    archive = images.write(tmp_path / "foreign.tar", name, {}, ["/program"])
    with pytest.raises(OSError, match=f"is an image for {foreign}"):
        node.load_image(archive)
    assert name not in node.node(1).ctr("images", "list", "--quiet")
