"""Who may speak to the API server: certificates of the programs, and their kubeconfig files."""

import base64
import json


def _text(path):
    return base64.b64encode(path.read_bytes()).decode()


def write_config(path, authority, server, pair, *, server_name=None):
    """A kubeconfig with everything inside; pair is a client's certificate and key."""
    certificate, key = pair
    cluster = {"server": server, "certificate-authority-data": _text(authority.certificate)}
    if server_name:
        cluster["tls-server-name"] = server_name
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "tailboot",
        "clusters": [{"name": "tailboot", "cluster": cluster}],
        "users": [{"name": "tailboot", "user": {"client-certificate-data": _text(certificate),
                                                "client-key-data": _text(key)}}],
        "contexts": [{"name": "tailboot", "context": {"cluster": "tailboot", "user": "tailboot"}}],
    }, indent=1))
    path.chmod(0o600)
    return path


def program_config(folder, authority, server, name, *, group=None):
    """A kubeconfig for a program of the cluster; its user is system:NAME."""
    subject = f"/O={group}/CN=system:{name}" if group else f"/CN=system:{name}"
    label = name.replace(":", "-")
    return write_config(folder / f"{label}.kubeconfig", authority, server, authority.issue(label, subject))
