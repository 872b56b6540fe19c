"""Which services a pod gets: the document of the operator, and the peers it names."""

import dataclasses
import json

from fakes import notify

OWN_ADDRESS = "100.64.0.1"
#: the tailnet address that all services lead to: a target for each of 1,000 services costs the reference
#: three times as much and us nothing
TARGET = "100.65.1.1"
FIRST_PORT = 10_000
TARGET_PORT = 8000


@dataclasses.dataclass(frozen=True)
class Shape:
    """So many services with so many ports each; match ports are consecutive from FIRST_PORT."""

    services: int
    ports: int

    @property
    def maps(self):
        """Port maps in all."""
        return self.services * self.ports

    @property
    def name(self):
        """Key in results, e.g. 1x1000."""
        return f"{self.services}x{self.ports}"

    @property
    def title(self):
        """For people."""
        services = "1 service" if self.services == 1 else f"{self.services:,} services"
        ports = "1 port" if self.ports == 1 else f"{self.ports:,} ports"
        return f"{services}, {ports}" + (" each" if self.services > 1 else "")

    def document(self):
        """Content of `egress-services`."""
        made = {}
        for number in range(self.services):
            first = FIRST_PORT + number * self.ports
            ports = [{"protocol": "tcp", "matchPort": first + n, "targetPort": TARGET_PORT}
                     for n in range(self.ports)]
            made[f"service-{number:04d}"] = {
                "healthCheckEndpoint": "", "ports": ports,
                "tailnetTarget": {"ip": TARGET, "fqdn": ""}}
        return json.dumps(made)

    def first_message(self):
        """What the daemon reports to a new subscription: this node, and the peer that is the target."""
        own = notify.node("nSelfBENCH", "bench-node.bench-tailnet.ts.net.", [OWN_ADDRESS + "/32"],
                          number=900_000)
        peer = notify.node("nPeerBENCH", "target.bench-tailnet.ts.net.", [TARGET + "/32"], number=1,
                           allowed=[TARGET + "/32"])
        return notify.running(own, [peer])

    def is_complete(self, status):
        """Whether a status document contains all services, ports and targets."""
        services = status.get("services") or {}
        return (len(services) == self.services
                and all(s.get("tailnetTargetIPs") and len(s["ports"]) == self.ports
                        for s in services.values()))


ONE, HUNDRED, THOUSAND = Shape(1, 1), Shape(1, 100), Shape(1, 1000)
SERVICES = Shape(1000, 1)
ALL = (ONE, HUNDRED, THOUSAND, SERVICES)
