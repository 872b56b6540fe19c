"""Fixtures of the stories, and the log tails of a failed one."""

import pytest

from realbed import kube_drive
from realbed.bed import Bed
from realbed.process import Process


pytest_plugins = ["realbed.reporting"]


@pytest.fixture(scope="session")
def bed(request):
    """The bed of the whole run."""
    keep = request.config.getoption("--keep")
    Process.die_with_parent = not keep
    instance = Bed()
    yield instance
    if keep:
        print(f"\nkept: {instance.folder}; end it with: tests/real/demo --end {instance.folder}")
    else:
        instance.close()


@pytest.fixture(scope="session")
def cluster(bed):
    """The API server of the whole run."""
    return bed.cluster()


@pytest.fixture(scope="session")
def drive_program():
    """The client library of the API server as a program."""
    return kube_drive.build()


@pytest.fixture(scope="session")
def drive_account(bed, cluster):
    return cluster.add_admin("driver", bed.folder / "driver")


@pytest.fixture
def drive(bed, drive_program, drive_account):
    """A running client of the API server that may do everything."""
    client = kube_drive.KubeDrive(drive_program, drive_account, bed.network.hub)
    yield client
    assert client.close() == 0


@pytest.fixture
def headscale(bed):
    return bed.headscale


@pytest.fixture
def new_pod(bed, request):
    """Makes pods that end with the story: new_pod(label, **options of Pod)."""
    made = []

    def make(label="node", **options):
        made.append(bed.pod(label, **options))
        return made[-1]

    yield make
    for pod in made:
        if pod.process and getattr(request.node, "story_failed", False):
            print(f"--- {pod.name}: {pod.process.log_path}\n{pod.process.tail(60)}")
        bed.release(pod)


@pytest.fixture
def new_proxy(bed, new_pod):
    """Makes pods that carry traffic: kernel mode, both families, logged in by a key of their own."""

    def make(label="proxy", environment=None, **options):
        _, key = bed.headscale.new_key()
        return new_pod(label, userspace=False, dual=True, environment={"TS_AUTHKEY": key, **(environment or {})},
                       **options)

    return make


@pytest.fixture
def new_peer(bed):
    """Makes peers that end with the story: new_peer(name, **options of Peer)."""
    made = []

    def make(name=None, **options):
        made.append(bed.new_peer(name, **options))
        return made[-1]

    yield make
    for peer in made:
        peer.close()
