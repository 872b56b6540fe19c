"""The documents that an operator and a proxy pod exchange: what is wanted, and what stands."""

import json

from . import wait
from .mounted import MountedFolder

STATUS = "egress-services"
INGRESS_STATUS = "ingress-config.json"


def service(*ports, ip="", fqdn="", health=""):
    """An egress service; each port is (protocol, match port, target port)."""
    return {"healthCheckEndpoint": health, "tailnetTarget": {"ip": ip, "fqdn": fqdn},
            "ports": [{"protocol": protocol, "matchPort": match, "targetPort": target}
                      for protocol, match, target in ports]}


class EgressFolder:
    """The mounted folder of a pod's egress services; write() swaps it as kubelet does."""

    def __init__(self, pod, services, pings=None):
        self._pings = pings
        self._mounted = MountedFolder(pod.folder / "proxies", self._files(services))
        pod.environment["TS_EGRESS_PROXIES_CONFIG_PATH"] = self._mounted.path

    def _files(self, services):
        files = {"egress-services": json.dumps(services)}
        if self._pings is not None:
            files["hep-pings"] = str(self._pings)
        return files

    def write(self, services):
        self._mounted.write(self._files(services))


def _compact(value):
    return json.dumps(value, separators=(",", ":"))


def _place(port):
    return port["protocol"], port["matchPort"], port["targetPort"]


def _in_order_of(found, wanted):
    return found if sorted(found) == sorted(wanted) else sorted(wanted)


def status_text(pod, services, found):
    """The exact status of services, name -> (service, target addresses).

    The order of ports is free, and that of addresses where they are a set: it is taken from the text that was
    found, where the members are the same.
    """
    try:
        there = json.loads(found)["services"] or {}
    except (ValueError, KeyError, TypeError):
        there = {}
    texts = []
    for name in sorted(services):
        wanted, addresses = services[name]
        ports = there.get(name, {}).get("ports") or []
        if sorted(map(_place, ports)) != sorted(map(_place, wanted["ports"])):
            ports = wanted["ports"]
        if isinstance(addresses, set):
            addresses = _in_order_of(there.get(name, {}).get("tailnetTargetIPs") or [], addresses)
        ordered = [{key: port[key] for key in ("protocol", "matchPort", "targetPort")} for port in ports]
        target = {key: wanted["tailnetTarget"][key] for key in ("ip", "fqdn")}
        texts.append(f'{_compact(name)}:{{"ports":{_compact(ordered)},"tailnetTargetIPs":{_compact(addresses)},'
                     f'"tailnetTarget":{_compact(target)}}}')
    body = "{" + ",".join(texts) + "}" if texts else "null"
    return f'{{{_pod_addresses(pod)},"services":{body}}}'


def _pod_addresses(pod):
    second = f',"podIPv6":"{pod.address6}"' if pod.address6 else ""
    return f'"podIPv4":"{pod.address}"{second}'


def ingress_text(pod, services):
    """The exact status of ingress services."""
    configs = f'"configs":{_compact({name: services[name] for name in sorted(services)})},' if services else ""
    return f"{{{configs}{_pod_addresses(pod)}}}"


def wait_status(pod, services, deadline=10):
    """Waits until the pod's status of egress services is exactly that of `services`, see status_text()."""

    def there():
        found = pod.published().get(STATUS, "")
        return found == status_text(pod, services, found)

    _wait(pod, STATUS, there, deadline)


def wait_ingress_status(pod, services, deadline=10):
    _wait(pod, INGRESS_STATUS, lambda: pod.published().get(INGRESS_STATUS) == ingress_text(pod, services), deadline)


def _wait(pod, key, condition, deadline):
    try:
        wait.wait_for(condition, deadline, f"the status {key} of {pod.name}")
    except wait.Timeout as error:
        raise wait.Timeout(f"{error}\n{key}: {pod.published().get(key)}") from None


def mapping(virtual, cluster):
    """One family of an ingress service: from a service's tailnet address to one of the cluster."""
    return {"TailscaleServiceIP": virtual, "ClusterIP": cluster}


def ingress_service(virtual, cluster):
    """An ingress service of both families; virtual and cluster are pairs of addresses, IPv4 first."""
    return {"IPv4Mapping": mapping(virtual[0], cluster[0]), "IPv6Mapping": mapping(virtual[1], cluster[1])}
