"""Kubernetes objects of the stories, as small functions that return what a manifest would say."""

import base64

from realbed import settings

from . import layout

HEALTH_PORT = 9002
AUTHORITY = "test-authority"
_TRUST = "/etc/test-authority"


def metadata(name, labels=None):
    return {"name": name, **({"labels": labels} if labels else {})}


def config_map(name, data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name), "data": data}


def secret(name, data=None):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in (data or {}).items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata(name), "data": encoded}


def state(name, key):
    """The state Secret of a node with its key, and the account with the rights on it and no other."""
    return [secret(name, {"authkey": key} if key else {}), *account(name, [name])]


def account(name, secrets):
    """A service account that may use these Secrets, as the reference's manifests give it."""
    core = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata(name)}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name)},
        {**core, "kind": "Role", "rules": [
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": list(secrets),
             "verbs": ["get", "update", "patch"]},
            {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "create", "patch"]}]},
        {**core, "kind": "RoleBinding", "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
         "subjects": [{"kind": "ServiceAccount", "name": name}]},
    ]


def _field(name, path):
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _probe(path, **times):
    return {"httpGet": {"path": path, "port": HEALTH_PORT}, **times}


PROBES = {
    "startupProbe": _probe("/readyz", periodSeconds=1, failureThreshold=120),
    "readinessProbe": _probe("/readyz", periodSeconds=2, failureThreshold=3, timeoutSeconds=2),
    "livenessProbe": _probe("/livez", periodSeconds=10, failureThreshold=6, timeoutSeconds=5),
}


def proxy(environment, *, kernel=True, mounts=(), probes=True, image=layout.PROXY_IMAGE, **more):
    """The container of a node; environment adds to what every node of the stories has."""
    common = {"TS_KUBE_SECRET": "$(POD_NAME)", "TS_EXTRA_ARGS": f"--login-server={settings.CONTROL_URL}",
              "TS_USERSPACE": "false" if kernel else "true", "TS_AUTH_ONCE": "true", "TS_ENABLE_HEALTH_CHECK": "true",
              "TS_HOSTNAME": "$(POD_NAME)", "TS_NO_LOGS_NO_SUPPORT": "true", "TS_DEBUG_FIREWALL_MODE": "nftables",
              "SSL_CERT_FILE": f"{_TRUST}/ca.crt", **environment}
    container = {
        "name": "tailscale", "image": image, "imagePullPolicy": "Never",
        "env": [_field("POD_NAME", "metadata.name"), _field("POD_UID", "metadata.uid"), _field("POD_IP", "status.podIP"),
                _field("POD_IPS", "status.podIPs"),
                *({"name": name, "value": value} for name, value in common.items() if value is not None)],
        "volumeMounts": [{"name": AUTHORITY, "mountPath": _TRUST, "readOnly": True}, *mounts],
        **(PROBES if probes else {}), **more,
    }
    if kernel:
        container["securityContext"] = {"privileged": True}
    return container


def pod_spec(containers, *, account_name=None, volumes=(), **more):
    spec = {"containers": list(containers), "terminationGracePeriodSeconds": 30,
            "volumes": [{"name": AUTHORITY, "configMap": {"name": AUTHORITY}}, *volumes], **more}
    if account_name:
        spec["serviceAccountName"] = account_name
    return spec


def pod(name, spec, labels=None):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata(name, labels or {"app": name}), "spec": spec}


def workload(kind, name, spec, replicas=1, **more):
    """A Deployment or a StatefulSet."""
    labels = {"app": name}
    extra = {"serviceName": name} if kind == "StatefulSet" else {}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata(name, labels),
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": spec}, **extra, **more}}


def service(name, ports, selector=None, **more):
    """ports maps ports of the Service to those of the pods."""
    listed = [{"name": f"p{port}", "port": port, "targetPort": target} for port, target in ports.items()]
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(name),
            "spec": {"selector": selector or {"app": name}, "ports": listed, **more}}


def tool(name, *command, port=None):
    """A container with a server of /tools."""
    container = {"name": name, "image": layout.TOOLS_IMAGE, "imagePullPolicy": "Never",
                 "command": ["/usr/bin/python3", "-u", *map(str, command)]}
    if port:
        container["readinessProbe"] = {"tcpSocket": {"port": port}, "periodSeconds": 1}
    return container


def web(page, port=8080):
    """A container that serves a page."""
    script = f"mkdir -p /tmp/pages && printf %s '{page}' >/tmp/pages/index.html && exec python3 -u " \
             f"/tools/web_server.py 0.0.0.0 {port} /tmp/pages"
    return {**tool("web", port=port), "command": ["/bin/sh", "-c", script]}


def echo(name, port=7000):
    """A container with an echo server, which says who asked."""
    return tool("echo", "/tools/echo_server.py", name, "0.0.0.0", f"{port}-{port}", port=port)
