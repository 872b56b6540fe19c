"""Command line: rounds of both programs in turns, the table, JSON, and whether the bounds hold."""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

from realbed import wait

from . import report, shapes
from .place import Place
from .pod import Broken, Pod
from .watching import listeners

REPO = pathlib.Path(__file__).resolve().parents[3]
SIZES = (10, 100, 1000)
#: rounds in which the reference is measured, of 11: less where it takes seconds or has no factor to reach
REFERENCE_RUNS = {shapes.HUNDRED.name: 5, shapes.SERVICES.name: 5}
REFERENCE_OF = 11


def _options(argv):
    parser = argparse.ArgumentParser(prog="tests/bench/datapath", description=__doc__)
    parser.add_argument("program", nargs="?", default=str(REPO / "build/tailboot"))
    parser.add_argument("--reference", required=True, help="upstream containerboot")
    parser.add_argument("--tools", required=True, help="folder of nft_bench and connect_bench")
    parser.add_argument("--runs", type=int, default=11, help="rounds (11)")
    parser.add_argument("--only", choices=("ours", "reference"), help="one program alone; bounds do not count")
    parser.add_argument("--limit", type=float, default=300, metavar="SECONDS",
                        help="no further round begins after that (300)")
    parser.add_argument("--json", default=str(REPO / "build/bench-datapath.json"), metavar="FILE")
    return parser.parse_args(argv)


def _say(text):
    print(text, file=sys.stderr, flush=True)


def _version(program):
    answer = subprocess.run([program, "--version"], capture_output=True, timeout=20, check=True)
    return answer.stdout.decode().split("\n", maxsplit=1)[0]


def _check(program):
    if not os.access(program, os.X_OK):
        raise Broken(f"no program at {program}")
    if b"__asan_init" in pathlib.Path(program).read_bytes():
        raise Broken(f"{program} is built with sanitizers; measure a release build")


def _kernel_round(tools, into):
    """One run of nft_bench, in a process of its own as a supervisor's first run is."""
    done = subprocess.run([f"{tools}/nft_bench", "--json", "1"], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Broken(f"nft_bench: {done.stdout}{done.stderr}")
    for line in done.stdout.splitlines():
        values = json.loads(line)
        size = into.setdefault(values.pop("maps"), {})
        for figure, found in values.items():
            size.setdefault(figure, []).extend(found)


def _pod_run(place, program, shape, tools):
    pod = Pod(place, program, shape)
    try:
        pod.start()
        result = pod.apply()
        result["rate"] = pod.connections(f"{tools}/connect_bench")
        return result
    except wait.Timeout as e:
        raise Broken(f"{e}\n{pod.process.tail()}") from None
    finally:
        pod.close()


def _is_due(who, shape, number):
    """Whether the program is measured in this round; the fewer runs of some are spread evenly."""
    runs = REFERENCE_RUNS.get(shape.name, REFERENCE_OF) if who == "reference" else REFERENCE_OF
    return number == 0 or number * runs // REFERENCE_OF != (number - 1) * runs // REFERENCE_OF


def _round(options, place, number, kernel, pods):
    """All shapes of one program one after the other, as rates through few and many are compared."""
    _kernel_round(options.tools, kernel)
    for who in pods if number % 2 == 0 else reversed(pods):
        program = options.program if who == "ours" else options.reference
        results = []
        for shape in shapes.ALL:
            if _is_due(who, shape, number):
                result = _pod_run(place, program, shape, options.tools)
                pods[who].setdefault(shape.name, []).append(result)
                results.append(f"{shape.name} {result['status'] * 1000:,.0f} ms {result['rate']:,.0f}/s")
        _say(f"bench:   round {number + 1} of {options.runs}, {who}: {', '.join(results)}")


def _measure(options):
    began = time.monotonic()
    kernel, pods = {}, {who: {} for who in ("ours", "reference")}
    measured = {who: pods[who] for who in pods if options.only in (None, who)}
    with Place() as place:
        _say(f"bench: data path, {options.runs} rounds; services x ports, swap to status, connections a second")
        for number in range(options.runs):
            if time.monotonic() - began > options.limit:
                _say(f"bench: {options.limit:.0f} s are over, {number} rounds count")
                break
            _round(options, place, number, kernel, measured)
    return kernel, pods


def main(argv):
    """Exit status: 0 when every bound holds."""
    options = _options(argv)
    for program in (options.program, options.reference):
        _check(program)
    others = listeners()
    if others:
        _say(f"bench: another program listens to firewall events (netlink ports {others}), so each batch takes longer: "
             "the kernel writes an event for every element")
    kernel, pods = _measure(options)
    figures = report.Figures(kernel, pods)
    parts = report.sections(figures, SIZES)
    counts = {who: "/".join(str(figures.runs(who, s)) for s in shapes.ALL) for who in pods}
    print(f"{_version(options.program)} beside {pathlib.Path(options.reference).parent.name}: medians of runs in "
          f"turns (ours {counts['ours']}, reference {counts['reference']} by shape), {os.cpu_count()} CPUs, "
          f"load {os.getloadavg()[0]:.1f}\n")
    print(report.table(parts))
    made = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg(),
                        "listeners": others},
            "options": {k: v for k, v in vars(options).items() if k != "json"},
            "rows": [{"section": title, **row.to_json()} for title, rows in parts for row in rows],
            "kernel": kernel, "pods": pods}
    pathlib.Path(options.json).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(options.json).write_text(json.dumps(made, indent=1) + "\n", encoding="ascii")
    _say(f"bench: wrote {options.json}")
    missed = [row for _, rows in parts for row in rows if row.met is False]
    if missed and not options.only:
        _say("bench: missed: " + "; ".join(row.name.strip() for row in missed))
        return 1
    return 0
