"""Brings entries of the lock into the cache, by their hash and nothing else."""

import concurrent.futures
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from .lockfile import Fault, of_group, read
from .run import guarded

# Used where apt knows no mirror of Debian.
DEFAULT_MIRROR = {"debian": "http://deb.debian.org/debian/",
                  "debian-security": "http://deb.debian.org/debian-security/"}
ATTEMPTS = 3
SECONDS = 60


def cache():
    """The folder shared with the partners of tests/real."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/root"), ".cache")
    return Path(os.environ.get("TAILBOOT_CACHE") or os.path.join(home, "tailboot"))


def mirrors():
    """Archive -> address, as apt on this machine is set up."""
    found = dict(DEFAULT_MIRROR)
    if shutil.which("apt-get"):
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
             "Created-By: Packages"], capture_output=True, text=True, timeout=60, check=False).stdout
        for line in listed.splitlines():
            origin, label, address = line.split("|")
            archive = label.lower()
            if origin == "Debian" and archive in found:
                found[archive] = address
    return found


def sha256(path):
    """Of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored(entry):
    """Where the cache has or will have it."""
    return cache() / "packages" / entry.hash


def moved_on(entry, address, what):
    """The sentence for an entry that cannot be had as it is locked."""
    return Fault(f"packages.lock: {entry} is not to be had any more: {address} {what}. The mirror has "
                 "moved on; images/lock writes the lock anew from what it has now, see images/README.md")


def download(entry, address, target):
    """One entry into the file; transient trouble is tried again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(address, timeout=SECONDS) as answer:
                shutil.copyfileobj(answer, target)
            return
        except urllib.error.HTTPError as error:
            if error.code in (403, 404, 410):
                raise moved_on(entry, address, f"answers {error.code}") from None
            trouble = error
        except OSError as error:
            trouble = error
        target.seek(0)
        target.truncate()
    raise Fault(f"{entry}: {address} could not be read in {ATTEMPTS} attempts: {trouble}")


def fetch(entry, addresses):
    """The path of one entry in the cache."""
    path = stored(entry)
    if path.exists():
        return path
    archive, rest = entry.path.split("/", 1)
    address = addresses[archive] + urllib.parse.quote(rest)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-") as target:
        download(entry, address, target)
        target.flush()
        got = sha256(target.name)
        if got != entry.hash:
            raise moved_on(entry, address, f"has SHA-256 {got} instead of {entry.hash}")
        os.chmod(target.name, 0o644)
        # By link: the temporary name goes away with the block, and another run may have been first.
        try:
            os.link(target.name, path)
        except FileExistsError:
            pass
    return path


def fetch_all(entries):
    """Entry -> path of all that have a file. All that are missing on the mirror are named, not the first only."""
    wanted = [e for e in entries if e.kind in ("deb", "source")]
    addresses = mirrors()
    faults, paths = [], {}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = {pool.submit(fetch, entry, addresses): entry for entry in wanted}
        for job in concurrent.futures.as_completed(jobs):
            try:
                paths[jobs[job]] = job.result()
            except Fault as fault:
                faults.append(str(fault))
    if faults:
        raise Fault("\n".join(sorted(faults)))
    return paths


def main():
    """images/fetch."""
    entries = read()
    fetch_all(of_group(entries, *sys.argv[1:]) if sys.argv[1:] else entries)
    print(cache() / "packages")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
