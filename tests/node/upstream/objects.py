"""What a person asks the upstream operator for."""

_API = "tailscale.com/v1alpha1"
_PREFIX = "tailscale.com/"


def _metadata(name, annotations=None, proxy_class=None):
    labels = {f"{_PREFIX}proxy-class": proxy_class} if proxy_class else None
    named = {f"{_PREFIX}{key}": value for key, value in (annotations or {}).items()}
    return {"name": name, **({"annotations": named} if named else {}), **({"labels": labels} if labels else {})}


def proxy_class(name, environment, image=None):
    """A ProxyClass with the environment and, other than the operator's own, an image."""
    container = {"imagePullPolicy": "Never", **({"image": image} if image else {})}
    main = {**container, "env": [{"name": key, "value": value} for key, value in environment.items()]}
    return {"apiVersion": _API, "kind": "ProxyClass", "metadata": _metadata(name), "spec": {
        "metrics": {"enable": True},
        "statefulSet": {"pod": {"tailscaleContainer": main, "tailscaleInitContainer": container}}}}


def connector(name, routes, proxy_class_name):
    """A subnet router; the operator's default ProxyClass is not for Connectors."""
    return {"apiVersion": _API, "kind": "Connector", "metadata": _metadata(name),
            "spec": {"hostname": name, "proxyClass": proxy_class_name, "subnetRouter": {"advertiseRoutes": list(routes)}}}


def proxy_group(name, kind, replicas, proxy_class_name=None):
    """A ProxyGroup of kind egress or ingress."""
    chosen = {"proxyClass": proxy_class_name} if proxy_class_name else {}
    return {"apiVersion": _API, "kind": "ProxyGroup", "metadata": _metadata(name),
            "spec": {"type": kind, "replicas": replicas, **chosen}}


def _service(name, annotations, proxy_class_name, spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(name, annotations, proxy_class_name), "spec": spec}


def _ports(ports):
    return [{"name": f"p{port}", "port": port, "targetPort": target} for port, target in ports.items()]


def exposed(name, app, ports, proxy_class_name=None):
    """A Service that the tailnet can reach."""
    return _service(name, {"expose": "true"}, proxy_class_name, {"selector": {"app": app}, "ports": _ports(ports)})


def exposed_name(name, target, proxy_class_name=None):
    """A name of the cluster that the tailnet can reach."""
    return _service(name, {"expose": "true"}, proxy_class_name, {"type": "ExternalName", "externalName": target})


def egress(name, fqdn, proxy_class_name=None):
    """A node of the tailnet that the cluster can reach by the name of a Service."""
    return _service(name, {"tailnet-fqdn": fqdn}, proxy_class_name,
                    {"type": "ExternalName", "externalName": "placeholder"})


def group_egress(name, group, fqdn, port):
    """The same by the pods of a group, for one port of the node."""
    return _service(name, {"tailnet-fqdn": fqdn, "proxy-group": group}, None,
                    {"type": "ExternalName", "externalName": "placeholder", "ports": _ports({port: port})})


def group_ingress(name, group, app, ports):
    """A Service that the tailnet can reach by the pods of a group."""
    return _service(name, {"proxy-group": group}, None, {
        "type": "LoadBalancer", "loadBalancerClass": "tailscale", "allocateLoadBalancerNodePorts": False,
        "selector": {"app": app}, "ports": _ports(ports)})
