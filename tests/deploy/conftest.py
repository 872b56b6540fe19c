"""Fixtures: the bed of tests/real, for what is started here."""

import sys

import pytest

import charts

sys.path.insert(0, str(charts.ROOT / "tests/real"))

from realbed.bed import Bed  # noqa: E402  the path comes first
from realbed.process import Process  # noqa: E402


@pytest.fixture(scope="session")
def bed():
    """The bed of the whole run."""
    Process.die_with_parent = True
    with Bed() as instance:
        yield instance
