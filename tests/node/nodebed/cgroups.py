"""The control groups of a run: all pods of a node are below one that has its name."""

import contextlib
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def hierarchies():
    """The mounted hierarchies: one with cgroup v2, one for each controller with v1."""
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return sorted(path for path in _ROOT.iterdir() if path.is_dir() and (path / "cgroup.procs").exists())


def remove(name):
    """Removes the groups called so, and all below; their processes must be gone."""
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / name, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def left(name):
    """Groups of that name that are there."""
    return [hierarchy / name for hierarchy in hierarchies() if (hierarchy / name).exists()]
