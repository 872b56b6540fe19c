"""Which request is which call, and the scope that it needs."""

import dataclasses
import urllib.parse

PREFIX = "/api/v2/"
_TAILNET = "tailnet/{tailnet}"
_DEVICE = "device/{device}"


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
    ("oauth.token", "POST", "oauth/token", None),
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

KINDS = tuple(route.kind for route in ROUTES)


def find(method, path):
    """The route of a request and the parts of its path; (None, {}) when the API has no such call."""
    words = [urllib.parse.unquote(word) for word in path.removeprefix(PREFIX).split("/")]
    for route in ROUTES:
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
