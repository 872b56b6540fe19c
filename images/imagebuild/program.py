"""Our program, static, compiled in a root that is made of the locked packages only: the compiler of this machine, its
libraries, path, user and time play no part."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .debian import unpack
from .fetch import cache
from .lockfile import ROOT, Fault, of_group
from .parts import part

TRIPLET = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
SOURCES = ("CMakeLists.txt", "cmake", "boot", "egress", "health", "ingress", "lib", "statestore",
           "scripts/build", "scripts/libraries", "images/packages.lock")
# Inside: the tree at /src, what packages.lock names at /packages, results at /out, built libraries at /cache.
SCRIPT = """
set -eu
root=$1 source=$2 packages=$3 out=$4 cache=$5
mount --make-rprivate /
mount --bind "$root" "$root"
for pair in "$source:src" "$packages:packages" "$out:out" "$cache:cache" /dev:dev; do
	mount --bind "${pair%:*}" "$root/${pair#*:}"
done
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
shift 5
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/tmp LC_ALL=C TZ=UTC TMPDIR=/tmp \
	TAILBOOT_CACHE=/cache TAILBOOT_SOURCES=/packages "$@"
"""
COMMANDS = """
umask 022
/src/scripts/build static
folder=/src/build/static${TAILBOOT_HOST:+-$TAILBOOT_HOST}
${TAILBOOT_HOST:+$TAILBOOT_HOST-}strip -o /out/tailboot "$folder/tailboot"
"""


def sources():
    """Files that the program is made from, in one order everywhere."""
    found = []
    for name in SOURCES:
        path = ROOT / name
        found += [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sorted(found)


def compiler(lock, paths):
    """The root with compilers and the libraries of all architectures."""
    mine = of_group(lock, "compiler", "libraries")

    def make(root):
        print("images: unpacking the compilers", flush=True)
        # The programs of the machine that compiles come last: both have some of the same name.
        for arch in ("arm64", "amd64"):
            unpack([e for e in mine if e.arch == arch], paths, root)
        for name in ("src", "packages", "out", "cache", "proc", "dev", "tmp"):
            (root / name).mkdir(exist_ok=True)
        for name, target in (("usr/bin/sh", "dash"), ("usr/bin/awk", "gawk")):
            if not (root / name).exists():
                (root / name).symlink_to(target)

    return part("compiler", map(str, sorted(mine)), make)


def build(lock, paths, arch):
    """The folder with the stripped program for an architecture."""
    root = compiler(lock, paths)
    files = sources()
    inputs = [arch, SCRIPT, COMMANDS, root.name]
    for path in files:
        inputs += [str(path.relative_to(ROOT)), hashlib.sha256(path.read_bytes()).hexdigest()]

    def make(folder):
        print(f"images: compiling tailboot for {arch}", flush=True)
        libraries = cache() / "images" / f"libraries-{root.name}"
        libraries.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tailboot-image.") as work:
            for path in files:
                target = Path(work) / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
            inside(root, [work, cache() / "packages", folder, libraries], arch)
        if not (folder / "tailboot").exists():
            raise Fault(f"no program for {arch} came out of the build")

    return part("program", inputs, make)


def inside(root, mounts, arch):
    """Runs the build in the root, in namespaces of its own and without a network."""
    host = [] if arch == "amd64" else [f"TAILBOOT_HOST={TRIPLET[arch]}"]
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "sh", "-c", SCRIPT, "sh", root, *mounts,
         *host, "sh", "-euc", COMMANDS], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"]})
    if done.returncode != 0:
        raise Fault(f"the program for {arch} could not be built:\n{(done.stdout + done.stderr)[-3000:]}")


def gzip(root, path):
    """A file compressed by the gzip of the lock: others may make other bytes."""
    with open(path, "rb") as file:
        return subprocess.run(["chroot", root, "/usr/bin/gzip", "-n", "-6"], stdin=file, check=True,
                              capture_output=True).stdout
