"""Headscale's own API, v1, as 0.28 and 0.29 serve it: what it checks, and what it lets pass."""

import datetime
import re

from ..httpserver import Reply
from .answers import GrpcError, body_of

_TAG = re.compile(r"tag:[a-z][a-z0-9-]*")
_NEVER = "0001-01-01T00:00:00Z"


class HeadscaleV1:
    """Credentials have been checked already."""

    def __init__(self, tailnet):
        self._tailnet = tailnet
        self.version = "v0.29.3"

    def version_get(self, _request, _token, _parts):
        """GET /version: open to everybody."""
        return Reply.of_json({"version": self.version, "commit": "0" * 40, "buildTime": "", "dirty": False})

    def health_get(self, _request, _token, _parts):
        """GET /api/v1/health."""
        return Reply.of_json({"databaseConnectivity": True})

    def keys_create(self, request, _token, _parts):
        """POST: tags are only looked at for their spelling; without an expiration the key has expired."""
        asked = body_of(request)
        tags = asked.get("aclTags") or []
        for tag in tags:
            if not _TAG.fullmatch(tag):
                raise GrpcError(400, f"invalid tag: {tag}")
        if not tags and not asked.get("user"):
            raise GrpcError(500, "pre-auth key must be either tagged or owned by user")
        expiration = asked.get("expiration") or _NEVER
        capabilities = {"devices": {"create": {
            "reusable": bool(asked.get("reusable")), "ephemeral": bool(asked.get("ephemeral")),
            "preauthorized": True, "tags": tags}}}
        key = self._tailnet.create_key(capabilities, _seconds_until(expiration), "")
        return Reply.of_json({"preAuthKey": {**_key(key), "key": key["key"], "expiration": expiration}})

    def keys_list(self, _request, _token, _parts):
        """GET: all that can be used."""
        return Reply.of_json({"preAuthKeys": [_key(key) for key in self._tailnet.keys()]})

    def keys_delete(self, request, _token, _parts):
        """DELETE ?id=: a number that no key has is as good."""
        self._tailnet.delete_key(request.query.get("id", [""])[0])
        return Reply.of_json({})

    def devices_list(self, _request, _token, _parts):
        """GET."""
        return Reply.of_json({"nodes": [_node(device) for device in self._tailnet.devices()]})

    def devices_get(self, _request, _token, parts):
        """GET of one."""
        return Reply.of_json({"node": _node(self._one(parts))})

    def devices_delete(self, _request, _token, parts):
        """DELETE of one."""
        self._tailnet.delete_device(self._one(parts))
        return Reply.of_json({})

    def _one(self, parts):
        if not parts["device"].isdecimal():
            raise GrpcError(400, "type mismatch, parameter: node_id")
        device = next((d for d in self._tailnet.devices() if d["nodeId"] == parts["device"]), None)
        if device is None:
            raise GrpcError(404, "node not found")
        return device


def _seconds_until(text):
    if text == _NEVER:
        return -1
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as e:
        raise GrpcError(400, f"bad expiration: {e}") from e
    return int((moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds())


def _key(key):
    device = key["capabilities"]["devices"]["create"]
    return {"user": None, "id": key["id"], "key": key["key"][:20] + "***", "reusable": device["reusable"],
            "ephemeral": device["ephemeral"], "used": False, "expiration": key["expires"],
            "createdAt": key["created"], "aclTags": device["tags"]}


def _node(device):
    key = device.get("preAuthKeyId")
    return {"id": device["nodeId"], "machineKey": "", "nodeKey": "", "discoKey": "", "name": device["hostname"],
            "givenName": device["name"], "ipAddresses": device["addresses"], "user": {"id": "1", "name": "tagged"},
            "lastSeen": device["lastSeen"], "expiry": None, "preAuthKey": {"id": key} if key else None,
            "createdAt": device["created"], "registerMethod": "REGISTER_METHOD_AUTH_KEY",
            "online": device["connectedToControl"], "approvedRoutes": [], "availableRoutes": [], "subnetRoutes": [],
            "tags": device["tags"]}
