"""Fixtures: a real API server, and kubectl on it."""

import subprocess
import sys

import pytest

import charts

sys.path.insert(0, str(charts.ROOT / "tests/real"))

from realbed import settings  # noqa: E402  the path comes first
from realbed.bed import Bed  # noqa: E402
from realbed.process import Process  # noqa: E402


@pytest.fixture(scope="session")
def bed():
    """The bed of the whole run."""
    Process.die_with_parent = True
    with Bed() as instance:
        yield instance


class Kubectl:
    """kubectl as an administrator of the bed's API server."""

    def __init__(self, bed, folder):
        self.hub = bed.network.hub
        self.configuration = folder / "kubeconfig"
        self.configuration.write_text(bed.cluster().kubeconfig())
        self._program = settings.partner("kubernetes") / "kubectl"

    def run(self, *arguments, text=None):
        """Its result: return code, output and errors; nothing is raised."""
        command = [*charts.inside(self.hub), self._program, f"--kubeconfig={self.configuration}",
                   "--request-timeout=20s", *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)

    def __call__(self, *arguments, text=None):
        """Its output; fails with its words."""
        done = self.run(*arguments, text=text)
        if done.returncode:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout


@pytest.fixture(scope="session")
def kubectl(bed, tmp_path_factory):
    return Kubectl(bed, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture
def namespace(kubectl, request):
    """A new namespace, without Pod Security."""
    name = f"t{len(_made)}-{request.node.originalname.replace('_', '-')}"[:50].strip("-")
    _made.append(name)
    kubectl("create", "namespace", name)
    return name


_made = []
