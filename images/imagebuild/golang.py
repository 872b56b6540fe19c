"""tailscaled and tailscale, compiled from the module that also pins the daemon of tests/real."""

import os
import re
import subprocess

from .lockfile import ROOT, Entry, Fault
from .parts import part

MODULE = ROOT / "tests/real/modules/tailscale"
PROGRAMS = ("tailscaled", "tailscale")
# As upstream builds its own image.
TAGS = "ts_kube,ts_package_container"
DEPENDENCY = re.compile(r"^\t(?:mod|dep)\t(\S+)\t(\S+)\t(h1:\S+)$", re.MULTILINE)
# Not asked of the environment: these change the program.
FIXED = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
         "GOOS": "linux", "GOAMD64": "v1", "GOARM64": "v8.0", "GOEXPERIMENT": "", "GOENV": "off", "GODEBUG": ""}


def go(toolchain, arch, *arguments):
    """Output of the go command in the module, with a toolchain of exactly this release."""
    command = go_path()
    env = dict(os.environ, **FIXED, GOTOOLCHAIN=toolchain, GOARCH=arch)
    for attempt in range(3):
        done = subprocess.run([command, *arguments], cwd=MODULE, env=env, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        if not re.search(r"dial tcp|timeout|connection re|unexpected EOF|50[0-9] |429 ", done.stderr):
            break
        print(f"images: go {arguments[0]}: the module proxy was not reached, attempt {attempt + 1} of 3", flush=True)
    raise Fault(f"go {arguments[0]} in {MODULE} failed:\n{done.stderr.strip()[-1500:]}")


def packages():
    """Import paths of the programs."""
    return [f"tailscale.com/cmd/{name}" for name in PROGRAMS]


def entries():
    """Lines of the lock: the toolchain of this machine and what the programs are made of."""
    toolchain = go("local", "amd64", "env", "GOVERSION").strip()
    found = {Entry("toolchain", "daemon", "-", "go", toolchain, "-", "-", "-")}
    for arch in ("amd64", "arm64"):
        listed = go(toolchain, arch, "list", "-deps", f"-tags={TAGS}",
                    "-f", "{{with .Module}}{{.Path}} {{.Version}} {{.Sum}}{{end}}", *packages())
        for line in set(listed.split("\n")) - {"", "tailboot.example/partners/tailscale  "}:
            path, version, digest = line.split()
            found.add(Entry("module", "daemon", "-", path, version, digest, "-", "-"))
    return found


def ldflags(lock):
    """Without symbols, and with the version that the daemon reports: its own way of asking finds none in a module."""
    version = next(e.version for e in lock if e.name == "tailscale.com").lstrip("v")
    stamps = " ".join(f"-X tailscale.com/version.{name}Stamp={version}" for name in ("short", "long"))
    return f"-ldflags=-s -w {stamps}"


def check(program, locked):
    """A program is of locked modules only."""
    shown = subprocess.run([go_path(), "version", "-m", program], check=True,
                           capture_output=True, text=True).stdout
    for path, version, digest in DEPENDENCY.findall(shown):
        if (path, version, digest) not in locked:
            raise Fault(f"packages.lock: no module {path} {version} {digest}, which is in {program.name}; "
                        "images/lock writes the lock anew")


def go_path():
    """Where scripts/need found Go."""
    return subprocess.run([ROOT / "scripts/need", "--where", "go"], check=True, capture_output=True,
                          text=True).stdout.strip()


def build(lock, arch):
    """The folder with the programs for an architecture, from the cache when they are there."""
    mine = [e for e in lock if e.group == "daemon"]
    toolchain = next(e.version for e in mine if e.kind == "toolchain")
    locked = {(e.name, e.version, e.hash) for e in mine if e.kind == "module"}
    inputs = [*map(str, sorted(mine)), arch, TAGS, ldflags(lock), repr(sorted(FIXED.items()))]
    inputs += [(MODULE / name).read_text(encoding="utf-8") for name in ("go.mod", "go.sum", "tools.go")]

    def make(folder):
        print(f"images: compiling tailscaled and tailscale for {arch}, about two minutes once", flush=True)
        go(toolchain, arch, "build", ldflags(lock), f"-tags={TAGS}", "-o", f"{folder}/", *packages())
        for name in PROGRAMS:
            check(folder / name, locked)

    return part("daemon", inputs, make)
