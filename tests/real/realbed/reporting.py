"""Part of pytest for stories on real partners: SIGTERM, figures, the time of each story, and those that need a machine
of their own (`pytestmark = pytest.mark.alone`, or the mark on one story)."""

import signal

import pytest


def _interrupted(*_):
    raise KeyboardInterrupt("SIGTERM")


def pytest_addoption(parser):
    parser.addoption("--keep", action="store_true", help="leave the bed running when the run ends")


def pytest_configure(config):
    signal.signal(signal.SIGTERM, _interrupted)
    config.addinivalue_line("markers", "alone: bounds times that other work on the machine would lengthen")
    config.pluginmanager.register(_Closing())


@pytest.fixture
def figure(request):
    """figure(text) puts a measured figure into the closing summary."""
    # A property, since it reaches the summary from a worker of pytest-xdist, too.
    return lambda text: request.node.user_properties.append(("figure", f"{request.node.name}: {text}"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.story_failed = report.failed


class _Closing:
    """The closing summary, from the reports of all stories."""

    def __init__(self):
        self._times, self._figures = {}, {}

    def pytest_runtest_logreport(self, report):
        self._times[report.nodeid] = self._times.get(report.nodeid, 0.0) + report.duration
        self._figures[report.nodeid] = [text for name, text in report.user_properties if name == "figure"]

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("time per story")
        for name, seconds in self._times.items():
            terminalreporter.write_line(f"{seconds:7.1f} s  {name[name.find('test_'):]}")
        lines = [line for figures in self._figures.values() for line in figures]
        if lines:
            terminalreporter.section("figures")
            for line in lines:
                terminalreporter.write_line(line)
