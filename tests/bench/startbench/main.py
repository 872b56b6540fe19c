"""Command line: measure both programs in turns, print the table, write JSON."""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

from . import messages, report, trial

REPO = pathlib.Path(__file__).resolve().parents[3]


def _numbers(text):
    return [int(word) for word in text.replace("_", "").split(",")]


def _options(argv):
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("program", nargs="?", default=str(REPO / "build/tailboot"))
    parser.add_argument("--reference", required=True, help="upstream containerboot")
    parser.add_argument("--peers", type=_numbers, default=[10, 10_000, 40_000],
                        metavar="N,N,...", help="sizes of the tailnet (10,10000,40000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each program and size (5)")
    parser.add_argument("--changes", type=int, default=2000, help="peer changes (2000)")
    parser.add_argument("--login", choices=("key", "config"), default="config",
                        help="by key (`tailscale up`), or by config file, as the operator's pods")
    parser.add_argument("--json", default=str(REPO / "build/bench.json"), metavar="FILE")
    parser.add_argument("--strict", action="store_true", help="fail when a target is missed")
    return parser.parse_args(argv)


def _check(program):
    """Refuse what would give meaningless figures."""
    if not os.access(program, os.X_OK):
        raise trial.Broken(f"no program at {program}")
    if b"__asan_init" in pathlib.Path(program).read_bytes():
        raise trial.Broken(f"{program} is built with sanitizers; measure a release build")


def _stripped_size(program):
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "program")
        shutil.copy(program, copy)
        subprocess.run(["strip", copy], check=True, timeout=60)
        return os.path.getsize(copy)


def _version(program):
    answer = subprocess.run([program, "--version"], capture_output=True, timeout=20, check=True)
    return answer.stdout.decode().split("\n", maxsplit=1)[0]


def _reference_version(program):
    match = re.search(r"tailscale-([0-9.]+)/", program)
    return "containerboot " + (match.group(1) if match else "of unknown version")


def _say(text):
    print(text, file=sys.stderr, flush=True)


def _measure_size(options, programs, peers):
    """All runs of one size, the programs in turns and changing places."""
    first = messages.first(peers)
    prepared = messages.changes(peers, options.changes)
    _say(f"bench: {peers:,} peers, first message {len(first) / 1e6:.1f} MB")
    results = {who: [] for who in programs}
    for number in range(options.runs):
        order = list(programs) if number % 2 == 0 else list(reversed(programs))
        for who in order:
            result = trial.run(programs[who], first, prepared, options.login)
            results[who].append(result)
            _say(f"bench:   run {number + 1} of {options.runs}, {who}: "
                 f"{result['start'] * 1000:.0f} ms to start, "
                 f"{result['memory']['resident'] / report.MIB:.1f} MiB")
    return results


def main(argv):
    """Exit status."""
    options = _options(argv)
    programs = {"ours": options.program, "reference": options.reference}
    for program in programs.values():
        _check(program)
    results = {n: _measure_size(options, programs, n) for n in options.peers}
    found = {n: {who: report.medians(r) for who, r in both.items()}
             for n, both in results.items()}
    sizes = {who: _stripped_size(p) for who, p in programs.items()}
    sections = [(f"{n:,} peers", report.rows_of_size(n, found[n]["ours"], found[n]["reference"]))
                for n in options.peers]
    sections.append(("all sizes", report.rows_of_all(found, options.peers, sizes["ours"],
                                                     sizes["reference"])))
    names = {"ours": _version(options.program), "reference": _reference_version(options.reference)}
    print(f"{names['ours']} beside {names['reference']}: medians of {options.runs} runs in turns, "
          f"login by {options.login}, {options.changes:,} peer changes, {os.cpu_count()} CPUs, "
          f"load {os.getloadavg()[0]:.1f}\n")
    print(report.table(sections))
    made = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": {"cpus": os.cpu_count(), "kernel": platform.release(),
                        "load": os.getloadavg()},
            "options": {k: v for k, v in vars(options).items() if k != "json"},
            "programs": {who: {"path": programs[who], "version": names[who],
                               "stripped_bytes": sizes[who]} for who in programs},
            "rows": [{"section": title, **row.to_json()} for title, rows in sections
                     for row in rows],
            "figures": found, "runs": results}
    pathlib.Path(options.json).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(options.json).write_text(json.dumps(made, indent=1) + "\n", encoding="ascii")
    _say(f"bench: wrote {options.json}")
    missed = [row for _, rows in sections for row in rows if row.met is False]
    if missed:
        _say("bench: missed: " + "; ".join(row.name for row in missed))
    return 1 if missed and options.strict else 0
