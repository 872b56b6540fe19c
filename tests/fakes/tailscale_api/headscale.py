"""A tailnet whose control server is a Headscale, used through its command line."""

import datetime

from .answers import ApiError
from .tailnet import key_document, timestamp


class HeadscaleTailnet:
    """Keys and devices of a Headscale; `run(*arguments)` calls its command line and returns the decoded JSON.

    Identifiers are Headscale's own numbers, which its nodes know as their stable identifiers, too. Not every field of
    the API exists there: all nodes are authorized, descriptions of keys are kept here.
    """

    def __init__(self, run, domain):
        self.domain = domain
        self._run = run
        self._documents = {}

    def create_key(self, capabilities, seconds, description):
        """A pre-auth key with its text; one with tags belongs to no user."""
        device = capabilities["devices"]["create"]
        options = [f"--{name}" for name in ("reusable", "ephemeral") if device[name]]
        if device["tags"]:
            options += ["--tags", ",".join(device["tags"])]
        else:
            options += ["--user", self._first_user()]
        made = self._run("preauthkeys", "create", "--expiration", f"{seconds}s", *options)
        key = key_document(str(made["id"]), capabilities, seconds, description)
        self._documents[key["id"]] = key
        return {**key, "key": made["key"]}

    def keys(self):
        """All that can still be used; those that were made by hand have what Headscale knows of them."""
        found = [key for key in self._run("preauthkeys", "list") or []
                 if (key.get("reusable") or not key.get("used")) and not _is_past(key.get("expiration"))]
        return [self._documents.get(str(key["id"])) or _key_by_hand(key) for key in found]

    def delete_key(self, identifier):
        """Nobody can use it any more; devices that did stay."""
        self._run("preauthkeys", "delete", "--id", identifier, "--force")
        self._documents.pop(identifier, None)

    def devices(self):
        """All nodes as devices."""
        return [self._device(node) for node in self._run("nodes", "list") or []]

    def delete_device(self, device):
        """The node is gone."""
        self._run("nodes", "delete", "--identifier", device["id"], "--force")

    def set_routes(self, device, routes):
        """Approves exactly these."""
        self._run("nodes", "approve-routes", "--identifier", device["id"], "--routes", ",".join(routes))

    def set_tags(self, device, tags):
        """Replaces its tags."""
        self._run("nodes", "tag", "--identifier", device["id"], "--tags", ",".join(tags), "--force")

    def rename(self, device, label):
        """Gives it another name within the tailnet."""
        self._run("nodes", "rename", "--identifier", device["id"], label, "--force")

    def set_authorized(self, _device, is_authorized):
        """All nodes are."""
        if not is_authorized:
            raise ApiError(501, "Headscale cannot take a node's authorization away")

    def set_key_expiry_disabled(self, device, is_disabled):
        """Whether its key lasts for ever; otherwise it ends in 180 days."""
        expiry = timestamp(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=180))
        option = ["--disable"] if is_disabled else ["--expiry", expiry]
        self._run("nodes", "expire", "--identifier", device["id"], *option)

    def _first_user(self):
        users = self._run("users", "list")
        if not users:
            raise ApiError(400, "a key without tags needs a user, and this Headscale has none")
        return users[0]["id"]

    def _device(self, node):
        identifier = str(node["id"])
        return {
            "id": identifier, "nodeId": identifier, "name": f"{node['given_name']}.{self.domain}",
            "hostname": node["name"], "addresses": node.get("ip_addresses") or [], "tags": node.get("tags") or [],
            "user": (node.get("user") or {}).get("name", ""), "os": "linux", "authorized": True,
            "created": _moment(node.get("created_at")), "expires": _moment(node.get("expiry")),
            "lastSeen": _moment(node.get("last_seen")), "connectedToControl": bool(node.get("online")),
            "keyExpiryDisabled": not node.get("expiry"), "isEphemeral": False, "isExternal": False,
            "machineKey": node.get("machine_key", ""), "nodeKey": node.get("node_key", ""),
            "advertisedRoutes": node.get("available_routes") or [], "enabledRoutes": node.get("approved_routes") or []}


def _key_by_hand(key):
    capabilities = {"devices": {"create": {
        "reusable": bool(key.get("reusable")), "ephemeral": bool(key.get("ephemeral")), "preauthorized": True,
        "tags": key.get("acl_tags") or []}}}
    return {"id": str(key["id"]), "keyType": "auth", "description": "", "capabilities": capabilities,
            "created": _moment(key.get("created_at")), "expires": _moment(key.get("expiration"))}


def _moment(value):
    """Headscale's seconds as the API's text; empty without any."""
    if not value or not value.get("seconds"):
        return ""
    return timestamp(datetime.datetime.fromtimestamp(value["seconds"], datetime.timezone.utc))


def _is_past(value):
    return bool(value) and value.get("seconds", 0) <= datetime.datetime.now().timestamp()
