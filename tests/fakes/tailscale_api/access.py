"""Who may do what: OAuth clients, the tokens they get, and API tokens."""

import base64
import dataclasses
import secrets
import time
import urllib.parse

from ..httpserver import Reply
from .answers import BAD_TAGS, BAD_TOKEN, NOT_PERMITTED, ApiError, OAuthError

#: what the upstream operator's client is given
OPERATOR_SCOPES = ("auth_keys", "devices:core", "services")


@dataclasses.dataclass
class Client:
    """An OAuth client; `all` among its scopes allows everything and every tag."""

    name: str
    secret: str = dataclasses.field(repr=False)
    scopes: tuple = OPERATOR_SCOPES
    tags: tuple = ("tag:k8s-operator",)

    def may(self, scope, is_write):
        """Whether it has a scope; one that may write may read as well."""
        wanted = {"all", scope, scope.partition(":")[0]}
        if not is_write:
            wanted |= {"all:read", f"{scope}:read", f"{scope.partition(':')[0]}:read"}
        return bool(wanted.intersection(self.scopes))


@dataclasses.dataclass
class Token:
    """What a client shows with each request; `client` None is a person's API token, which may do everything."""

    client: Client | None
    ends: float

    @property
    def name(self):
        """For the log of calls."""
        return self.client.name if self.client else "api token"


class Access:
    """Clients, tokens, and the owners of tags as a policy names them."""

    def __init__(self, token_seconds=3600, is_headscale=False):
        self._is_headscale = is_headscale
        self.clients = {}
        #: tag → the tags whose holders may hand it out
        self.tag_owners = {"tag:k8s-operator": (), "tag:k8s": ("tag:k8s-operator",)}
        self.token_seconds = token_seconds
        self._tokens = {}

    def add_client(self, name="operator", secret=None, **options):
        """Make a client known; a second call with the name replaces it (its tokens stay)."""
        client = Client(name, secret or f"tskey-client-{name}-{secrets.token_hex(16)}", **options)
        self.clients[name] = client
        return client

    def add_token(self, text=None):
        """An API token of a person."""
        return self._new_token(None, 90 * 86400, text)

    def revoke_tokens(self):
        """All tokens end now, as after a rotation; clients get new ones."""
        self._tokens.clear()

    @property
    def untagged_status(self):
        """How a client is refused that asks for a key without tags."""
        return 403 if self._is_headscale else 400

    def secrets(self):
        """Every text that must not appear in a log."""
        return [client.secret for client in self.clients.values()] + list(self._tokens)

    def _new_token(self, client, seconds, text=None):
        kind = ("hskey-oauthtok" if client else "hskey-api") if self._is_headscale else "tskey-api"
        text = text or f"{kind}-{secrets.token_hex(20)}"
        self._tokens[text] = Token(client, time.monotonic() + seconds)
        return text

    def token(self, request, _token, _parts):
        """POST oauth/token: credentials in the form or, as RFC 6749 prefers, as basic authorization."""
        form = {name: values[0] for name, values in urllib.parse.parse_qs(request.body.decode()).items()}
        name, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        client = self.clients.get(name)
        if client is None or not secrets.compare_digest(client.secret, secret):
            raise (OAuthError(401, "unknown client") if self._is_headscale else ApiError(401, BAD_TOKEN))
        if form.get("grant_type", "client_credentials") != "client_credentials":
            raise ApiError(400, "unsupported grant type")
        scopes = form.get("scope", "").replace(",", " ").split()
        if scopes and "all" not in client.scopes and not set(scopes) <= set(client.scopes):
            raise ApiError(403, f'OAuth client cannot grant scopes "{" ".join(scopes)}"')
        granted = dataclasses.replace(client, scopes=tuple(scopes or client.scopes))
        return Reply.of_json({"access_token": self._new_token(granted, self.token_seconds), "token_type": "Bearer",
                              "expires_in": self.token_seconds, "scope": " ".join(granted.scopes),
                              "tags": " ".join(granted.tags)})

    def check(self, request, scope, is_person_only=False):
        """The token of a request; refuses one that is unknown, over, or without the scope."""
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            text = (_basic(request) or ("", ""))[0]
        token = self._tokens.get(text)
        if token is None or time.monotonic() >= token.ends or (is_person_only and token.client):
            raise ApiError(401, BAD_TOKEN)
        if scope and token.client and not token.client.may(scope, request.method not in ("GET", "HEAD")):
            raise ApiError(403, NOT_PERMITTED)
        return token

    def check_tags(self, token, tags):
        """Refuses tags that the holder may not hand out: others than all of its own and those that its own own."""
        unknown = set(tags) - set(self.tag_owners)
        client = token.client
        if client and "all" not in client.scopes and set(tags) != set(client.tags):
            unknown |= {tag for tag in tags if not set(self.tag_owners.get(tag, ())) & set(client.tags)}
        if unknown:
            is_known = set(tags) <= set(self.tag_owners)
            raise ApiError(403 if self._is_headscale and is_known else 400, BAD_TAGS.format(" ".join(tags)))


def _basic(request):
    """User name and password of basic authorization; None without it."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError as e:
        raise ApiError(401, BAD_TOKEN) from e
    return urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(password)
