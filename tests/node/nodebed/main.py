"""The command behind `make cluster`: brings the one cluster of this machine up, says what runs, takes it away."""

import argparse
import contextlib
import fcntl
import json
import shutil
import sys
import time

from realbed import process, settings
from realbed.process import Process

from . import layout, teardown
from .bed import NodeBed, Unsuitable

_STATE = layout.CLUSTER_FOLDER / "cluster.json"


def _say(text):
    print(text, flush=True)


def _runs(row):
    with contextlib.suppress(OSError):
        return process.start_time(row["pid"]) == row["started"]
    return False


def _show(state):
    width = max(len(row["name"]) for row in state["processes"])
    for row in state["processes"]:
        _say(f"  {row['name']:<{width}}  {row['version']:<12} pid {row['pid']:<8} {row['log']}")
    _say(f"  nodes: {', '.join(state['nodes'])}; tailnet peer: {state['peer']} with a page on port {state['page_port']}")
    _say(f"  images on the nodes: {', '.join(state['images'])}")
    _say(f"  audit log: {state['audit_log']}")
    _say(f"  kubectl of the same version: {state['kubectl']}")
    _say(f"  end it with: make cluster-down; its logs are then kept in {layout.LOGS_FOLDER}")
    _say(f"KUBECONFIG={state['kubeconfig']}")


def _found():
    """The state of a cluster that is there, None when there is none; what a crash left of one is taken away."""
    if not layout.CLUSTER_FOLDER.exists():
        return None
    with contextlib.suppress(OSError, ValueError):
        state = json.loads(_STATE.read_text())
        gone = [row["name"] for row in state["processes"] if not _runs(row)]
        if not gone:
            return state
        _say(f"cluster: the one in {layout.CLUSTER_FOLDER} has lost {', '.join(gone)}; removing the rest of it")
    _remove()
    return None


def _remove():
    if (layout.CLUSTER_FOLDER / "network").exists():
        _say(f"cluster: logs are kept in {teardown.end(layout.CLUSTER_FOLDER)}")
    shutil.rmtree(layout.CLUSTER_FOLDER, ignore_errors=True)


def _state_of(bed):
    rows = [{"name": name, "version": version, "pid": pid, "log": str(log), "started": process.start_time(pid)}
            for name, version, pid, log in bed.processes()]
    return {"processes": rows, "nodes": [machine.name for machine in bed.nodes], "kubeconfig": str(bed.kubeconfig),
            "audit_log": str(bed.audit_log), "kubectl": str(layout.kubernetes("kubectl")), "page_port": 8000,
            "peer": f"{bed.peer.name}.{settings.TAILNET_DOMAIN}, {bed.peer.address}",
            "images": [layout.PROXY_IMAGE, layout.TOOLS_IMAGE]}


def _up(nodes):
    state = _found()
    if state:
        _say(f"cluster: it runs already, with {len(state['nodes'])} node(s):")
        _show(state)
        return 0 if len(state["nodes"]) == nodes else 1
    began = time.monotonic()
    layout.CLUSTER_FOLDER.mkdir(parents=True)
    Process.die_with_parent = False
    bed = NodeBed(layout.CLUSTER_FOLDER, nodes=nodes, report=lambda step, took: _say(f"  {took:5.1f} s  {step}"))
    try:
        state = _state_of(bed)
        _STATE.write_text(json.dumps(state, indent=1))
    except BaseException:
        bed.close()
        raise
    _say(f"cluster: up after {time.monotonic() - began:.1f} s")
    _show(state)
    return 0


def _down():
    if not layout.CLUSTER_FOLDER.exists():
        _say("cluster: there is none")
        return 0
    began = time.monotonic()
    _remove()
    _say(f"cluster: gone after {time.monotonic() - began:.1f} s")
    return 0


def main():
    parser = argparse.ArgumentParser(prog="tests/node/cluster", description=__doc__)
    parser.add_argument("--nodes", type=int, choices=(1, 2), default=1, help="how many nodes (1)")
    parser.add_argument("--down", action="store_true", help="end it")
    options = parser.parse_args()
    with open(f"{layout.CLUSTER_FOLDER}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _down() if options.down else _up(options.nodes)
        except Unsuitable as error:
            shutil.rmtree(layout.CLUSTER_FOLDER, ignore_errors=True)
            print(f"cluster: this machine cannot run a node:\n  {error}".replace("\n", "\n  "), file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
