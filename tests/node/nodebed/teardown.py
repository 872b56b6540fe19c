"""What is left of a cluster when it goes: its logs, and nothing else."""

import contextlib
import shutil

from realbed import ending

from . import cgroups, layout

_KEPT = 5


def keep_logs(folder):
    """Copies all logs of a run to a folder of their own, which is returned; the oldest such folders go away."""
    target = layout.LOGS_FOLDER / f"{folder.name}.{(folder / 'network').read_text()}"
    # Not rglob: below a node's folder are also the files of its images.
    for log in [*folder.glob("*/*.log"), *folder.glob("*.log"), *folder.glob("node*/log/pods/*/*/*.log")]:
        place = target / log.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            shutil.copyfile(log, place)
    for old in sorted(layout.LOGS_FOLDER.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def end(folder):
    """Ends a cluster that another program has left running; returns where its logs are."""
    machines = [path for path in folder.glob("node*") if path.is_dir()]
    containers = [name for machine in machines for name in cgroups.containers_of(machine)]
    logs = keep_logs(folder)
    for part in (folder / "control", *machines):
        # A control plane that is asked politely waits for its watchers; a node's PID 1 takes all of it along.
        ending.kill(part)
    for machine in machines:
        # Files of images by the thousand, among which nobody should look for the rest.
        shutil.rmtree(machine, ignore_errors=True)
    ending.end(folder)
    cgroups.remove(containers)
    return logs
