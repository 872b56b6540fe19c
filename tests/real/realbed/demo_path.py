"""The data path of the demonstration: connections through the pod, seen at every place they pass."""

import json
import re
import threading
from contextlib import contextmanager

from . import echo, netns, ruleset, settings, wait
from .capture import Capture
from .echo import Echo, Flow
from .services import EgressFolder, service
from .trace import Trace, end

_BY_ADDRESS, _BY_NAME = 10000, 10001


class DataPath:
    """A client and a server in the cluster, a server at the peer, and the pod between them."""

    def __init__(self, bed):
        port = str(echo.PORT)
        self._bed = bed
        self.client = bed.client()
        self.client_address = _address_in(self.client)
        Echo(bed.peer.namespace, "peer's server", bed.peer.folder, [bed.peer.address, bed.peer.address6], port)
        namespace, self.server = bed.network.add("server", dual=True)
        Echo(namespace, "cluster's server", bed.folder / "server", [self.server], port)
        self._pod = None

    def environment(self):
        """What makes a pod carry all that reaches its tailnet address to the server."""
        return {"TS_DEST_IP": self.server}

    def mount(self, pod):
        """The egress services of a pod, before it starts: by address, and by the peer's name."""
        self._pod = pod
        peer = self._bed.peer
        EgressFolder(pod, {
            "by-address": service(("TCP", _BY_ADDRESS, echo.PORT), ip=peer.address),
            "by-name": service(("TCP", _BY_NAME, echo.PORT), fqdn=_name(peer))})

    def _nft(self, *words):
        return ruleset.nft(self._pod.namespace, *words)

    def tables(self):
        """Our tables, as nft names them."""
        return [" ".join(table) for table in sorted(ruleset.own_tables(self._pod.namespace))]

    def rules(self):
        """All of our tables with the handles of their objects, without counts."""
        text = "".join(self._nft("-a", "list", "table", *table) for table in sorted(ruleset.OWN))
        return re.sub(r"packets \d+ bytes \d+", "", text)

    def guarded(self):
        """Packets that the leak guard has dropped."""
        return ruleset.guard_drops(self._pod.namespace)

    def show_rules(self, screen):
        """What the maps hold, and the status of the egress services."""
        screen.step("Reading the rules: the maps in the kernel, and the status that an operator reads")
        for family, table in sorted(ruleset.OWN):
            for name in ("egress_pm", "daddr_map"):
                text = self._nft("list", "map", family, table, name)
                elements = re.search(r"elements = \{([^}]*)\}", text)
                for element in elements.group(1).split(",") if elements else []:
                    what, target = re.sub(r"\s*comment \"[^\"]*\"", "", element).strip().split(" : ")
                    screen.show(f"{family} {name}", f"{what.replace(' . ', ' ')} → {target.replace(' . ', ' port ')}")
        status = json.loads(self._pod.wait_published(5, **{"egress-services": None})["egress-services"])
        for name, row in status["services"].items():
            screen.show(f"status of {name}", ", ".join(row["tailnetTargetIPs"]))

    def show_egress(self, screen):
        """From the cluster into the tailnet: to an address over IPv4, to a name over IPv6."""
        own, peer = self._pod.client.addresses(), self._bed.peer
        screen.step(f"Cluster to tailnet by port map: a client asks the pod's port {_BY_ADDRESS}, the peer answers")
        _check(self._show(screen, self.client, self._pod.address, _BY_ADDRESS), own[0], peer.address)
        screen.step(f"Cluster to tailnet by name: port {_BY_NAME} leads to {_name(peer)}, here over IPv6")
        _check(self._show(screen, self.client, self._pod.address6, _BY_NAME), own[1], peer.address6)

    def show_ingress(self, screen):
        """From the tailnet into the cluster."""
        screen.step("Tailnet to cluster: the peer asks the pod's tailnet address, a server in the cluster answers")
        answer = self._show(screen, self._bed.peer.namespace, self._pod.client.address(), echo.PORT)
        _check(answer, self._pod.address, self.server)

    def _show(self, screen, namespace, address, port):
        wait.wait_for(lambda: echo.who(namespace, address, port), 15, f"an answer from {end(address, port)}")
        with Trace(self._pod.namespace) as trace, Flow(namespace, address, port) as flow:
            own = flow.local()
            answer = flow.ask()
            came, left = trace.through(own[1])
        screen.show("the client sent", f"{end(*own)} → {end(address, port)}")
        screen.show(f"pod, in on {came.interface}", came.ends())
        screen.show(f"pod, out on {left.interface}", left.ends())
        screen.show(f"the {answer.name} got",
                    f"{end(answer.source, answer.source_port)} → {end(answer.address, answer.port)}")
        return answer

    @contextmanager
    def keep(self):
        """A connection that is open within the block and works at its end; yields what happened meanwhile."""
        before, guarded = self.rules(), self.guarded()
        with (Flow(self.client, self._pod.address, _BY_ADDRESS, timeout=10) as flow,
              Capture(self._pod.namespace) as capture, Knocking(self.client, self._pod.address, _BY_ADDRESS)):
            flow.ask()
            result = {}
            yield result
            flow.ask()
        result["the rules"] = "the same, handle for handle" if self.rules() == before else "OTHERS"
        result["an old connection"] = "goes on"
        clear = [frame for _, frame in capture.leaked() if _is_question(bytes.fromhex(frame))]
        result["leak guard"] = f"{self.guarded() - guarded} packets of the client dropped, {len(clear)} sent in clear"
        if self.rules() != before or clear:
            raise AssertionError(f"a restart of the daemon changed rules or leaked: {result}")


def _name(peer):
    return f"{peer.name}.{settings.TAILNET_DOMAIN}"


def _is_question(frame):
    """Whether an Ethernet frame has a TCP segment for our servers; the pod's own probes have not."""
    packet = frame[14:]
    return packet[0] >> 4 == 4 and packet[9] == 6 and int.from_bytes(packet[22:24], "big") == echo.PORT


def _address_in(namespace):
    """The IPv4 address of a namespace on the cluster network."""
    interface, = json.loads(netns.run_inside(namespace, "ip", "-j", "-4", "addr", "show", "dev", "eth0"))
    return interface["addr_info"][0]["local"]


def _check(answer, source, target):
    if (answer.source, answer.address) != (source, target):
        raise AssertionError(f"another path than expected from {source} to {target}: {answer}")


class Knocking:
    """A client that never stops to open connections, one after the other; a context manager."""

    def __init__(self, namespace, address, port):
        self._target = (namespace, address, port)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopped.wait(0.01):
            try:
                netns.connect(*self._target, timeout=0.05).close()
            except OSError:
                pass  # There is no answer without a tunnel.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(5)
