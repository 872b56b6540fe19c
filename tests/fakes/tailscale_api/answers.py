"""What the API says when it refuses, and faults in its own words.

A fault is `answer(request, real) -> Reply`, as those of `fakes.faults`: `close`, `lost_answer`, `cut`, `drip`, `hang`,
`html`, `not_json`, `raw` and `Gate` there know nothing of Kubernetes and serve here, too.
"""

from ..httpserver import Drop, Reply

NOT_PERMITTED = "calling actor does not have enough permissions to perform this function"
BAD_TOKEN = "API token invalid"
BAD_TAGS = "requested tags [{}] are invalid or not permitted"


class ApiError(Exception):
    """Raised by a handler: the request is refused with a status and a message."""

    def __init__(self, status, message, data=None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.data = data

    def reply(self, headers=()):
        """The answer that the client gets."""
        body = {"message": self.message, "status": self.status}
        if self.data is not None:
            body["data"] = self.data
        return Reply.of_json(body, self.status, headers)


#: codes of gRPC, as Headscale's own API has them in its errors
_GRPC = {400: 3, 404: 5, 409: 6, 403: 7, 401: 16, 501: 12, 503: 14}


class GrpcError(ApiError):
    """A refusal of Headscale's own API; a bad credential is refused before gRPC, in plain text."""

    def reply(self, headers=()):
        if self.status == 401:
            return Reply(401, b"Unauthorized", headers, "text/plain; charset=utf-8")
        body = {"code": _GRPC.get(self.status, 2), "message": self.message, "details": []}
        return Reply.of_json(body, self.status, headers)


class OAuthError(ApiError):
    """A refusal as RFC 6749 has it."""

    def reply(self, headers=()):
        name = "invalid_client" if self.status == 401 else "invalid_request"
        return Reply.of_json({"error": name, "error_description": self.message}, self.status, headers)


def body_of(request, **fields):
    """The JSON object that a request carries; fields are names and types of what must be in it."""
    try:
        body = request.json()
    except ValueError as e:
        raise ApiError(400, "the body is no JSON") from e
    if not isinstance(body, dict):
        raise ApiError(400, "the body is no JSON object")
    for name, kind in fields.items():
        if not isinstance(body.get(name), kind):
            raise ApiError(400, f"{name} is missing or of the wrong type")
    return body


def status(code, message="made by the test", headers=()):
    """Refuse with that status, without effect."""
    return lambda request, real: ApiError(code, message).reply(headers)


def retry_after(seconds, code=429, message="rate limit exceeded"):
    """Refuse and say when to come back; `seconds` may be an HTTP date as well."""
    return status(code, message, [("Retry-After", str(seconds))])


def delay(seconds, then=None):
    """Wait before the request takes effect, then answer truly or as another fault does."""
    def answer(request, real):
        request.connection.closed.wait(seconds)
        if request.connection.peer_gone():
            raise Drop
        return then(request, real) if then else real()
    return answer


def redirect(location, code=302):
    """Say that the API is elsewhere."""
    return lambda request, real: Reply(code, b"", [("Location", location)])


def oversized(size=10 * 1024 * 1024):
    """A success with a body of that many bytes, of which all are valid JSON."""
    return lambda request, real: Reply(200, b'{"message":"' + b"x" * (size - 14) + b'"}')


def forbidden():
    """As for a credential that lacks the scope."""
    return status(403, NOT_PERMITTED)
