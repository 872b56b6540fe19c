"""A proxy of services: its two mounted documents, its peers, and what it publishes."""

import json
import time

from fakes import notify
from fakes.waiting import wait_until
from harness import STARTED
from mounted import Mounted

KEY_EGRESS, KEY_INGRESS = "egress-services", "ingress-config.json"
OWN = notify.node(addresses=("100.64.0.1/32", "fd7a:115c:a1e0::1/128"))


def egress(fqdn="", ip="", port=4000):
    """An egress service with one port."""
    return {"tailnetTarget": {"ip": ip, "fqdn": fqdn},
            "ports": [{"protocol": "tcp", "matchPort": port, "targetPort": 80}]}


def ingress(vip, cluster_ip):
    """An ingress service of one family."""
    family = "IPv6" if ":" in vip else "IPv4"
    return {family + "Mapping": {"TailscaleServiceIP": vip, "ClusterIP": cluster_ip}}


def peer(number, *addresses):
    """A peer called pNUMBER.t.ts.net."""
    return notify.node(f"id{number}", f"p{number}.t.ts.net.", addresses, number=number + 1)


def name_of(number):
    """The name of that peer, as a service writes it."""
    return f"p{number}.t.ts.net"


def most_contributions(begun):
    """How many contributions there can have been since that time: a burst, then one in 20 ms (which is how
    long the pause is in a test), and one for each time that nothing happened for a second."""
    spent = time.monotonic() - begun
    return 10 + spent / 0.02 + 8 * spent


class Proxy:
    """Both documents are mounted and empty; the program is started by `start`."""

    def __init__(self, world):
        self.world = world
        self.program = None
        self.egress = Mounted(world.root / "mnt/egress")
        self.ingress = Mounted(world.root / "mnt/ingress")

    def environment(self, **more):
        """As an operator sets it: configured by a file, state in the Secret."""
        env = {"TS_USERSPACE": "false", "POD_IPS": "10.0.0.2,fd00::2",
               "TS_TEST_FAKE_NETFILTER_6": "true",
               "TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": self.world.config_dir(),
               "TS_EGRESS_PROXIES_CONFIG_PATH": self.egress.path,
               "TS_INGRESS_PROXIES_CONFIG_PATH": self.ingress.path / KEY_INGRESS,
               "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{self.world.local_port}"}
        env.update(more)
        return self.world.kube_env(**env)

    def start(self, *peers, own=None, wrapper=(), **more):
        """Start beside a daemon that runs and has these peers."""
        self.report(*peers, own=own)
        self.program = self.world.start(self.environment(**more), wrapper=wrapper)
        self.program.wait_log(STARTED, 20)
        return self.program

    def report(self, *peers, own=None):
        """Let the daemon report everything again."""
        self.world.lapi.bus.publish(notify.running(own or OWN, list(peers)))

    def move(self, *peers):
        """Let the daemon report that these peers have changed, and nothing else."""
        self.world.lapi.bus.publish({"PeersChanged": list(peers)}, remember=False)

    def mount(self, egress_services=None, ingress_services=None):
        """Swap documents in; what is not given stays."""
        if egress_services is not None:
            self.egress.swap({KEY_EGRESS: egress_services})
        if ingress_services is not None:
            self.ingress.swap({KEY_INGRESS: ingress_services})

    def status(self, key=KEY_EGRESS):
        """The published document; None without one."""
        text = self.world.kube.get().get(key)
        return None if text is None else json.loads(text)

    def targets(self):
        """name -> published addresses of its target."""
        services = (self.status() or {}).get("services") or {}
        return {name: service["tailnetTargetIPs"] for name, service in services.items()}

    def wait_targets(self, wanted, timeout=15):
        """Wait until exactly these services lead exactly there."""
        wait_until(lambda: self.targets() == wanted, timeout,
                   lambda: f"targets {self.targets()} instead of {wanted}")

    def wait_mappings(self, names, timeout=15):
        """Wait until exactly these ingress services are published."""
        wait_until(lambda: sorted((self.status(KEY_INGRESS) or {}).get("configs", {}))
                   == sorted(names), timeout,
                   lambda: f"{self.status(KEY_INGRESS)} instead of {names}")

    def statuses(self, key=KEY_EGRESS):
        """All that was ever published, without withdrawals."""
        return [json.loads(text) for text in self.world.kube.written(key) if text is not None]

    def without_kubernetes(self, **more):
        """The same with a folder for state and statuses, and the firewall of the kernel."""
        env = self.environment(TS_TEST_FAKE_NETFILTER="false", TS_STATE_DIR=self.state, **more)
        return {name: value for name, value in env.items()
                if not name.startswith("KUBERNETES_")}

    @property
    def state(self):
        """The folder for state and statuses."""
        return self.world.root / "state"

    def document(self, key=KEY_EGRESS):
        """The file of a status without Kubernetes."""
        return self.state / "published" / key
