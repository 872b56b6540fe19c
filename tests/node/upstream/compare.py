"""What a pod shows to others, without what is this one pod's own: two pods that do the same show the same."""

import contextlib
import difflib
import http.client
import json
import re

from realbed import netns

_PORT = 9002
# The daemon chooses the number of its profile.
_PROFILE = re.compile(r"(profile-|_serve_)[0-9a-f]+")
_NOT_COMPARED = ("connection", "content-length", "date", "tailscale-version", "transfer-encoding")
# Private to the daemon, or written by the operator.
_NOT_SHOWN = re.compile(r"_.*|profile-.*|cap-\d+\.hujson|serve-config")


def keys(published):
    """The names of the keys of a state Secret, all profiles alike."""
    return sorted(_PROFILE.sub(r"\1N", key) for key in published)


def shown(pod, published, names):
    """Values of the keys that others read, byte for byte; names maps texts that are the pod's own to common ones."""
    own = {pod.uid(): "UID", pod.address: "POD", published["device_fqdn"].rstrip("."): "FQDN", **names}
    own |= {address: f"IP{number}" for number, address in enumerate(json.loads(published["device_ips"]))}
    values = {key: value for key, value in published.items() if not _NOT_SHOWN.fullmatch(key)}
    if values.pop("device_id", "").isdigit():
        values["device_id"] = "ID"
    return {key: replaced(value, own) for key, value in values.items()}


def replaced(text, names):
    """A text with other names, the longest first."""
    for old in sorted(names, key=len, reverse=True):
        text = text.replace(old, names[old])
    return text


def difference(one, other):
    """The lines in which two documents differ, to read."""
    texts = [json.dumps(each, indent=1, sort_keys=True, default=str).splitlines() for each in (one, other)]
    return "\n".join(difflib.unified_diff(*texts, "ours", "reference", lineterm="", n=1))


def answers(pod):
    """Status, headers and, of the health check, the body of each endpoint that a probe may ask.

    Names of headers have no case; how a body is delimited is between the two ends of a connection, and what the daemon
    calls its build is not the entry program's.
    """
    return {path: _get(pod, path) for path in ("/healthz", "/metrics")}


def _get(pod, path):
    with contextlib.suppress(OSError):
        connection = http.client.HTTPConnection(pod.address, _PORT, timeout=5)
        connection.sock = netns.connect(pod.namespace, pod.address, _PORT, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
            headers = {name.lower(): value.replace(pod.address, "POD") for name, value in answer.getheaders()
                       if name.lower() not in _NOT_COMPARED}
            return answer.status, headers, body.replace(pod.address, "POD") if path == "/healthz" else ""
    return "no listener"


def template(children, names):
    """The specification of the StatefulSet among the children of an object, with common names."""
    found = next(child for child in children if child["kind"] == "StatefulSet")
    own = {found["metadata"]["name"]: "NAME", found["spec"]["selector"]["matchLabels"].get("app", ""): "APP", **names}
    own.pop("", None)
    return json.loads(replaced(json.dumps(found["spec"]), own))
