"""The fake of Tailscale's API: what it grants, what it refuses, and how."""

import pytest

from .api_client import PREFIX, TAILNET, ApiClient
from .tailscale_api import FakeTailscaleApi
from .tailscale_api.answers import ApiError
from .waiting import wait_until


@pytest.fixture
def api():
    """A fresh API over a tailnet in memory."""
    made = FakeTailscaleApi()
    yield made
    made.close()
    assert not made.failures


@pytest.fixture
def client(api):
    """A client that may do everything."""
    return ApiClient(api)


def limited(api, *scopes, tags=("tag:k8s-operator",)):
    """A client with these scopes only."""
    return ApiClient(api, api.access.add_client("limited", scopes=scopes, tags=tags))


# -- tokens


def test_token_by_form_and_by_basic_authorization(api, client):
    status, body = client.log_in(grant_type="client_credentials")
    assert (status, body["token_type"], body["expires_in"], body["scope"]) == (200, "Bearer", 3600, "all")
    grant = {"grant_type": "client_credentials"}
    assert client.request_form(grant, basic=(client.client.name, client.client.secret))[0] == 200
    assert client.request_form(grant, basic=(client.client.name, "wrong"))[0] == 401


@pytest.mark.parametrize("form, status", [
    ({"client_secret": "wrong"}, 401), ({"client_id": "nobody"}, 401), ({"grant_type": "password"}, 400),
    ({"scope": "auth_keys dns"}, 403), ({"scope": "auth_keys"}, 200),
])
def test_token_is_refused(api, form, status):
    client = limited(api, "auth_keys")
    assert client.log_in(**form)[0] == status


def test_token_ends(api, client):
    api.access.token_seconds = 0
    assert client.call("GET", f"{TAILNET}/keys") == (401, {"message": "API token invalid", "status": 401})
    api.access.token_seconds = 3600
    client.log_in()
    assert client.call("GET", f"{TAILNET}/keys")[0] == 200
    api.access.revoke_tokens()
    assert client.call("GET", f"{TAILNET}/keys")[0] == 401


def test_api_token_goes_as_bearer_and_as_basic_user(api, client):
    token = client.token = api.access.add_token()
    assert client.call("GET", f"{TAILNET}/keys")[0] == 200
    import base64  # pylint: disable=import-outside-toplevel
    basic = "Basic " + base64.b64encode(f"{token}:".encode()).decode()
    assert client.request("GET", f"{TAILNET}/keys", headers={"Authorization": basic})[0] == 200
    assert client.request("GET", f"{TAILNET}/keys")[0] == 401


@pytest.mark.parametrize("scope, method, path", [
    ("auth_keys", "GET", f"{TAILNET}/keys"), ("devices:core", "GET", f"{TAILNET}/devices"),
    ("devices:core", "DELETE", f"{PREFIX}/device/1"), ("services", "GET", f"{TAILNET}/vip-services"),
    ("feature_settings", "GET", f"{TAILNET}/settings"), ("devices:routes", "GET", f"{PREFIX}/device/1/routes"),
])
def test_each_call_needs_its_scope(api, scope, method, path):
    assert limited(api, scope).call(method, path)[0] in (200, 404)
    status, body = limited(api, "dns").call(method, path)
    assert (status, "enough permissions" in body["message"]) == (403, True)


def test_scopes_to_read_do_not_write(api):
    client = limited(api, "auth_keys:read", "devices")
    assert client.call("GET", f"{TAILNET}/keys")[0] == 200
    assert client.new_key()[0] == 403
    assert client.call("DELETE", f"{PREFIX}/device/1")[0] == 404


# -- keys


def test_key_is_shown_once_and_used_once(api, client):
    status, key = client.new_key(expirySeconds=3600, description="pg-0")
    assert status == 200 and key["key"].startswith("tskey-auth-") and key["expires"] > key["created"]
    status, listed = client.call("GET", f"{TAILNET}/keys?all=true")
    assert [(k["id"], k.get("key"), k["description"]) for k in listed["keys"]] == [(key["id"], None, "pg-0")]
    assert client.call("GET", f"{TAILNET}/keys/{key['id']}")[1]["capabilities"] == key["capabilities"]
    device = api.tailnet.register(key["key"], "pg-0")
    assert (device["tags"], device["authorized"]) == (["tag:k8s"], True)
    with pytest.raises(ApiError):
        api.tailnet.register(key["key"], "pg-0")


def test_deleted_key_cannot_be_used(api, client):
    key = client.new_key()[1]
    path = f"{TAILNET}/keys/{key['id']}"
    assert [client.call(method, path)[0] for method in ("DELETE", "DELETE", "GET")] == [200, 404, 404]
    with pytest.raises(ApiError):
        api.tailnet.register(key["key"], "late")


def test_reusable_key_and_names_that_are_taken(api, client):
    create = {"reusable": True, "ephemeral": True, "tags": ["tag:k8s"]}
    key = client.call("POST", f"{TAILNET}/keys", {"capabilities": {"devices": {"create": create}}})[1]
    names = [api.tailnet.register(key["key"], "web")["name"] for _ in range(2)]
    assert names == ["web.tail1234.ts.net", "web-1.tail1234.ts.net"]


@pytest.mark.parametrize("fields, status", [
    ({"tags": ()}, 400), ({"tags": ("tag:prod",)}, 400), ({"tags": ("tag:k8s", "tag:k8s-operator")}, 400),
    ({"tags": ("tag:k8s-operator",)}, 200), ({"expirySeconds": -1}, 400), ({"expirySeconds": 7776001}, 400),
    ({"description": "a/b"}, 400), ({"description": "x" * 51}, 400), ({"keyType": "client"}, 501),
])
def test_keys_that_are_refused(api, fields, status):
    assert limited(api, "auth_keys").new_key(**fields)[0] == status


@pytest.mark.parametrize("body", [None, [], {}, {"capabilities": 1}])
def test_malformed_request(client, body):
    assert client.call("POST", f"{TAILNET}/keys", body)[0] == 400


# -- devices


def test_devices_are_found_and_filtered(api, client):
    one = api.tailnet.add_device("one", tags=["tag:a", "tag:b"], advertisedRoutes=["10.0.0.0/8"])
    api.tailnet.add_device("two", tags=["tag:a"], isEphemeral=True)

    def names(query):
        return [d["hostname"] for d in client.call("GET", f"{TAILNET}/devices{query}")[1]["devices"]]

    assert names("") == ["one", "two"]
    assert names("?tags=tag:a&tags=tag:b") == ["one"]
    assert names("?isEphemeral=true") == ["two"]
    assert names("?hostname=one&isEphemeral=true") == []
    for identifier in (one["id"], one["nodeId"]):
        status, device = client.call("GET", f"{PREFIX}/device/{identifier}")
        assert (status, device["name"], "advertisedRoutes" in device) == (200, "one.tail1234.ts.net", False)
    assert client.call("GET", f"{PREFIX}/device/{one['id']}?fields=all")[1]["advertisedRoutes"] == ["10.0.0.0/8"]


def test_device_is_changed_and_deleted(api, client):
    device = api.tailnet.add_device("one", advertisedRoutes=["10.0.0.0/8"])
    path = f"{PREFIX}/device/{device['nodeId']}"
    assert client.call("POST", f"{path}/routes", {"routes": ["10.0.0.0/8"]}) == (
        200, {"advertisedRoutes": ["10.0.0.0/8"], "enabledRoutes": ["10.0.0.0/8"]})
    assert client.call("GET", f"{path}/routes")[1]["enabledRoutes"] == ["10.0.0.0/8"]
    for action, body in (("tags", {"tags": ["tag:k8s"]}), ("name", {"name": "uno"}), ("authorized", {"authorized": False}),
                         ("key", {"keyExpiryDisabled": False})):
        assert client.call("POST", f"{path}/{action}", body)[0] == 200
        assert client.call("POST", f"{path}/{action}", {})[0] == 400
    changed = client.call("GET", path)[1]
    assert (changed["tags"], changed["name"], changed["authorized"], changed["keyExpiryDisabled"]) == (
        ["tag:k8s"], "uno.tail1234.ts.net", False, False)
    assert [client.call("DELETE", path)[0] for _ in range(2)] == [200, 404]
    assert api.tailnet.devices() == []


def test_shared_device_is_not_deleted(api, client):
    device = api.tailnet.add_device("theirs", isExternal=True)
    assert client.call("DELETE", f"{PREFIX}/device/{device['id']}")[0] == 501


# -- services and settings


def test_service_keeps_its_addresses_and_annotations(api, client):
    path = f"{TAILNET}/vip-services/svc:web"
    assert client.call("GET", path)[0] == 404
    asked = {"name": "svc:web", "tags": ["tag:k8s"], "ports": ["tcp:443"], "comment": "ours",
             "annotations": {"tailscale.com/owner-references": '{"ownerRefs":[{"operatorID":"a"}]}'}}
    made = client.call("PUT", path, asked)[1]
    assert made == {**asked, "addrs": ["100.100.0.1", "fd7a:115c:a1e0::6400:1"]}
    assert client.call("PUT", path, {**asked, "ports": ["do-not-validate"]})[1]["addrs"] == made["addrs"]
    assert client.call("GET", f"{TAILNET}/vip-services")[1]["vipServices"] == [api.services.all()["svc:web"]]
    assert [client.call("DELETE", path)[0] for _ in range(2)] == [200, 404]


@pytest.mark.parametrize("name, fields", [
    ("web", {}), ("svc:Web", {}), ("svc:web", {"name": "svc:other"}), ("svc:web", {"ports": ["443"]}),
    ("svc:web", {"tags": ["tag:prod"]}), ("svc:web", {"colour": "red"}),
])
def test_services_that_are_refused(client, name, fields):
    assert client.call("PUT", f"{TAILNET}/vip-services/{name}", {"ports": ["tcp:443"], **fields})[0] == 400


def test_service_changed_in_between(api, client):
    path = f"{TAILNET}/vip-services/svc:web"
    body = {"ports": ["tcp:443"]}
    client.log_in()
    headers = {"Authorization": f"Bearer {client.token}"}
    tag = client.request("PUT", path, body, headers | {"If-None-Match": "*"})[2]["ETag"]
    assert client.request("GET", path, headers=headers)[2]["ETag"] == tag
    assert client.call("PUT", path, {"ports": ["tcp:80"]}, **{"If-Match": tag})[0] == 200
    assert client.call("PUT", path, body, **{"If-Match": tag})[0] == 412
    assert client.call("PUT", path, body, **{"If-None-Match": "*"})[0] == 412
    assert client.call("DELETE", path, **{"If-Match": tag})[0] == 412
    assert api.services.all()["svc:web"]["ports"] == ["tcp:80"]


def test_settings(client):
    path = f"{TAILNET}/settings"
    assert client.call("PATCH", path, {"httpsEnabled": True, "devicesApprovalOn": None})[0] == 200
    values = client.call("GET", path)[1]
    assert (values["httpsEnabled"], values["devicesApprovalOn"]) == (True, False)
    assert client.call("PATCH", path, {"httpsEnabled": "yes"})[0] == 400
    assert client.call("PATCH", path, {"other": True})[0] == 400


def test_unknown_calls_and_tailnets(api, client):
    assert client.call("GET", f"{PREFIX}/tailnet/other.example/keys")[0] == 404
    assert client.call("GET", f"{PREFIX}/tailnet/-/webhooks")[0] == 404
    assert client.call("GET", "/key?v=1")[0] == 404
    wait_until(lambda: api.calls.count("unknown") == 2, what="both are in the log")
