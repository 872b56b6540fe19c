"""images/build: the images, their lists of contents and their digests, into build/images."""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import arch as architecture
from . import golang, oci, program, spdx, trees
from .fetch import fetch_all
from .lockfile import FOLDER, ROOT, Fault, read
from .parts import part

OUT = ROOT / "build/images"


def version():
    """Of the program, from the build that also compiles it in."""
    found = re.search(r"project\(tailboot VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    return found.group(1)


def git(*arguments):
    """Output of git in the tree, empty when this is no repository."""
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def moment():
    """(revision, seconds) of the commit: the only date in an image."""
    revision = git("rev-parse", "HEAD") or "unknown"
    if git("status", "--porcelain"):
        revision += "-modified"
    return revision, int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or 0)


def labels(name, revision, epoch):
    """Of the OCI image specification."""
    prefix = "org.opencontainers.image."
    return {prefix + key: value for key, value in {
        "title": name, "description": trees.IMAGES[name][2], "version": version(), "revision": revision,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)), "licenses": "Apache-2.0",
        "base.name": "debian:bookworm" if name == "tailboot" else "scratch"}.items()}


def code():
    """Hash of the recipe itself."""
    total = hashlib.sha256()
    for path in sorted((FOLDER / "imagebuild").glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()


def build(name, arch, lock, paths):
    """The part of one image: image.oci.tar, digest, spdx.json."""
    daemon, ours = golang.build(lock, arch), program.build(lock, paths, arch)
    base = trees.base(lock, paths, arch)
    revision, epoch = moment()
    fill, user, _ = trees.IMAGES[name]

    def make(folder):
        print(f"images: {name} for {arch}", flush=True)
        with tempfile.TemporaryDirectory(prefix="tailboot-image.", dir="/var/tmp") as work:
            tree = Path(work) / "tree"
            tree.mkdir(mode=0o755)
            fill(tree, base)
            trees.add_programs(tree, arch, daemon, ours)
            trees.add_licences(tree, lock, paths, program.compiler(lock, paths))
            trees.pack(tree, f"{work}/layer.tar")
            layout = oci.Storage(work).commit(f"{work}/layer.tar", arch, user, labels(name, revision, epoch), epoch)
            layout.compress(lambda path: program.gzip(program.compiler(lock, paths), path))
            names = [f"localhost/{name}:{tag}" for tag in (version(), "dev")]
            digest = layout.archive(names, folder / "image.oci.tar", epoch)
        architecture.check(folder / "image.oci.tar", arch)
        (folder / "digest").write_text(digest + "\n", encoding="ascii")
        text = spdx.document(lock, name, arch, version(), digest, epoch)
        (folder / "spdx.json").write_text(text, encoding="utf-8")

    inputs = [name, arch, daemon.name, ours.name, base.name, revision, str(epoch), version(), code()]
    return part("image", inputs, make)


def deliver(name, arch, made):
    """Copies a part to build/images and says what it is."""
    OUT.mkdir(parents=True, exist_ok=True)
    stem = OUT / f"{name}-{arch}"
    for source, suffix in (("image.oci.tar", ".oci.tar"), ("digest", ".digest"), ("spdx.json", ".spdx.json")):
        target = Path(f"{stem}{suffix}")
        target.unlink(missing_ok=True)
        shutil.copyfile(made / source, target)
    size = Path(f"{stem}.oci.tar").stat().st_size
    digest = (made / "digest").read_text(encoding="ascii").strip()
    print(f"{stem.relative_to(ROOT)}.oci.tar  {size / 1e6:.1f} MB compressed  {digest}", flush=True)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(prog="images/build", description="Builds images into build/images.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(trees.IMAGES)} (default: all)")
    parser.add_argument("--arch", action="append", choices=sorted(trees.MACHINE),
                        help="may be given twice (default: this machine's)")
    options = parser.parse_args()
    unknown = set(options.names) - set(trees.IMAGES)
    if unknown:
        raise Fault(f"no image {', '.join(sorted(unknown))} (known: {', '.join(trees.IMAGES)})")
    if os.geteuid() != 0:
        raise Fault("root is needed, to unpack files with their owners and to mount the compilers; use sudo")
    os.umask(0o022)
    lock = read()
    paths = fetch_all(lock)
    for arch in options.arch or [architecture.machine()]:
        for name in options.names or trees.IMAGES:
            deliver(name, arch, build(name, arch, lock, paths))
    return 0


if __name__ == "__main__":
    from .run import guarded
    sys.exit(guarded(main))
