"""Auth keys: `/api/v2/tailnet/-/keys`."""

import re

from ..httpserver import Reply
from .answers import ApiError, body_of

DEFAULT_SECONDS = LONGEST_SECONDS = 90 * 86400
_DESCRIPTION = re.compile(r"[A-Za-z0-9 -]{0,50}")


class Keys:
    """Checks requests; the tailnet makes and keeps the keys."""

    def __init__(self, tailnet, access):
        self._tailnet = tailnet
        self._access = access

    def create(self, request, token, _parts):
        """POST: the only answer that holds the key itself."""
        asked = body_of(request, capabilities=dict)
        if asked.get("keyType", "auth") != "auth":
            raise ApiError(501, "this fake makes auth keys only")
        device = (asked["capabilities"].get("devices") or {}).get("create") or {}
        tags = device.get("tags") or []
        seconds = asked.get("expirySeconds") or DEFAULT_SECONDS
        if not isinstance(seconds, int) or not 0 < seconds <= LONGEST_SECONDS:
            raise ApiError(400, "expirySeconds must be between 1 second and 90 days")
        description = asked.get("description") or ""
        if not _DESCRIPTION.fullmatch(description):
            raise ApiError(400, "description may have at most 50 letters, digits, hyphens and spaces")
        if token.client and not tags:
            raise ApiError(self._access.untagged_status, "tailnet-owned auth key must have tags set")
        self._access.check_tags(token, tags)
        capabilities = {"devices": {"create": {
            "reusable": bool(device.get("reusable")), "ephemeral": bool(device.get("ephemeral")),
            "preauthorized": bool(device.get("preauthorized")), "tags": tags}}}
        return Reply.of_json(self._tailnet.create_key(capabilities, seconds, description))

    def list(self, _request, _token, _parts):
        """GET: all of them, without their texts."""
        return Reply.of_json({"keys": [_shown(key) for key in self._tailnet.keys()]})

    def get(self, _request, _token, parts):
        """GET of one."""
        return Reply.of_json(_shown(self._one(parts["key"])))

    def delete(self, _request, _token, parts):
        """DELETE: nobody can use it any more."""
        self._tailnet.delete_key(self._one(parts["key"])["id"])
        return Reply.of_json(None)

    def _one(self, identifier):
        key = next((key for key in self._tailnet.keys() if key["id"] == identifier), None)
        if key is None:
            raise ApiError(404, "key not found")
        return key


def _shown(key):
    """A key without its text."""
    return {name: value for name, value in key.items() if name != "key"}
