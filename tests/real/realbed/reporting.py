"""Part of pytest for stories on real partners: SIGTERM, figures, and the time of each story."""

import signal

import pytest

_FIGURES = pytest.StashKey()
_TIMES = pytest.StashKey()


def _interrupted(*_):
    raise KeyboardInterrupt("SIGTERM")


def pytest_addoption(parser):
    parser.addoption("--keep", action="store_true", help="leave the bed running when the run ends")


def pytest_configure():
    signal.signal(signal.SIGTERM, _interrupted)


@pytest.fixture
def figure(request):
    """figure(text) puts a measured figure into the closing summary."""
    return lambda text: request.config.stash.setdefault(_FIGURES, []).append(f"{request.node.name}: {text}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.story_failed = report.failed
    times = item.config.stash.setdefault(_TIMES, {})
    times[item.nodeid] = times.get(item.nodeid, 0.0) + report.duration


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section("time per story")
    for name, seconds in config.stash.get(_TIMES, {}).items():
        terminalreporter.write_line(f"{seconds:7.1f} s  {name.split('/')[-1]}")
    figures = config.stash.get(_FIGURES, [])
    if figures:
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)
