"""A plain client of the fake API, for tests: one connection a request, no retries."""

import base64
import http.client
import json
import urllib.parse

PREFIX = "/api/v2"
TAILNET = f"{PREFIX}/tailnet/-"


class ApiClient:
    """Asks for a token at its first call, and again when told to."""

    def __init__(self, api, client=None):
        self.api = api
        self.client = client or api.access.add_client("operator", scopes=("all",))
        self.token = None

    def request(self, method, path, body=None, headers=None):
        """Status, decoded body (None without one) and headers of one request as it is."""
        address = urllib.parse.urlsplit(self.api.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers or {})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text.strip() else None, answer.headers
        finally:
            connection.close()

    def log_in(self, secret=None, **form):
        """The answer of the token endpoint."""
        fields = {"client_id": self.client.name, "client_secret": secret or self.client.secret, **form}
        status, body, _ = self.request_form(fields)
        if status == 200:
            self.token = body["access_token"]
        return status, body

    def request_form(self, fields, basic=None):
        """POST of a form to the token endpoint, with basic authorization or without."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        address = urllib.parse.urlsplit(self.api.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        try:
            connection.request("POST", f"{PREFIX}/oauth/token", urllib.parse.urlencode(fields), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer.headers
        finally:
            connection.close()

    def call(self, method, path, body=None, **headers):
        """Status and body of a call with the token."""
        if self.token is None:
            assert self.log_in()[0] == 200
        status, answer, _ = self.request(method, path, body,
                                         {"Authorization": f"Bearer {self.token}", **headers})
        return status, answer

    def new_key(self, tags=("tag:k8s",), **fields):
        """The answer to a request for a key."""
        create = {"reusable": False, "ephemeral": False, "preauthorized": True, "tags": list(tags)}
        return self.call("POST", f"{TAILNET}/keys", {"capabilities": {"devices": {"create": create}}, **fields})
