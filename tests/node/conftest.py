"""Fixtures of the stories: one node for the whole run, and a Kubernetes namespace for each story."""

import itertools
import re

import pytest

from nodebed.bed import NodeBed
from nodebed.controller import Controller
from nodebed.space import Space
from realbed.process import Process
from upstream.install import Upstream

pytest_plugins = ["realbed.reporting"]


@pytest.fixture(scope="session")
def node(request):
    """The cluster of the whole run."""
    keep = request.config.getoption("--keep")
    Process.die_with_parent = not keep
    instance = NodeBed(nodes=2)
    yield instance
    if keep:
        print(f"\nkept: KUBECONFIG={instance.kubeconfig}; end it with: TAILBOOT_CLUSTER={instance.folder} make cluster-down")
    else:
        instance.close()


@pytest.fixture(scope="session")
def upstream(node):
    """The upstream operator of the whole run."""
    instance = Upstream(node)
    yield instance
    instance.close()


@pytest.fixture(scope="session")
def control(node):
    """The companion controller of the whole run."""
    instance = Controller(node)
    yield instance
    instance.close()


@pytest.fixture
def new_space(node, request):
    """Makes Kubernetes namespaces that end with the story: new_space(label)."""
    made = []

    def make(label):
        made.append(Space(node, label))
        return made[-1]

    yield make
    for space in made:
        if getattr(request.node, "story_failed", False):
            print(space.explain())
        space.close()


@pytest.fixture
def space(new_space, request):
    """The namespace of one story, called after it."""
    label = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    if hasattr(request.node, "callspec"):
        # Cases of one story would have the same name when it is cut.
        label = f"{label[:34].strip('-')}-{next(_numbers)}"
    return new_space(label[:40].strip("-"))


_numbers = itertools.count(1)
