"""Which request is which call, and the scope that it needs."""

import dataclasses
import urllib.parse

PREFIX = "/api/v2/"
_TAILNET = "api/v2/tailnet/{tailnet}"
_DEVICE = "api/v2/device/{device}"
_KEY_V1 = "api/v1/preauthkey"
_NODE_V1 = "api/v1/node/{device}"
#: a scope that no client has: API keys only
_PERSON = "person"


@dataclasses.dataclass(frozen=True)
class Route:
    """One call; `kind` is `resource.action`, `scope` None is open to everybody."""

    kind: str
    method: str
    path: str
    scope: str | None

    def match(self, method, words):
        """The parts of the path by name; None when it is another call."""
        pattern = self.path.split("/")
        if method != self.method or len(pattern) != len(words):
            return None
        parts = {}
        for wanted, word in zip(pattern, words):
            if wanted.startswith("{"):
                parts[wanted[1:-1]] = word
            elif wanted != word:
                return None
        return parts


ROUTES = tuple(Route(*row) for row in (
    ("oauth.token", "POST", "api/v2/oauth/token", None),
    ("keys.create", "POST", f"{_TAILNET}/keys", "auth_keys"),
    ("keys.list", "GET", f"{_TAILNET}/keys", "auth_keys"),
    ("keys.get", "GET", f"{_TAILNET}/keys/{{key}}", "auth_keys"),
    ("keys.delete", "DELETE", f"{_TAILNET}/keys/{{key}}", "auth_keys"),
    ("devices.list", "GET", f"{_TAILNET}/devices", "devices:core"),
    ("devices.get", "GET", _DEVICE, "devices:core"),
    ("devices.delete", "DELETE", _DEVICE, "devices:core"),
    ("devices.authorize", "POST", f"{_DEVICE}/authorized", "devices:core"),
    ("devices.set_key", "POST", f"{_DEVICE}/key", "devices:core"),
    ("devices.set_name", "POST", f"{_DEVICE}/name", "devices:core"),
    ("devices.set_tags", "POST", f"{_DEVICE}/tags", "devices:core"),
    ("devices.routes", "GET", f"{_DEVICE}/routes", "devices:routes"),
    ("devices.set_routes", "POST", f"{_DEVICE}/routes", "devices:routes"),
    ("services.list", "GET", f"{_TAILNET}/vip-services", "services"),
    ("services.get", "GET", f"{_TAILNET}/vip-services/{{service}}", "services"),
    ("services.put", "PUT", f"{_TAILNET}/vip-services/{{service}}", "services"),
    ("services.delete", "DELETE", f"{_TAILNET}/vip-services/{{service}}", "services"),
    ("settings.get", "GET", f"{_TAILNET}/settings", "feature_settings"),
    ("settings.patch", "PATCH", f"{_TAILNET}/settings", "feature_settings"),
))

#: of a Headscale's own API; what both APIs can do has the same kind
ROUTES_V1 = tuple(Route(*row) for row in (
    ("health.get", "GET", "api/v1/health", _PERSON),
    ("keys.create", "POST", _KEY_V1, _PERSON),
    ("keys.list", "GET", _KEY_V1, _PERSON),
    ("keys.delete", "DELETE", _KEY_V1, _PERSON),
    ("devices.list", "GET", "api/v1/node", _PERSON),
    ("devices.get", "GET", _NODE_V1, _PERSON),
    ("devices.delete", "DELETE", _NODE_V1, _PERSON),
))
_VERSION = (Route("version.get", "GET", "version", None),)
_NOT_IN_HEADSCALE = ("services.", "settings.")

#: what each control plane serves
DIALECTS = {
    "tailscale": ROUTES,
    "headscale-v2": _VERSION + ROUTES_V1 + tuple(r for r in ROUTES if not r.kind.startswith(_NOT_IN_HEADSCALE)),
    "headscale-v1": _VERSION + ROUTES_V1,
}

KINDS = tuple(dict.fromkeys(route.kind for routes in (ROUTES, ROUTES_V1, _VERSION) for route in routes))


def is_v1(route):
    """Whether it is one of Headscale's own API."""
    return route in ROUTES_V1


def find(method, path, dialect="tailscale"):
    """The route of a request and the parts of its path; (None, {}) when the API has no such call."""
    words = [urllib.parse.unquote(word) for word in path.removeprefix("/").split("/")]
    for route in DIALECTS[dialect]:
        parts = route.match(method, words)
        if parts is not None:
            return route, parts
    return None, {}


def expand(kinds):
    """Kinds of calls: `keys.create` is itself, `keys` all calls of that resource, `*` all there are."""
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    found = {kind for kind in KINDS for wanted in kinds if wanted in ("*", kind, kind.partition(".")[0])}
    unknown = [wanted for wanted in kinds if wanted != "*" and wanted not in found
               and not any(kind.startswith(f"{wanted}.") for kind in found)]
    if unknown:
        raise ValueError(f"the API has no calls {unknown}; it has {KINDS}")
    return found
