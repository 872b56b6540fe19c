"""Fixtures of the whole-program tests."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402  (needs the path above)
from fakes.generation import GENERATIONS  # noqa: E402


def pytest_configure(config):
    """Refuse to run without a program: a missing prerequisite is a failure, never a skip."""
    config.addinivalue_line("markers", "both_generations: run beside either fake daemon")
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


def pytest_generate_tests(metafunc):
    """Tests marked `both_generations` run beside the fake daemon of either generation."""
    marks = [m.name for m in metafunc.definition.iter_markers()]
    chosen = any(m.args[0] == "generation" for m in
                 metafunc.definition.iter_markers("parametrize"))
    if "both_generations" in marks and "generation" in metafunc.fixturenames and not chosen:
        metafunc.parametrize("generation", sorted(GENERATIONS), scope="function")


@pytest.fixture
def generation():
    """Which generation of the daemon's bus is played."""
    return "1.102"


@pytest.fixture
def world(generation):
    """A fresh root with fakes; the program is started by the test."""
    made = harness.World(generation)
    try:
        yield made
    finally:
        problems = made.finish()
    assert not problems, "\n".join(problems)


@pytest.fixture
def local_port(world):
    """A free TCP port for the program's local listener."""
    return world.local_port
