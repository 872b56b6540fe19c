"""Tailscale Services: `/api/v2/tailnet/-/vip-services`.

Each answer has an ETag; a write with `If-Match` is refused when the service has changed since.
"""

import hashlib
import ipaddress
import json
import re

from ..httpserver import Reply
from .answers import ApiError, body_of

_NAME = re.compile(r"svc:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PORT = re.compile(r"do-not-validate|(tcp|udp):[0-9]{1,5}(-[0-9]{1,5})?")
_V4, _V6 = ipaddress.ip_address("100.100.0.0"), ipaddress.ip_address("fd7a:115c:a1e0::6400:0")
_FIELDS = ("name", "addrs", "comment", "annotations", "ports", "tags")


class Services:
    """The services themselves; control servers that lack them get none from here."""

    def __init__(self, access):
        self._access = access
        self._services = {}
        self._last_address = 0

    # -- for tests

    def all(self):
        """Services by name, as copies."""
        return json.loads(json.dumps(self._services))

    def put_by_hand(self, name, **fields):
        """A service that somebody else made."""
        self._services[name] = {"name": name, "addrs": self._new_addresses(), "ports": ["tcp:443"], **fields}

    # -- requests

    def list(self, _request, _token, _parts):
        """GET of all."""
        return Reply.of_json({"vipServices": list(self._services.values())})

    def get(self, _request, _token, parts):
        """GET of one."""
        return _tagged(self._one(parts))

    def put(self, request, token, parts):
        """PUT: creates it, or replaces all but the addresses that are left out."""
        name, asked = parts["service"], body_of(request)
        before = self._services.get(name)
        _check_match(request, before)
        if not _NAME.fullmatch(name) or asked.get("name", name) != name:
            raise ApiError(400, f"invalid service name {asked.get('name', name)!r}")
        wrong = [port for port in asked.get("ports") or [] if not _PORT.fullmatch(port)]
        if wrong or set(asked) - set(_FIELDS):
            raise ApiError(400, f"invalid ports {wrong} or fields {sorted(set(asked) - set(_FIELDS))}")
        self._access.check_tags(token, asked.get("tags") or [])
        service = {field: asked[field] for field in _FIELDS if asked.get(field)} | {"name": name}
        if not service.get("addrs"):
            service["addrs"] = before["addrs"] if before else self._new_addresses()
        self._services[name] = service
        return _tagged(service)

    def delete(self, request, _token, parts):
        """DELETE of one."""
        service = self._one(parts)
        _check_match(request, service)
        del self._services[service["name"]]
        return Reply.of_json(None)

    def _one(self, parts):
        service = self._services.get(parts["service"])
        if service is None:
            raise ApiError(404, "service not found")
        return service

    def _new_addresses(self):
        self._last_address += 1
        return [str(_V4 + self._last_address), str(_V6 + self._last_address)]


def _etag(service):
    return '"' + hashlib.sha256(json.dumps(service, sort_keys=True).encode()).hexdigest()[:16] + '"'


def _tagged(service):
    return Reply.of_json(service, headers=[("ETag", _etag(service))])


def _check_match(request, service):
    """If-Match names the version that the writer knows; `*` any; None-Match `*` none."""
    wanted = request.headers.get("if-match")
    if wanted and (service is None or wanted not in ("*", _etag(service))):
        raise ApiError(412, "service has been modified")
    if request.headers.get("if-none-match") == "*" and service is not None:
        raise ApiError(412, "service exists")
