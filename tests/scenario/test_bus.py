"""The bus is lost, stalls, falls behind or talks nonsense: subscribe again, and no more."""

import pytest
from fakes import notify
from fakes.bus import encode
from fakes.generation import BIT_SUSPEND
from fakes.httpserver import Drop, Reply
from fakes.waiting import stays_true, wait_until

pytestmark = pytest.mark.both_generations

NEW_NAME = notify.running(notify.node(name="renamed.test.ts.net."))


def running(world):
    """A running node in a pod; returns the number of subscriptions so far."""
    world.install("lively")
    world.start_running(world.kube_env())
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    world.lapi.bus.wait_watchers(1)
    return world.lapi.bus.opened()


def still_listens(world):
    """The program hears of a rename, and the daemon was never touched."""
    world.lapi.bus.publish(NEW_NAME)
    world.wait_key("device_fqdn", "renamed.test.ts.net.")
    assert world.program.alive()
    assert world.daemon_starts() == 1
    assert world.cli_calls("up") == 1


LOSSES = {
    "cut": lambda bus: bus.cut(),
    "end": lambda bus: bus.end(),
    "fell_behind": lambda bus: bus.fall_behind(),
    "stall": lambda bus: bus.stall(notify.running()),
    "stall_in_a_string": lambda bus: bus.publish_raw(b'{"State":6,"Version":"half'),
    "cut_in_a_message": lambda bus: (bus.stall(notify.running()), bus.cut()),
    "garbage": lambda bus: bus.publish_raw(b"<html>\r\n\0\xff\xfe not JSON at all\n"),
    "wrong_closing": lambda bus: bus.publish_raw(b'{"State":6]}\n'),
    "nested_deeply": lambda bus: bus.publish_raw(b'{"Version":' + b"[" * 100000 + b"\n"),
    "bare_value": lambda bus: bus.publish_raw(b'"text"\n'),
}


@pytest.mark.parametrize("name", LOSSES)
def test_subscribes_again(world, name):
    """Whatever happens to the subscription, a new one follows."""
    before = running(world)
    LOSSES[name](world.lapi.bus)
    if name not in ("bare_value",):
        world.lapi.bus.wait_opened(before + 1, 8)
        world.lapi.bus.wait_watchers(1)
    still_listens(world)


def test_subscription_refused_for_a_while(world):
    """The daemon refuses some times; the retries go on."""
    before = running(world)
    world.lapi.bus.refusals = [500, 403, 503]
    world.lapi.bus.cut()
    world.lapi.bus.wait_opened(before + 4, 10)
    world.lapi.bus.wait_watchers(1)
    still_listens(world)


def test_subscription_refused_at_boot(world):
    """At boot the retries go on too."""
    world.lapi.bus.refusals = [500, 503]
    world.start_running()
    assert world.daemon_starts() == 1


@pytest.mark.parametrize("how", ["refused", "closed", "hangs"])
def test_no_subscription_until_the_deadline(world, how):
    """A daemon that never reports anything ends boot at the deadline."""
    def hang(request):
        while not request.connection.peer_gone():
            request.connection.closed.wait(0.05)
    world.install("lively")
    if how == "refused":
        world.lapi.bus.refusals = [500] * 10000
    elif how == "closed":
        world.lapi.answers["watch-ipn-bus"] = lambda r: (_ for _ in ()).throw(Drop())
    else:
        world.lapi.answers["watch-ipn-bus"] = hang
    program = world.start({"TS_BOOT_TIMEOUT": "1s", "TS_AUTH_ONCE": "true"})
    assert program.wait_exit() == 1
    assert "deadline exceeded" in program.output()
    assert world.daemon_pids() == []


def test_state_changes_during_the_loss_are_seen(world):
    """Changes without a subscriber are in the first message."""
    running(world)
    world.lapi.bus.set_unheard(NEW_NAME)
    world.lapi.bus.cut()
    world.wait_key("device_fqdn", "renamed.test.ts.net.")


def test_silence_is_no_stall(world):
    """No message for a long time means nothing."""
    before = running(world)
    stays_true(lambda: world.lapi.bus.opened() == before, 1.5, "one subscription")


def test_lost_over_and_over(world):
    """Many losses in a row are survived, and the retries do not run hot."""
    before = running(world)
    for number in range(1, 6):
        world.lapi.bus.wait_watchers(1)
        world.lapi.bus.cut()
        world.lapi.bus.wait_opened(before + number)
    world.lapi.bus.wait_watchers(1)
    assert world.lapi.bus.opened() <= before + 6
    still_listens(world)


def test_one_byte_at_a_time(world):
    """A message may arrive in any pieces."""
    running(world)
    for byte in encode(NEW_NAME):
        world.lapi.bus.publish_raw(bytes([byte]))
    world.wait_key("device_fqdn", "renamed.test.ts.net.")


def test_messages_glued_together(world):
    """Several messages may arrive as one piece."""
    running(world)
    other = notify.running(notify.node(name="between.test.ts.net."))
    world.lapi.bus.publish_raw(encode(other) + encode(other) + encode(NEW_NAME))
    world.wait_key("device_fqdn", "renamed.test.ts.net.")


def test_null_members(world):
    """Any member may be null."""
    running(world)
    nulls = dict.fromkeys(["State", "ErrMessage", "SelfChange", "PeersChanged", "PeersRemoved",
                           "PeerChangedPatch", "Health", "InitialStatus", "Prefs", "NetMap"])
    world.lapi.bus.publish(nulls, remember=False)
    world.lapi.bus.publish({"InitialStatus": dict.fromkeys(["BackendState", "CertDomains",
                            "ExtraRecords", "Self", "Peer"])}, remember=False)
    world.lapi.bus.publish({"Health": {"Warnings": None}}, remember=False)
    world.lapi.bus.publish({"SelfChange": dict.fromkeys(["ID", "StableID", "Name", "Addresses"])},
                           remember=False)
    still_listens(world)


def test_unknown_and_hostile_members(world):
    """Unknown members of any shape are skipped."""
    running(world)
    deep = b'{"X":' + b"[" * 500 + b"]" * 500 + b',"Y":"\\u0000\\ud800\\"","State":6}\n'
    world.lapi.bus.publish_raw(deep)
    world.lapi.bus.publish_raw(b'{"Notes":"\xff\xfe\x80","Big":' + b"9" * 5000 + b"}\n")
    world.lapi.bus.publish_raw(b'{"State":6,"State":6,"SelfChange":null,"Dup":1,"Dup":2}\n')
    still_listens(world)


def test_huge_messages(world):
    """Messages with 40,000 peers are read as a stream, and the bus stays drained."""
    running(world)
    peers = [notify.node(f"n{i}", f"peer-{i}.test.ts.net.", [f"100.{64 + i // 65536}."
             f"{i // 256 % 256}.{i % 256}/32"], i + 1) for i in range(1, 40001)]
    huge = encode({"State": 6, "PeersChanged": peers, "PeersRemoved": list(range(1, 40001))})
    for _ in range(3):
        world.lapi.bus.publish_raw(huge)
    world.lapi.bus.publish(NEW_NAME)
    world.wait_key("device_fqdn", "renamed.test.ts.net.", 30)
    assert world.daemon_starts() == 1


def test_many_changes_are_drained(world):
    """Thousands of peer changes leave nothing in the queue and cause no request."""
    def other_calls():
        # the daemon is asked now and then whether it answers
        return len(world.lapi.requests) - world.lapi.count("GET", "prefs")

    running(world)
    calls, requests = other_calls(), world.kube.count()
    for number in range(2000):
        world.lapi.bus.publish({"PeersChanged": [notify.node(f"n{number}", f"p{number}.ts.net.",
                                                             number=number + 1)]}, remember=False)
    watcher = world.lapi.bus.watchers[0]
    wait_until(lambda: watcher.sent >= 2000, 10, "all written")
    assert other_calls() - calls <= 2, "no request for peer changes"
    assert world.kube.count() == requests
    still_listens(world)


def test_dns_config_present(world):
    """An answering dns-config endpoint is fine too."""
    world.lapi.dns_config = {"CertDomains": ["a.test.ts.net"], "ExtraRecords": None}
    running(world)
    still_listens(world)


def test_self_without_addresses(world):
    """A node that loses its addresses is unhealthy, and healthy again later."""
    world.start_running({"TS_ENABLE_HEALTH_CHECK": "true",
                         "TS_LOCAL_ADDR_PORT": f"[::]:{world.local_port}"})
    world.wait_http("/healthz", 200)
    world.program.wait_log("Setting healthy true")
    world.lapi.bus.publish(notify.running(notify.node(addresses=())))
    world.wait_http("/healthz", 503)
    world.program.wait_log("Setting healthy false")
    world.lapi.bus.publish(notify.running())
    world.wait_http("/healthz", 200)


def test_state_only_in_the_status(world):
    """The state may come only from the status of the first message."""
    message = notify.running()
    del message["State"], message["SelfChange"]
    world.lapi.bus.publish(message)
    world.start({})
    world.program.wait_log("Startup complete, waiting for shutdown signal")


@pytest.mark.parametrize("generation", ["1.104"])
def test_suspended_and_resumed(world):
    """A daemon that can is asked to suspend a slow reader, and is resumed: no loss, no new stream,
    and nothing of what happened meanwhile is missed."""
    before = running(world)
    bus = world.lapi.bus
    bus.cut()
    bus.wait_opened(before + 1)
    bus.wait_watchers(1)
    assert bus.masks[-1] & BIT_SUSPEND
    for number in range(3):
        name = f"renamed-{number}.test.ts.net."
        bus.fall_behind()
        bus.set_unheard(notify.running(notify.node(name=name)))
        world.wait_key("device_fqdn", name)
        wait_until(lambda: len(bus.resumed) == number + 1, 5, "resumed")
    still_listens(world)
    assert bus.opened() == before + 1
    assert not world.program.log_count("consumer fell behind")


@pytest.mark.parametrize("generation", ["1.104"])
def test_suspended_session_that_is_gone(world):
    """Then there is a new subscription."""
    before = running(world)
    bus = world.lapi.bus
    bus.cut()
    bus.wait_watchers(1)
    bus.wait_opened(before + 1)
    world.lapi.answers["resume-ipn-bus"] = lambda r: Reply(404, "no IPN bus watch session\n")
    bus.fall_behind()
    bus.wait_opened(before + 2)
    still_listens(world)


def test_subscription_masks(world):
    """No full network maps are asked for, and no forbidden bits are combined."""
    running(world)
    for mask in world.lapi.bus.masks:
        assert mask & 8192, "NoNetMap"
        assert not mask & 256, "RateLimit: with bits 12-15, and since 1.104 at all"
        assert not mask & 8, "NetMap"
        assert mask & 4096 or mask & 32768, "no peers in the status without"
        assert not mask & 65536
