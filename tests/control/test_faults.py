"""What may befall a request, and what is repeated."""

import os

import pytest

from fakes import faults
from fakes.tailscale_api import answers

#: faults that leave no answer, or none that can be understood
_LOST = {
    "closed": faults.close(), "cut": faults.cut(20), "half": faults.cut(), "html": faults.html(200),
    "html 502": faults.html(502), "500": answers.status(500), "broken": faults.not_json(),
    "another type": faults.raw(b'{"devices": 7, "id": 7, "key": []}'), "list": faults.raw(b"[]"),
    "text": faults.raw(b"fine"), "404 of something else": faults.html(404), "10 MiB": answers.oversized(),
}


@pytest.fixture
def plane(api, planes):
    """A client that has its token."""
    assert planes.add(api) == ""
    assert planes.call("probe")["outcome"] == "OK"
    return planes


@pytest.mark.parametrize("name", _LOST)
def test_reading_and_deleting_are_repeated(api, plane, name):
    api.tailnet.add_device("one")
    api.fault("devices", _LOST[name], times=2)
    listed = plane.call("list_devices")
    assert (listed["outcome"], listed["count"]) == ("OK", 1), listed
    # Our tries are counted: on a connection that was kept and is closed, libcurl repeats them once more by itself.
    before = len(plane.traced("list_devices"))
    api.fault("devices", _LOST[name], times=None)
    lost = plane.call("list_devices")
    assert lost["outcome"] == "Unavailable" and lost["error"].startswith('tailnet "a": list devices: '), lost
    assert len(plane.traced("list_devices")) - before == 3
    if name in ("another type", "10 MiB"):  # the body of a deletion's answer only has to be JSON
        return
    assert plane.call("delete_device", device="n1")["outcome"] == "Unavailable"
    assert len(plane.traced("delete_device")) == 3


@pytest.mark.parametrize("name", _LOST)
def test_a_key_is_never_made_twice(api, plane, name):
    api.fault("keys.create", _LOST[name])
    lost = plane.new_key()
    assert lost["outcome"] == "Unavailable", lost
    assert api.calls.count("keys.create") == 1
    assert plane.new_key()["outcome"] == "OK"
    # One is lost where the answer was cut after the request had taken effect.
    assert len(api.tailnet.keys()) == (2 if name in ("cut", "half") else 1)


def test_a_lost_answer_on_a_kept_connection(api, plane):
    """libcurl would send the request once more by itself."""
    for _ in range(3):
        assert plane.call("list_devices")["outcome"] == "OK"
        api.fault("keys.create", faults.lost_answer())
        lost = plane.new_key()
        assert lost["outcome"] == "Unavailable", lost
    assert api.calls.count("keys.create") == 3
    assert len(api.tailnet.keys()) == 3


def test_lost_deletions_are_repeated(api, plane):
    device = api.tailnet.add_device("one")
    api.fault("devices.delete", faults.lost_answer(), times=2)
    assert plane.call("delete_device", device=device["nodeId"])["outcome"] == "OK"
    assert api.tailnet.devices() == []


@pytest.mark.parametrize("code", [408, 409, 412, 425, 500, 502, 503, 504])
def test_statuses_that_are_repeated(api, plane, code):
    api.fault("devices", answers.status(code), times=2)
    assert plane.call("list_devices")["outcome"] == "OK"
    assert plane.traced("list_devices") == [code, code, 200]


@pytest.mark.parametrize("code, outcome", [
    (400, "Invalid"), (403, "Forbidden"), (404, "NotFound"), (405, "Unsupported"), (413, "Invalid"),
    (422, "Invalid"), (501, "Unsupported")])
def test_statuses_that_are_not(api, plane, code, outcome):
    api.fault("devices", answers.status(code, "the reason"), times=None)
    refused = plane.call("list_devices")
    assert (refused["outcome"], refused["status"]) == (outcome, code)
    assert f"{code}: the reason" in refused["error"]
    assert plane.traced("list_devices") == [code]


def test_a_redirect_is_not_followed(new_api, api, plane):
    elsewhere = new_api()
    api.fault("devices", answers.redirect(f"{elsewhere.url}/api/v2/tailnet/-/devices?secret=x"), times=None)
    refused = plane.call("list_devices")
    assert (refused["outcome"], refused["status"]) == ("Invalid", 302)
    assert f"a redirect to {elsewhere.url}/api/v2/tailnet/-/devices, which is not followed" in refused["error"]
    assert elsewhere.calls.count() == 0


def test_an_answer_that_never_comes(api, planes):
    planes.add(api, timeout_ms=700)
    api.fault("devices", faults.hang(), times=None)
    late = planes.call("list_devices")
    assert late["outcome"] == "Unavailable" and 600 <= late["ms"] <= 5000
    api.fault("keys", faults.hang(), times=None)
    assert planes.new_key()["outcome"] == "Unavailable"
    assert api.calls.count("keys.create") <= 1


def test_an_answer_that_drips(api, planes):
    planes.add(api, timeout_ms=1500)
    api.tailnet.add_devices(20)
    api.fault("devices", faults.drip(0.05), times=None)
    late = planes.call("list_devices")
    assert late["outcome"] == "Unavailable" and late["ms"] <= 6000
    # Another call is not held up by it.
    api.clear_faults()
    api.fault("devices", faults.drip(0.001, 64))
    slow = planes.start("list_devices")
    assert planes.new_key()["outcome"] == "OK"
    assert planes.answer(slow)["count"] == 20


def test_half_a_list_is_not_repeated(api, plane):
    """Devices have been reported: the caller has to begin anew."""
    api.tailnet.add_devices(2000)
    api.fault("devices", faults.cut(), times=1)
    half = plane.call("list_devices")
    assert half["outcome"] == "Unavailable" and 0 < half["count"] < 2000
    assert api.calls.count("devices") == 1


def test_an_item_that_is_too_large(api, plane):
    api.tailnet.add_device("small")
    api.tailnet.add_device("large", os="x" * 70000)
    refused = plane.call("list_devices")
    assert refused["outcome"] == "Unavailable" and "devices[1] has more than 65536 bytes" in refused["error"]


def test_forty_thousand_devices(api, new_planes, monkeypatch):
    # Sanitizers keep freed memory for a while.
    monkeypatch.setenv("ASAN_OPTIONS", "quarantine_size_mb=1:" + os.environ.get("ASAN_OPTIONS", ""))
    planes = new_planes()
    planes.add(api)
    api.tailnet.add_devices(2, tags=["tag:k8s"])
    assert planes.call("list_devices")["count"] == 2
    api.tailnet.add_devices(39998, tags=["tag:k8s"])
    before = planes.memory()
    listed = planes.call("list_devices", timeout=60)
    assert (listed["outcome"], listed["count"]) == ("OK", 40000)
    # 18 MB of text, and several times as much as a tree.
    assert planes.memory() - before < 16


def test_nobody_listens(api, planes):
    planes.add(api)
    api.stop()
    refused = planes.call("list_devices")
    assert refused["outcome"] == "Unavailable" and "Connection refused" in refused["error"]
    assert (refused["status"], planes.traced("token")) == (0, [0])
    api.start()
    assert planes.call("list_devices")["outcome"] == "OK"


def test_a_name_that_does_not_exist(planes):
    planes.add("http://control.invalid", timeout_ms=4000)
    assert planes.call("probe")["outcome"] == "Unavailable"


def test_cancelled_and_freed_in_the_midst(api, planes):
    planes.add(api)
    planes.add(api, "b")
    api.fault(("devices", "keys", "oauth"), faults.hang(), times=None)
    tags = [planes.start(what, of, tags=["tag:k8s"], key="k1", device="n1") for of in "ab" for what in
            ("probe", "list_devices", "create_key", "delete_key", "delete_device")]
    api.calls.wait(0)
    planes.say(do="cancel", tag=tags[1])
    planes.say(do="cancel", tag=tags[0])
    planes.say(do="free", of="b")
    api.clear_faults()
    api.stop()
    api.start()
    assert planes.answer(tags[2])["outcome"] in ("OK", "Unavailable")
    assert planes.find(tag=tags[1]) is None and planes.find(tag=tags[7]) is None
