"""A tailnet that exists only here: keys that can be used once, and devices that tests make.

`MemoryTailnet` and `headscale.HeadscaleTailnet` have the same methods; a key or a device is the JSON document that the
API shows.
"""

import datetime
import ipaddress
import secrets
import threading

from .answers import ApiError

_V4, _V6 = ipaddress.ip_address("100.64.0.0"), ipaddress.ip_address("fd7a:115c:a1e0::")


def timestamp(moment=None):
    """A moment (now without one) as the API writes it."""
    moment = moment or datetime.datetime.now(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def key_document(identifier, capabilities, seconds, description):
    """A new key without its text."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"id": identifier, "keyType": "auth", "description": description, "expirySeconds": seconds,
            "created": timestamp(now), "expires": timestamp(now + datetime.timedelta(seconds=seconds)),
            "capabilities": capabilities}


class MemoryTailnet:
    """Keys and devices in memory."""

    def __init__(self, domain="tail1234.ts.net"):
        self.domain = domain
        self._keys = {}
        self._devices = {}
        self._numbers = 0
        self._lock = threading.RLock()

    # -- what the API does

    def create_key(self, capabilities, seconds, description):
        """A key with its text."""
        identifier = f"k{secrets.token_hex(4)}CNTRL"
        key = key_document(identifier, capabilities, seconds, description)
        key["key"] = f"tskey-auth-{identifier}-{secrets.token_hex(16)}"
        with self._lock:
            self._keys[identifier] = key
        return dict(key)

    def keys(self):
        """All that were neither deleted nor used up."""
        with self._lock:
            return [dict(key) for key in self._keys.values()]

    def delete_key(self, identifier):
        """It can no longer be used."""
        with self._lock:
            self._keys.pop(identifier, None)

    def devices(self):
        """All of them."""
        with self._lock:
            return [dict(device) for device in self._devices.values()]

    def delete_device(self, device):
        """It leaves."""
        with self._lock:
            self._devices.pop(device["nodeId"], None)

    def set_routes(self, device, routes):
        """Enables exactly these."""
        self._change(device, enabledRoutes=[str(ipaddress.ip_network(route)) for route in routes])

    def set_tags(self, device, tags):
        """Replaces its tags."""
        self._change(device, tags=list(tags))

    def rename(self, device, label):
        """Gives it another name within the tailnet."""
        self._change(device, name=f"{label}.{self.domain}")

    def set_authorized(self, device, is_authorized):
        """Lets it in, or not."""
        self._change(device, authorized=is_authorized)

    def set_key_expiry_disabled(self, device, is_disabled):
        """Whether its key lasts for ever."""
        self._change(device, keyExpiryDisabled=is_disabled)

    def _change(self, device, **fields):
        with self._lock:
            self._devices[device["nodeId"]].update(fields)

    # -- what tests do

    def add_device(self, hostname, label=None, **fields):
        """A device that is simply there; names that are taken get a number, as on a real tailnet."""
        with self._lock:
            self._numbers += 1
            label = label or self._free_label(hostname)
            device = {
                "id": str(92960230385 + self._numbers), "nodeId": f"n{secrets.token_hex(5)}CNTRL",
                "name": f"{label}.{self.domain}", "hostname": hostname, "user": "tagged-devices", "os": "linux",
                "addresses": [str(_V4 + self._numbers), str(_V6 + self._numbers)], "tags": [],
                "authorized": True, "created": timestamp(), "lastSeen": timestamp(), "connectedToControl": True,
                "keyExpiryDisabled": True, "isEphemeral": False, "isExternal": False,
                "advertisedRoutes": [], "enabledRoutes": [], **fields}
            self._devices[device["nodeId"]] = device
            return dict(device)

    def add_devices(self, count, hostname="device", **fields):
        """So many at once, without a look at names that are taken."""
        with self._lock:
            for i in range(count):
                self.add_device(f"{hostname}{i}", label=f"{hostname}{i}", **fields)

    def _free_label(self, hostname):
        taken = {device["name"].partition(".")[0] for device in self._devices.values()}
        return next(name for name in [hostname, *(f"{hostname}-{i}" for i in range(1, 1000))] if name not in taken)

    def register(self, key, hostname):
        """A device that logs in with a key; the control server's refusal when it cannot."""
        with self._lock:
            found = next((k for k in self._keys.values() if k["key"] == key), None)
            if found is None or found["expires"] <= timestamp():
                raise ApiError(401, "invalid key: unable to validate API key")
            device = found["capabilities"]["devices"]["create"]
            if not device["reusable"]:
                del self._keys[found["id"]]
            return self.add_device(hostname, tags=device["tags"], isEphemeral=device["ephemeral"],
                                   authorized=device["preauthorized"], **self._made_by(found))

    def change_device(self, identifier, **fields):
        """Gives a device other fields; KeyError when there is none."""
        with self._lock:
            self._devices[identifier].update(fields)
            return dict(self._devices[identifier])

    def _made_by(self, _key):
        """What a device shows of the key that it was registered with."""
        return {}


class MemoryHeadscale(MemoryTailnet):
    """The same as a Headscale has it: all identifiers are numbers, names have no domain."""

    def create_key(self, capabilities, seconds, description):
        with self._lock:
            self._numbers += 1
            identifier = str(self._numbers)
            key = key_document(identifier, capabilities, seconds, description)
            key["key"] = f"hskey-auth-{secrets.token_hex(6)}-{secrets.token_hex(32)}"
            self._keys[identifier] = key
            return dict(key)

    def add_device(self, hostname, label=None, **fields):
        with self._lock:
            device = super().add_device(hostname, label)
            self.delete_device(device)
            number = str(self._numbers)
            device |= {"id": number, "nodeId": number, "name": device["name"].partition(".")[0], **fields}
            self._devices[number] = device
            return dict(device)

    def _made_by(self, key):
        return {"preAuthKeyId": key["id"]}
