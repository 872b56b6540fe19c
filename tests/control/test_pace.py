"""Pauses that a server asks for, and the pace of many calls."""

import email.utils
import time

import pytest

from fakes.tailscale_api import answers


def test_a_429_pauses_the_whole_tailnet(new_api, planes):
    one, other = new_api(), new_api()
    planes.add(one)
    planes.add(other, "b")
    one.fault("devices", answers.retry_after(7))
    refused = planes.call("list_devices")
    assert (refused["outcome"], refused["status"]) == ("Limited", 429)
    assert 7000 <= refused["retry_after_ms"] <= 10500
    for answer in (planes.new_key(), planes.call("probe"), planes.call("delete_device", device="n1")):
        assert answer["outcome"] == "Limited" and 5000 < answer["retry_after_ms"] <= 10500
    # Nothing was sent meanwhile, and the other tailnet goes on.
    assert one.calls.count("devices", "keys") == 1
    assert planes.new_key("b")["outcome"] == "OK"


@pytest.mark.parametrize("asked, least, most", [
    ("3600", 150000, 300000), ("-5", 500, 1000), ("nonsense", 500, 1000), (None, 500, 1000)])
def test_how_long_a_pause_is(api, planes, asked, least, most):
    planes.add(api)
    headers = [] if asked is None else [("Retry-After", asked)]
    api.fault("devices", answers.status(429, headers=headers))
    assert least <= planes.call("list_devices")["retry_after_ms"] <= most


def test_a_date(api, planes):
    planes.add(api)
    api.fault("devices", answers.retry_after(email.utils.formatdate(time.time() + 30, usegmt=True)))
    assert 28000 <= planes.call("list_devices")["retry_after_ms"] <= 45000


def test_it_goes_on_after_the_pause(api, planes):
    planes.add(api)
    api.fault("devices", answers.retry_after(1, 503))
    refused = planes.call("list_devices")
    assert refused["outcome"] == "Limited"
    until = time.monotonic() + refused["retry_after_ms"] / 1000
    answer = planes.call("list_devices")
    while answer["outcome"] == "Limited":
        answer = planes.call("list_devices")
    assert answer["outcome"] == "OK"
    assert time.monotonic() >= until - 0.1


def test_a_refused_token_pauses_too(api, planes):
    planes.add(api)
    api.fault("oauth", answers.retry_after(5))
    assert planes.call("list_devices")["outcome"] == "Limited"
    assert planes.call("list_devices")["outcome"] == "Limited"
    assert api.calls.count("oauth") == 1


def test_a_hundred_at_once_then_fifty_a_second(api, planes):
    planes.add(api)
    assert planes.call("probe")["outcome"] == "OK"
    tags = [planes.start("delete_device", device=f"n{i}") for i in range(200)]
    answered = [planes.answer(tag) for tag in tags]
    assert {answer["outcome"] for answer in answered} == {"OK"}
    began = sorted(call.when for call in api.calls.of("devices"))
    assert len(began) == 200
    # The 101 beyond the burst take two seconds; a loaded machine may be slower, never faster.
    assert began[-1] - began[0] >= 1.8
