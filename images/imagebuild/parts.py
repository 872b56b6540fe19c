"""Parts of an image in the cache, each under the hash of everything that it is made from."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from .fetch import cache


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
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return path
