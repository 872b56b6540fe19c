"""Fixtures: fakes of all dialects, and the driven client."""

import os
import pathlib

import pytest

from fakes.tailscale_api import FakeTailscaleApi

from .planes import API_KEY, CLIENT, SECRET, Planes


@pytest.fixture
def new_api():
    """Makes fakes that know the usual credentials: new_api(dialect, **options of FakeTailscaleApi)."""
    made = []

    def make(dialect="tailscale", **options):
        api = FakeTailscaleApi(dialect=dialect, **options)
        api.access.add_client(CLIENT, SECRET)
        api.access.add_token(API_KEY)
        made.append(api)
        return api

    yield make
    for api in made:
        api.close()
        assert not api.failures


@pytest.fixture
def api(new_api):
    """Tailscale's."""
    return new_api()


@pytest.fixture
def new_planes():
    """Starts clients; they must have ended well, sanitizers included, and shown no secret."""
    made = []

    def make():
        made.append(Planes(pathlib.Path(os.environ["CONTROL_DRIVE"])))
        return made[-1]

    yield make
    for client in made:
        assert client.close() == 0
        shown = [event for event in client.events for text in (SECRET, API_KEY) if text in repr(event)]
        assert not shown


@pytest.fixture
def planes(new_planes):
    """One client."""
    return new_planes()
