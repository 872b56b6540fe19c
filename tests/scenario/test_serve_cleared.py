"""A serve config that somebody clears in the daemon."""

import pytest
from fakes.httpserver import Reply
from fakes.waiting import stays_true, wait_until
from test_serve import PLAIN, applied, start, wait_applied

pytestmark = pytest.mark.both_generations


def test_cleared_by_hand(world):
    """`tailscale serve reset` is undone: the content of the file is restored, and logged once."""
    lapi = world.lapi
    lapi.stateful_serve = True
    start(world, PLAIN, TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT="false")
    for posts in range(1, 3):
        wait_applied(world, [PLAIN] * posts)
        seen = lapi.count("GET", "serve-config")
        lapi.wait_asked("GET", "serve-config", seen + 2)
        lapi.serve_config = {}
    wait_applied(world, [PLAIN] * 3)
    assert world.program.log_count("somebody has cleared what tailscaled serves") == 1
    assert world.program.log_count("serve proxy: applying serve config") == 1
    # additions made by hand are left alone
    lapi.serve_config = {"TCP": dict(PLAIN["TCP"], **{"8080": {"HTTP": True}})}
    stays_true(lambda: len(applied(world)) == 3, 0.7, "left alone")


def test_cleared_by_hand_before_the_first_look(world):
    """Right after the daemon has accepted it: restored as well."""
    lapi = world.lapi
    lapi.stateful_serve = True

    def accept_and_lose(request):
        if request.method == "GET":
            return Reply.of_json({}, headers=[("Etag", "none")])
        if request.json() == PLAIN:
            del lapi.answers["serve-config"]
        return Reply(200)
    lapi.answers["serve-config"] = accept_and_lose
    start(world, PLAIN, TS_EXPERIMENTAL_SERVICE_AUTO_ADVERTISEMENT="false")
    wait_applied(world, [PLAIN] * 2)
    wait_until(lambda: lapi.serve_config == PLAIN, 5, "served")
    assert world.program.log_count("somebody has cleared what tailscaled serves") == 1
