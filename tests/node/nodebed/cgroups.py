"""The control groups of a node's containers. containerd makes one for each, by its id, and nothing removes those of a
node that is gone at once."""

import contextlib
import os
from pathlib import Path

from realbed import wait

_ROOT = Path("/sys/fs/cgroup")
# containerd's, where kubelet names no parent.
_PARENT = "k8s.io"


def hierarchies():
    """The mounted hierarchies: one with cgroup v2, one for each controller with v1."""
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return sorted(path for path in _ROOT.iterdir() if path.is_dir() and (path / "cgroup.procs").exists())


def containers_of(folder):
    """The ids of the containers that a node has, by its folder."""
    tasks = folder / "containerd-state" / "io.containerd.runtime.v2.task" / "k8s.io"
    return [path.name for path in tasks.iterdir()] if tasks.exists() else []


def memory(container):
    """Bytes that a container has in use."""
    for hierarchy, name in ((_ROOT, "memory.current"), (_ROOT / "memory", "memory.usage_in_bytes")):
        file = hierarchy / _PARENT / container / name
        if file.exists():
            return int(file.read_text())
    raise FileNotFoundError(f"no control group of memory has the container {container}")


def left(containers):
    """Groups of these containers that are there."""
    every = [hierarchy / _PARENT / name for hierarchy in hierarchies() for name in containers]
    return [path for path in every if path.exists()]


def remove(containers):
    """Removes their groups; the processes in there must have been killed."""
    with contextlib.suppress(wait.Timeout):
        wait.wait_for(lambda: not _try_remove(containers), 5, "control groups are empty")
    for hierarchy in hierarchies():
        with contextlib.suppress(OSError):
            os.rmdir(hierarchy / _PARENT)


def _try_remove(containers):
    for group in left(containers):
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
    return left(containers)
