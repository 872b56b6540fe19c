"""Devices: `/api/v2/tailnet/-/devices` and `/api/v2/device/ID`."""

from ..httpserver import Reply
from .answers import ApiError, body_of

#: only with fields=all
_MORE = ("advertisedRoutes", "enabledRoutes", "clientConnectivity")


class Devices:
    """Checks requests; the tailnet has the devices."""

    def __init__(self, tailnet, access):
        self._tailnet = tailnet
        self._access = access

    def list(self, request, _token, _parts):
        """GET: those that fit all filters of the query."""
        filters = {name: values for name, values in request.query.items() if name != "fields"}
        found = [device for device in self._tailnet.devices()
                 if all(_fits(device, name, value) for name, values in filters.items() for value in values)]
        return Reply.of_json({"devices": [_fields(device, request) for device in found]})

    def get(self, request, _token, parts):
        """GET of one, by either of its identifiers."""
        return Reply.of_json(_fields(self._one(parts), request))

    def delete(self, _request, _token, parts):
        """DELETE: it leaves the tailnet."""
        device = self._one(parts)
        if device.get("isExternal"):
            raise ApiError(501, "this device is shared into the tailnet and cannot be deleted")
        self._tailnet.delete_device(device)
        return Reply.of_json(None)

    def routes(self, _request, _token, parts):
        """GET …/routes."""
        return Reply.of_json(_routes(self._one(parts)))

    def set_routes(self, request, _token, parts):
        """POST …/routes: enables exactly these."""
        device = self._one(parts)
        self._tailnet.set_routes(device, body_of(request, routes=list)["routes"])
        return Reply.of_json(_routes(self._one(parts)))

    def set_tags(self, request, token, parts):
        """POST …/tags."""
        tags = body_of(request, tags=list)["tags"]
        self._access.check_tags(token, tags)
        self._tailnet.set_tags(self._one(parts), tags)
        return Reply.of_json(None)

    def set_name(self, request, _token, parts):
        """POST …/name: a label, or a whole name of the tailnet."""
        self._tailnet.rename(self._one(parts), body_of(request, name=str)["name"].partition(".")[0])
        return Reply.of_json(None)

    def authorize(self, request, _token, parts):
        """POST …/authorized."""
        self._tailnet.set_authorized(self._one(parts), body_of(request, authorized=bool)["authorized"])
        return Reply.of_json(None)

    def set_key(self, request, _token, parts):
        """POST …/key: whether its key expires."""
        self._tailnet.set_key_expiry_disabled(self._one(parts), body_of(request, keyExpiryDisabled=bool)["keyExpiryDisabled"])
        return Reply.of_json(None)

    def _one(self, parts):
        name = parts["device"]
        device = next((d for d in self._tailnet.devices() if name in (d["id"], d["nodeId"])), None)
        if device is None:
            raise ApiError(404, "no manageable device matching this ID found")
        return device


def _fields(device, request):
    """What of a device this request gets."""
    if request.query.get("fields", ["default"])[0] == "all":
        return device
    return {name: value for name, value in device.items() if name not in _MORE}


def _fits(device, name, value):
    mine = device.get(name)
    if isinstance(mine, list):
        return value in mine
    if isinstance(mine, bool):
        return value == str(mine).lower()
    return value == str(mine)


def _routes(device):
    return {name: device[name] for name in ("advertisedRoutes", "enabledRoutes")}
