"""Parts of an image in the cache, each under the hash of everything that it is made from."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from .fetch import cache

# How many of a kind stay in the cache: those used last. An image is made for each commit.
KEPT = {"image": 8}
KEPT_OTHERS = 4


def digest(inputs):
    """One hash of texts, unambiguous whatever they contain."""
    total = hashlib.sha256()
    for text in inputs:
        data = text.encode()
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()


def part(kind, inputs, make):
    """The folder of a part; make(folder) fills it when the cache does not have it. One run makes it, others wait."""
    key = digest([kind, *inputs])
    base = cache() / "images"
    base.mkdir(parents=True, exist_ok=True)
    path = base / f"{kind}-{key[:32]}"
    with open(base / f".{path.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            os.utime(path)
            return path
        work = Path(tempfile.mkdtemp(dir=base, prefix=".new-"))
        try:
            made = work / "part"
            made.mkdir(mode=0o755)
            make(made)
            made.rename(path)
            os.utime(path)
            prune(base, kind)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return path


def prune(base, kind):
    """Removes what was not used for longest."""
    parts = sorted(base.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in parts[KEPT.get(kind, KEPT_OTHERS):]:
        shutil.rmtree(path, ignore_errors=True)
        (base / f".{path.name}.lock").unlink(missing_ok=True)
