"""Fixtures of the whole-program tests."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402  (needs the path above)


def pytest_configure(config):
    """Refuse to run without a program: a missing prerequisite is a failure, never a skip."""
    if config.option.collectonly:
        return
    program = harness.program_path()
    if not os.access(program, os.X_OK):
        raise pytest.UsageError(f"no program to test at {program}: build it, or set "
                                "TAILBOOT_PROGRAM")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Attach the program's output to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    world = getattr(item, "funcargs", {}).get("world")
    if world is not None and report.failed:
        report.sections.append(("program output", world.evidence()))


@pytest.fixture
def world():
    """A fresh root with fakes; the program is started by the test."""
    made = harness.World()
    try:
        yield made
    finally:
        problems = made.finish()
    assert not problems, "\n".join(problems)


@pytest.fixture
def local_port(world):
    """A free TCP port for the program's local listener."""
    return world.local_port
