"""The client of control planes on a real Headscale: what it can do, and what its API lets pass."""

import contextlib
import datetime
import http.client
import json
import ssl

import pytest

from control.planes import Planes

from realbed import kube_drive, netns, settings, wait

_URL = f"https://{settings.HUB_ADDRESS}:{settings.CONTROL_PORT}"
_TAGS = ["tag:k8s"]


@pytest.fixture(scope="module")
def api_key(bed):
    """An API key of the bed's Headscale."""
    return bed.headscale.run("apikeys", "create", "--expiration", "1h")


@pytest.fixture
def planes(bed, api_key):
    """A client of it, as plane "a"."""
    program = kube_drive.build("control_drive")
    client = Planes("nsenter", f"--net=/run/netns/{bed.network.hub}", "--", program)
    assert _add(client, bed, "a", api_key=api_key) == ""
    yield client
    assert client.close() == 0
    assert not [event for event in client.events if api_key in repr(event)]


def _add(client, bed, name, **options):
    authority = bed.authority.certificate.read_text()
    return client.add(_URL, name, is_by_key=True, kind="headscale", ca_pem=authority, second_401_ms=300, **options)


def _request(bed, api_key, method, path, body):
    """A call of the API without the client under test."""
    connection = http.client.HTTPSConnection(settings.HUB_ADDRESS, settings.CONTROL_PORT)
    context = ssl.create_default_context(cafile=bed.authority.certificate)
    plain = netns.connect(bed.network.hub, settings.HUB_ADDRESS, settings.CONTROL_PORT)
    with contextlib.closing(connection):
        connection.sock = context.wrap_socket(plain, server_hostname=settings.HUB_ADDRESS)
        connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {api_key}"})
        return json.loads(connection.getresponse().read())


def _keys(bed):
    return {str(key["id"]): key for key in bed.headscale.run("preauthkeys", "list") or []}


def test_probe(planes):
    assert planes.call("probe")["outcome"] == "OK"
    found = planes.capabilities()
    assert found["api"] == "headscale-v1" and found["version"]
    assert (found["vip_services"], found["certificates"], found["key_scope"]) == (False, False, "")


def test_a_key_is_made_and_deleted(bed, planes, api_key):
    made = planes.new_key(tags=_TAGS, expiry_s=600, ephemeral=True)
    assert made["outcome"] == "OK", made
    key = _keys(bed)[made["id"]]
    left = key["expiration"]["seconds"] - datetime.datetime.now().timestamp()
    assert 580 < left <= 601
    assert key["acl_tags"] == _TAGS and key["ephemeral"] and not key.get("reusable")
    # An expiration that is left out is the trap that the client avoids: the key has expired at once.
    trap = _request(bed, api_key, "POST", "/api/v1/preauthkey", {"aclTags": _TAGS})["preAuthKey"]
    assert trap["expiration"].startswith("0001-")
    # A key that is not there is deleted as well as one that is.
    for _ in range(2):
        assert planes.call("delete_key", key=made["id"])["outcome"] == "OK"
    assert planes.call("delete_key", key=trap["id"])["outcome"] == "OK"
    assert made["id"] not in _keys(bed)


def test_tags_are_only_looked_at_for_their_spelling(bed, planes):
    assert planes.new_key(tags=["tag:nobody-owns-this"])["outcome"] == "OK"
    refused = planes.new_key(tags=["nobody"])
    assert (refused["outcome"], refused["status"]) == ("Invalid", 400), refused
    assert planes.new_key(tags=[])["outcome"] == "Invalid"


def test_a_node_is_listed_and_deleted(bed, planes, new_peer):
    made = planes.new_key(tags=_TAGS)
    peer = new_peer()
    bed.headscale.delete_node(bed.headscale.wait_online(peer.name))
    peer.client.run("up", f"--login-server={settings.CONTROL_URL}", f"--authkey={made['key']}",
                    f"--hostname={peer.name}", "--accept-dns=false", "--accept-routes=false", "--advertise-routes=",
                    "--timeout=30s", "--force-reauth", deadline=40)
    node = bed.headscale.wait_online(peer.name)
    listed = planes.call("list_devices")
    assert listed["outcome"] == "OK" and listed["count"] == len(bed.headscale.nodes())
    device = next(device for device in listed["devices"] if device["id"] == str(node["id"]))
    assert device == {"id": str(node["id"]), "name": peer.name, "hostname": peer.name, "key_id": made["id"],
                      "addresses": node["ip_addresses"], "tags": _TAGS, "is_online": True, "is_shared": False}
    # Its stable identifier, which its daemon stores, is the same number.
    assert peer.client.status()["Self"]["ID"] == device["id"]
    for _ in range(2):
        assert planes.call("delete_device", device=device["id"])["outcome"] == "OK"
    wait.wait_for(lambda: not bed.headscale.node(peer.name), 10, "the node is gone")
    assert planes.traced("delete_device") == [200, 404]


def test_a_key_that_is_refused(bed, planes):
    assert _add(planes, bed, "wrong", api_key="hskey-api-0123456789ab-" + "x" * 64) == ""
    for what in ("probe", "list_devices"):
        refused = planes.call(what, "wrong")
        assert (refused["outcome"], refused["status"]) == ("Unauthorized", 401), refused
        assert refused["ms"] >= 300
    assert planes.traced("list_devices") == [401, 401]


def test_a_key_that_is_revoked(bed, planes):
    key = bed.headscale.run("apikeys", "create", "--expiration", "1h")
    assert _add(planes, bed, "b", api_key=key) == ""
    assert planes.call("probe", "b")["outcome"] == "OK"
    newest = max(bed.headscale.run("apikeys", "list"), key=lambda shown: shown["id"])
    bed.headscale.run("apikeys", "expire", "--prefix", newest["prefix"])
    assert planes.call("list_devices", "b")["outcome"] == "Unauthorized"
    assert planes.call("list_devices")["outcome"] == "OK"


def test_it_has_no_clients(bed, planes):
    error = planes.add(_URL, "oauth", kind="headscale", ca_pem=bed.authority.certificate.read_text())
    assert error == ""
    refused = planes.call("probe", "oauth")
    assert refused["outcome"] == "Unsupported" and "use an API key" in refused["error"], refused
