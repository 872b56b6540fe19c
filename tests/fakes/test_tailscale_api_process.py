"""The fake as a Headscale, and as a process of its own."""

import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from .tailscale_api import FakeTailscaleApi

TESTS = pathlib.Path(__file__).resolve().parent.parent


def _ask(url, method="GET", body=None, token=None):
    """Status and decoded body (the text when it is no JSON)."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        status, text = e.code, e.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


@pytest.fixture
def headscale():
    """A Headscale 0.29 and an API key of it."""
    api = FakeTailscaleApi(dialect="headscale-v1")
    yield api, api.access.add_token()
    api.close()
    assert not api.failures


def test_headscale_v1(headscale):
    api, token = headscale
    assert _ask(f"{api.url}/version")[1]["version"] == "v0.29.3"
    assert _ask(f"{api.url}/api/v1/node") == (401, "Unauthorized")
    assert _ask(f"{api.url}/api/v2/oauth/token", "POST", {}) == (401, "Unauthorized")
    assert _ask(f"{api.url}/else")[0] == 404
    keys = f"{api.url}/api/v1/preauthkey"
    # Without an expiration: one that has expired.
    status, made = _ask(keys, "POST", {"aclTags": ["tag:any"]}, token)
    assert status == 200 and made["preAuthKey"]["expiration"].startswith("0001-")
    with pytest.raises(Exception, match="invalid key"):
        api.tailnet.register(made["preAuthKey"]["key"], "late")
    wanted = {"aclTags": ["tag:any"], "expiration": "2999-01-01T00:00:00Z"}
    made = _ask(keys, "POST", wanted, token)[1]["preAuthKey"]
    assert api.tailnet.register(made["key"], "pg-0")["name"] == "pg-0"
    node = _ask(f"{api.url}/api/v1/node", token=token)[1]["nodes"][0]
    assert (node["givenName"], node["tags"], node["preAuthKey"]) == ("pg-0", ["tag:any"], {"id": made["id"]})
    assert _ask(keys, "POST", {"aclTags": ["Any"]}, token)[1]["code"] == 3
    assert _ask(f"{keys}?id=77", "DELETE", token=token) == (200, {})
    one = f"{api.url}/api/v1/node/{node['id']}"
    assert [_ask(one, "DELETE", token=token)[0] for _ in range(2)] == [200, 404]


def test_a_process_of_its_own(tmp_path):
    command = [sys.executable, "-B", "-m", "fakes.tailscale_api", "--dialect", "headscale-v1", "--token", "planted",
               "--log", str(tmp_path / "calls")]
    with subprocess.Popen(command, cwd=TESTS, env={**os.environ, "PYTHONPATH": str(TESTS)}, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        url = json.loads(child.stdout.readline())["url"]
        fake = f"{url}/_fake"
        assert _ask(f"{fake}/devices", "POST", {"hostname": "pg-0", "tags": ["tag:k8s"]})[1]["name"] == "pg-0"
        assert _ask(f"{fake}/devices", "POST", {"count": 3})[0] == 200
        assert len(_ask(f"{url}/api/v1/node", token="planted")[1]["nodes"]) == 4
        assert _ask(f"{fake}/faults", "POST", {"kinds": "devices", "fault": "retry_after", "arguments": [7]})[0] == 200
        assert [_ask(f"{url}/api/v1/node", token="planted")[0] for _ in range(2)] == [429, 200]
        assert _ask(f"{fake}/faults", "POST", {"kinds": "devices", "fault": "no such"})[0] == 400
        calls = _ask(f"{fake}/calls?kind=devices.list")[1]
        assert [call["status"] for call in calls] == [200, 429, 200]
        wanted = {"aclTags": ["tag:k8s"], "expiration": "2999-01-01T00:00:00Z"}
        key = _ask(f"{url}/api/v1/preauthkey", "POST", wanted, "planted")[1]["preAuthKey"]["key"]
        device = _ask(f"{fake}/register", "POST", {"key": key, "hostname": "pg-1"})[1]
        assert device["tags"] == ["tag:k8s"]
        assert _ask(f"{fake}/register", "POST", {"key": key, "hostname": "pg-2"})[0] == 401
        assert _ask(f"{fake}/devices/{device['nodeId']}", "PATCH", {"connectedToControl": False})[0] == 200
        assert _ask(f"{fake}/tokens", "DELETE")[0] == 200
        assert _ask(f"{url}/api/v1/node", token="planted")[0] == 401
        child.stdin.close()
        assert child.wait(10) == 0
