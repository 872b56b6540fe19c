"""The demonstration: each step says what it does, then shows what really happened."""

import argparse
import signal
import sys
import time

from . import ending, peer, settings, wait
from .bed import Bed
from .demo_path import DataPath
from .probe import TwoWayProbe
from .process import Process
from .web import fetch

_COLOURS = {"step": "1;36", "good": "32", "bad": "1;31", "dim": "2"}


class Screen:
    """Terminal output: numbered steps, shown facts; colours only on a terminal."""

    def __init__(self):
        self._coloured = sys.stdout.isatty()
        self._step = 0

    def _paint(self, kind, text):
        return f"\033[{_COLOURS[kind]}m{text}\033[0m" if self._coloured else text

    def step(self, text):
        self._step += 1
        print(f"\n{self._paint('step', f'[{self._step}] {text}')}", flush=True)

    def show(self, label, value):
        print(f"    {label + ':':<25} {self._paint('good', value)}", flush=True)

    def lines(self, text):
        for line in text.splitlines():
            print(f"    {self._paint('dim', '| ' + line)}", flush=True)

    def fail(self, text):
        print(f"\n{self._paint('bad', 'FAILED: ' + text)}", file=sys.stderr, flush=True)


def _supervisor_lines(pod, after=0):
    """The supervisor's own lines, without the daemon's."""
    return "\n".join(line for line in pod.log()[after:].splitlines() if line.startswith("boot: "))


def _start(screen, bed, path):
    screen.step("Starting the proxy: the supervisor as PID 1 of its own pid, mount and network namespace")
    _, key = bed.headscale.new_key()
    pod = bed.pod("proxy", userspace=False, dual=True, environment={"TS_AUTHKEY": key, **path.environment()})
    path.mount(pod)
    began = time.monotonic()
    pod.boot()
    screen.lines(_supervisor_lines(pod))
    screen.show("start-up took", f"{time.monotonic() - began:.2f} s")
    return pod


def _show_node(screen, bed, pod):
    screen.step("Asking Headscale for the node")
    node = bed.headscale.wait_online(pod.name)
    screen.show("name", node["given_name"])
    screen.show("addresses", ", ".join(node["ip_addresses"]))
    screen.show("online", str(node["online"]).lower())


def _show_published(screen, pod):
    screen.step(f"Reading what the pod published under {pod.state_folder}/published")
    fields = pod.wait_published(10, device_id=None, device_fqdn=None, device_ips=None)
    for key in ("device_id", "device_fqdn", "device_ips"):
        screen.show(key, fields[key])


def _show_health(screen, pod):
    screen.step("Asking for its health on port 9002")
    wait.wait_for(lambda: pod.get("/healthz") == (200, "ok"), 10, "/healthz answers 200")
    screen.show("GET /healthz", "200 ok")


def _fetch_page(screen, bed, pod):
    screen.step(f"Fetching the peer's web page from inside the pod, http://{bed.peer.address}:{peer.PORT}/")
    status, body = wait.wait_for(lambda: fetch(pod.namespace, bed.peer.address, peer.PORT), 15, "the page")
    if (status, body) != (200, peer.PAGE):
        raise AssertionError(f"another page than the peer's: {status} {body!r}")
    screen.show("answer", f"{status}, {len(body)} bytes")
    screen.lines(body)


def _kill_daemon(screen, bed, pod, path):
    screen.step("Killing the daemon (kill -9) while a client keeps knocking and probes run both ways every 10 ms")
    with path.keep() as kept, TwoWayProbe(bed.peer, pod) as probe:
        place, killed = len(pod.log()), time.monotonic()
        old = pod.kill_daemon()
        new = wait.wait_for(lambda: pod.daemon() if pod.daemon() != old else 0, 10, "a new daemon")
        probe.wait_alive(killed, 40)
        gap = probe.longest_silence(killed)
    screen.lines(_supervisor_lines(pod, place))
    screen.show("daemon", f"pid {old} is gone, pid {new} took its place")
    screen.show("traffic gap", f"{gap:.2f} s")
    for label, value in kept.items():
        screen.show(label, value)


def _stop(screen, pod, path):
    screen.step("Stopping the pod with SIGTERM")
    screen.show("tables before", ", ".join(path.tables()))
    place, began = len(pod.log()), time.monotonic()
    status = pod.stop()
    took, left = time.monotonic() - began, path.tables()
    screen.lines(_supervisor_lines(pod, place))
    screen.show("exit status", str(status))
    screen.show("stop took", f"{took:.2f} s")
    screen.show("tables after", ", ".join(left) or "none")
    if status != 0 or left:
        raise AssertionError(f"the supervisor ended with {status} after a requested stop and left {left}")


def _say_how_to_look(screen, bed, pod):
    screen.step("Left running, as asked")
    client = settings.partner("tailscale") / "tailscale"
    headscale = settings.partner("headscale") / "headscale"
    for label, value in [
        ("log", pod.process.log_path),
        ("node's view", f"{client} --socket={pod.client.socket} status"),
        ("Headscale's view", f"{headscale} -c {bed.folder}/headscale/config.yaml nodes list"),
        ("shell inside", f"nsenter --net=/run/netns/{pod.namespace} bash"),
        ("rules", f"nsenter --net=/run/netns/{pod.namespace} nft list ruleset"),
        ("health", f"nsenter --net=/run/netns/{pod.namespace} curl -s http://127.0.0.1:9002/healthz"),
        ("stop the pod", f"kill -TERM {pod.supervisor()}"),
        ("end everything", f"tests/real/demo --end {bed.folder}"),
    ]:
        screen.show(label, str(value))


def _run(screen, keep):
    """All steps; returns the exit status. The bed is gone afterwards unless it is to be kept."""
    bed = pod = None
    try:
        screen.step("Starting Headscale, a tailnet peer, a client and a server, in namespaces without uplink")
        began = time.monotonic()
        bed = Bed()
        path = DataPath(bed)
        screen.show("control server", settings.CONTROL_URL)
        screen.show("peer", f"{bed.peer.name}, {bed.peer.address}")
        screen.show("client, cluster side", path.client_address)
        screen.show("server, cluster side", path.server)
        screen.show("took", f"{time.monotonic() - began:.1f} s")
        pod = _start(screen, bed, path)
        _show_node(screen, bed, pod)
        _show_published(screen, pod)
        _show_health(screen, pod)
        _fetch_page(screen, bed, pod)
        path.show_rules(screen)
        path.show_egress(screen)
        path.show_ingress(screen)
        _kill_daemon(screen, bed, pod, path)
        if keep:
            _say_how_to_look(screen, bed, pod)
            bed = None
        else:
            _stop(screen, pod, path)
    except (Exception, KeyboardInterrupt) as error:
        screen.fail(str(error) or type(error).__name__)
        for candidate in bed.pods() if bed else []:
            if candidate.process:
                print(f"--- last lines of {candidate.name}\n{candidate.process.tail(40)}", file=sys.stderr)
        return 1
    finally:
        if bed:
            bed.close()
    if not keep:
        screen.step("Done; every process, namespace and file of the demonstration is gone")
    return 0


def _interrupted(*_):
    raise KeyboardInterrupt("ended by a signal")


def main():
    parser = argparse.ArgumentParser(prog="tests/real/demo", description="The supervisor's main job on real daemons.")
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end")
    parser.add_argument("--end", metavar="FOLDER", help="end a demonstration that was kept")
    options = parser.parse_args()
    if options.end:
        ending.end(options.end)
        return 0
    signal.signal(signal.SIGTERM, _interrupted)
    Process.die_with_parent = not options.keep
    return _run(Screen(), options.keep)


if __name__ == "__main__":
    sys.exit(main())
