"""Lets other processes program the fake and look at it: calls below `/_fake/`, which no fault and no log concerns.

    POST   faults   {"kinds": "keys", "fault": "retry_after", "arguments": [7], "times": 2 or null}
    DELETE faults
    GET    calls[?kind=keys.create]     DELETE calls
    GET    devices                      POST devices {"hostname": …, more fields, or "count": 40000}
    PATCH  devices/ID {fields}          DELETE devices/ID
    POST   register {"key": …, "hostname": …}: a device appears as if a node had logged in with that key
    GET    keys
    POST   clients {"name": …, "secret": …, "scopes": […], "tags": […]}
    POST   tokens {"text": …}           DELETE tokens: all are revoked
    POST   owners {"tag:k8s": ["tag:k8s-operator"]}: of tags, in place of those before
"""

import dataclasses

from .. import faults
from ..httpserver import Reply
from . import answers

PREFIX = "/_fake/"

#: by the name in a request
_FAULTS = {
    "status": answers.status, "retry_after": answers.retry_after, "delay": answers.delay,
    "forbidden": answers.forbidden, "redirect": answers.redirect, "oversized": answers.oversized,
    "lost_answer": faults.lost_answer, "close": faults.close, "cut": faults.cut, "drip": faults.drip,
    "hang": faults.hang, "html": faults.html, "not_json": faults.not_json,
    "raw": lambda text, code=200: faults.raw(text.encode(), code),
}


class Remote:
    """The calls; `api` is the fake that they are about."""

    def __init__(self, api):
        self._api = api

    def __call__(self, request):
        words = request.path.removeprefix(PREFIX).split("/")
        action = getattr(self, f"{request.method.lower()}_{words[0]}", None)
        if action is None or len(words) > 2:
            return answers.ApiError(404, "no such call of the fake").reply()
        try:
            return Reply.of_json(action(request, *words[1:]))
        except (KeyError, TypeError, ValueError) as e:
            return answers.ApiError(400, f"{type(e).__name__}: {e}").reply()
        except answers.ApiError as e:
            return e.reply()

    def post_faults(self, request):
        """One more fault."""
        asked = request.json()
        made = _FAULTS[asked["fault"]](*asked.get("arguments", []))
        self._api.fault(asked["kinds"], made, asked.get("times", 1))

    def delete_faults(self, _request):
        """Be well again."""
        self._api.clear_faults()

    def get_calls(self, request):
        """The log."""
        return [dataclasses.asdict(call) for call in self._api.calls.of(*request.query.get("kind", ()))]

    def delete_calls(self, _request):
        """Forget the log."""
        self._api.calls.clear()

    def get_devices(self, _request):
        """All."""
        return self._api.tailnet.devices()

    def post_devices(self, request):
        """A device, or many."""
        asked = request.json()
        if "count" in asked:
            return self._api.tailnet.add_devices(asked.pop("count"), **asked)
        return self._api.tailnet.add_device(asked.pop("hostname"), **asked)

    def patch_devices(self, request, identifier):
        """Other fields of one."""
        return self._api.tailnet.change_device(identifier, **request.json())

    def delete_devices(self, _request, identifier):
        """It is gone, as by a person's hand."""
        self._api.tailnet.delete_device({"nodeId": identifier})

    def post_register(self, request):
        """A node logs in."""
        asked = request.json()
        return self._api.tailnet.register(asked["key"], asked["hostname"])

    def get_keys(self, _request):
        """All that can be used."""
        return self._api.tailnet.keys()

    def post_clients(self, request):
        """An OAuth client."""
        asked = request.json()
        more = {name: tuple(asked[name]) for name in ("scopes", "tags") if name in asked}
        return {"secret": self._api.access.add_client(asked["name"], asked.get("secret"), **more).secret}

    def post_tokens(self, request):
        """An API token."""
        return {"token": self._api.access.add_token(request.json().get("text"))}

    def delete_tokens(self, _request):
        """All tokens end."""
        self._api.access.revoke_tokens()

    def post_owners(self, request):
        """Owners of tags."""
        self._api.access.tag_owners = {tag: tuple(owners) for tag, owners in request.json().items()}
