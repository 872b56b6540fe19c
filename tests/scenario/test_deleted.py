"""A device that is deleted at a control server that does not notify it: it stays Running."""

import json

import pytest
from fakes import notify, testroot
from fakes.httpserver import Reply
from fakes.waiting import stays_true, wait_until
from harness import STARTED
from test_reissue import config

pytestmark = pytest.mark.both_generations

OFTEN = {"TAILBOOT_REGISTRATION_INTERVAL": "300ms"}
REFUSED = "control: lite map update error after 1ms: initial fetch failed 404: node not found"
OTHER = notify.running(notify.node("otherID"))


def begin(world, env=None, url="https://headscale.example"):
    """A running node of a control server."""
    world.install("lively")
    world.lapi.prefs["ControlURL"] = url
    return world.start_running({"TS_AUTHKEY": "k", "TS_ENABLE_HEALTH_CHECK": "true",
                                "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}", **OFTEN, **(env or {})})


def tokens(world):
    return [body["PushDeviceToken"] for body in world.lapi.bodies("POST", "set-push-device-token")]


def test_noticed_and_registered_again(world):
    """Named, not ready, and logged in in place; another id is another registration."""
    program = begin(world)
    world.wait_http("/readyz", 200)
    world.lapi.update_line = REFUSED
    program.wait_log_part("condition DeviceDeleted: the control server does not know the node any more")
    body = world.wait_http("/readyz", 503)[2]
    assert json.loads(body)["reasons"][0]["code"] == "DeviceDeleted"
    world.wait_cli_calls("up", 3, 10)
    world.lapi.update_line = None
    world.lapi.bus.publish(OTHER)
    program.wait_log_part("condition DeviceDeleted cleared")
    world.wait_http("/readyz", 200)
    ups = world.cli_calls("up")
    stays_true(lambda: world.cli_calls("up") == ups, 1.0, "no more logins")


def test_known_node_is_left_alone(world):
    """It is asked again and again, each time by another token than the last."""
    program = begin(world)
    wait_until(lambda: len(tokens(world)) >= 4, 10, "four questions")
    assert tokens(world)[:4] == ["b", "a", "b", "a"]
    assert program.log_count("condition") == 0 and world.cli_calls("up") == 1


def test_no_answer_is_no_news(world):
    """Nothing in the log, and a daemon that does not know the call."""
    begin(world)
    world.lapi.update_line = "control: HostInfo: {}"
    world.lapi.answers["set-push-device-token"] = lambda _: Reply(404)
    world.lapi.wait_asked("POST", "set-push-device-token", 3, 10)
    world.lapi.answers["logtap"] = lambda _: Reply(404)
    world.lapi.wait_asked("GET", "logtap", 8, 10)
    assert world.program.log_count("condition") == 0


@pytest.mark.parametrize("env, url", [(None, "https://controlplane.tailscale.com"), (None, ""),
                                      ({"TAILBOOT_REGISTRATION_INTERVAL": "0"}, "https://headscale.example")])
def test_not_asked(world, env, url):
    """Tailscale's own server notifies the node, and users may not want the check."""
    begin(world, env, url)
    stays_true(lambda: not tokens(world), 1.5, "no question")


def test_daemon_waits_for_a_visit(world):
    """After a restart with the map on disk: the address is for a person, the key is at hand."""
    program = begin(world, {"TAILBOOT_REGISTRATION_INTERVAL": "1h"})
    asks = {"AuthURL": "https://headscale.example/register/x", "Self": {"Online": False}}
    world.lapi.answers["status"] = lambda _: Reply.of_json(asks)
    world.crash_daemon(2, notify.running())
    program.wait_log_part("condition BusLost cleared")
    world.lapi.bus.publish({"BrowseToURL": asks["AuthURL"]}, remember=False)
    program.wait_log_part("condition DeviceDeleted: the control server does not know the node any more: it asks")
    world.wait_cli_calls("up", 2, 10)


def test_address_for_something_else(world):
    """A node with an open map stream is shown addresses for other reasons."""
    program = begin(world, {"TAILBOOT_REGISTRATION_INTERVAL": "1h"})
    world.lapi.answers["status"] = lambda _: Reply.of_json({"AuthURL": "https://x", "Self": {"Online": True}})
    world.lapi.bus.publish({"BrowseToURL": "https://x"}, remember=False)
    world.lapi.wait_asked("GET", "status")
    stays_true(lambda: program.log_count("condition") == 0, 0.5, "nothing is wrong")


def test_one_step_mode(world):
    """The daemon logs in when it starts."""
    world.install("lively")
    world.lapi.prefs["ControlURL"] = "https://headscale.example"
    world.lapi.bus.publish(notify.running())
    program = world.start({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir(), **OFTEN})
    program.wait_log(STARTED)
    world.lapi.update_line = REFUSED
    world.wait_daemon_starts(2)
    world.lapi.update_line = None
    world.lapi.bus.publish(OTHER)
    program.wait_log_part("condition DeviceDeleted cleared")
    assert config(world).exists() and testroot.CONFIG_KEY not in program.output()
