"""Each call with each control plane."""

import datetime

import pytest

from fakes.tailscale_api import answers

from .planes import TAGS

DIALECTS = {
    "tailscale": ("tailscale", False, "tailscale-v2"),
    "tailscale by key": ("tailscale", True, "tailscale-v2"),
    "headscale v2": ("headscale-v2", False, "headscale-v2"),
    "headscale v1": ("headscale-v1", True, "headscale-v1"),
    "headscale 0.30 by key": ("headscale-v2", True, "headscale-v1"),
}


@pytest.fixture(params=DIALECTS)
def plane(request, new_api, planes):
    """A fake, its name of the API, and the client that knows it."""
    dialect, is_by_key, name = DIALECTS[request.param]
    api = new_api(dialect)
    assert planes.add(api, is_by_key=is_by_key, second_401_ms=50) == ""
    return api, name, planes


def test_probe(plane):
    api, name, planes = plane
    assert planes.capabilities()["api"] == ""
    assert planes.call("probe")["outcome"] == "OK"
    is_tailscale = name == "tailscale-v2"
    found = planes.capabilities()
    assert (found["api"], found["version"]) == (name, "" if is_tailscale else "0.29.3")
    assert (found["vip_services"], found["certificates"]) == (is_tailscale, is_tailscale)
    assert found["key_scope"] == ("" if name == "headscale-v1" else "auth_keys")
    assert api.calls.count("version") == (0 if is_tailscale else 1)


def test_a_key_is_made_used_and_deleted(plane):
    api, _, planes = plane
    made = planes.new_key(expiry_s=600)
    assert made["outcome"] == "OK" and made["status"] == 200, made
    key = api.tailnet.keys()[0]
    assert (key["id"], key["key"]) == (made["id"], made["key"])
    assert key["capabilities"]["devices"]["create"] == {
        "reusable": False, "ephemeral": False, "preauthorized": True, "tags": TAGS}
    ends = datetime.datetime.fromisoformat(key["expires"].replace("Z", "+00:00"))
    left = ends - datetime.datetime.now(datetime.timezone.utc)
    assert 590 <= left.total_seconds() <= 601
    assert api.tailnet.register(made["key"], "pg-0")["tags"] == TAGS
    ephemeral = planes.new_key(ephemeral=True)
    assert api.tailnet.keys()[0]["capabilities"]["devices"]["create"]["ephemeral"]
    for _ in range(2):
        assert planes.call("delete_key", key=ephemeral["id"])["outcome"] == "OK"
    assert api.tailnet.keys() == []


def test_devices_are_listed_and_deleted(plane):
    api, name, planes = plane
    assert planes.call("list_devices")["count"] == 0
    made = planes.new_key()
    api.tailnet.register(made["key"], "pg-0")
    by_hand = api.tailnet.add_device("laptop", connectedToControl=False)
    listed = planes.call("list_devices")
    assert (listed["outcome"], listed["count"]) == ("OK", 2)
    ours, other = sorted(listed["devices"], key=lambda device: device["is_online"], reverse=True)
    is_tailscale = name == "tailscale-v2"
    assert ours["name"] == ("pg-0.tail1234.ts.net" if is_tailscale else "pg-0")
    assert (ours["hostname"], ours["tags"], ours["is_online"], len(ours["addresses"])) == ("pg-0", TAGS, True, 2)
    assert ours["key_id"] == (made["id"] if name == "headscale-v1" else "")
    assert (other["id"], other["tags"], other["is_online"]) == (by_hand["nodeId"], [], False)
    for _ in range(2):
        assert planes.call("delete_device", device=ours["id"])["outcome"] == "OK"
    assert [device["hostname"] for device in api.tailnet.devices()] == ["laptop"]


@pytest.mark.parametrize("what, member", [("delete_device", "device"), ("delete_key", "key")])
def test_no_identifier_is_never_sent(plane, what, member):
    api, name, planes = plane
    for bad in ("", ".", ".."):
        answer = planes.call(what, **{member: bad})
        assert answer["outcome"] == "Invalid" and "is not the identifier of" in answer["error"]
    assert api.calls.count() == 0
    if name == "headscale-v1":
        assert planes.call(what, **{member: "n1CNTRL"})["outcome"] == "Invalid"
        assert api.calls.count() == 0


def test_a_tag_that_is_not_permitted(new_api, planes):
    planes.add(new_api())
    refused = planes.new_key(tags=["tag:nobody"])
    assert (refused["outcome"], refused["status"]) == ("Invalid", 400)
    assert "requested tags [tag:nobody] are invalid or not permitted" in refused["error"]
    headscale = new_api("headscale-v2")
    headscale.access.tag_owners["tag:other"] = ()
    planes.add(headscale, "b")
    assert planes.new_key("b", tags=["tag:nobody"])["outcome"] == "Invalid"
    assert planes.new_key("b", tags=["tag:other"])["outcome"] == "Forbidden"
    assert planes.new_key("b", tags=[])["outcome"] == "Forbidden"


def test_what_v1_does_not_prove(new_api, planes):
    """Only the spelling of tags is looked at; a key without tags would need a user."""
    api = new_api("headscale-v1")
    planes.add(api, is_by_key=True)
    assert planes.new_key(tags=["tag:nobody-owns-this"])["outcome"] == "OK"
    refused = planes.new_key(tags=["Tag:Upper"])
    assert (refused["outcome"], refused["status"]) == ("Invalid", 400) and "invalid tag" in refused["error"]
    assert planes.new_key(tags=[])["outcome"] == "Invalid"
    assert api.calls.count("keys.create") == 2


def test_another_tailnet(api, planes):
    planes.add(api, tailnet="other.example")
    missing = planes.call("list_devices")
    assert missing["outcome"] == "NotFound" and "tailnet not found" in missing["error"]
    assert "check the name of the tailnet" in missing["error"]


def test_a_shared_device_cannot_be_deleted(api, planes):
    device = api.tailnet.add_device("guest", isExternal=True)
    planes.add(api)
    assert planes.call("list_devices")["devices"][0]["is_shared"]
    refused = planes.call("delete_device", device=device["nodeId"])
    assert (refused["outcome"], refused["status"]) == ("Unsupported", 501)


@pytest.mark.parametrize("version, outcome", [("v0.27.1", "Unsupported"), ("v0.28.0", "OK"), ("dev", "OK"),
                                              ("v1.2.3", "OK"), ("<html>", "Unavailable")])
def test_versions_of_headscale(new_api, planes, version, outcome):
    api = new_api("headscale-v1")
    api.v1.version = version
    planes.add(api, is_by_key=True)
    assert planes.call("probe")["outcome"] == outcome


def test_clients_need_a_newer_headscale(new_api, planes):
    planes.add(new_api("headscale-v1"))
    refused = planes.call("probe")
    assert refused["outcome"] == "Unsupported" and "use an API key" in refused["error"]


def test_something_else_is_no_headscale(new_api, planes):
    api = new_api("headscale-v1")
    api.fault("version", answers.status(404), times=None)
    planes.add(api, is_by_key=True)
    assert planes.call("probe")["outcome"] == "NotFound"
