"""packages.lock: every package, source and module that goes into an image or makes a part of one, by version and hash.

A line is KIND GROUP ARCHITECTURE NAME VERSION HASH SIZE PATH; what a kind lacks is "-". The kinds:
deb        a binary package; PATH is ARCHIVE/pool/…, ARCHIVE being debian or debian-security
source     a file of a source package, as above
toolchain  the release of Go that compiles
module     a Go module in the daemon or its command, with the hash of go.sum
"""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent
ROOT = FOLDER.parent
LOCK = FOLDER / "packages.lock"
KINDS = ("deb", "source", "toolchain", "module")


class Fault(Exception):
    """What ends a build: a sentence for the person who runs it."""


class Entry(NamedTuple):
    """A line of the lock."""

    kind: str
    group: str
    arch: str
    name: str
    version: str
    hash: str
    size: str
    path: str

    def __str__(self):
        return f"{self.name} {self.version}" + (f" ({self.arch})" if self.kind == "deb" else "")

    @property
    def filename(self):
        """Its name on the mirror, without folders."""
        return self.path.rsplit("/", 1)[-1]


def parse(text, name="packages.lock"):
    """Entries of a lock; a malformed line is a Fault that names it."""
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) != len(Entry._fields) or fields[0] not in KINDS:
            raise Fault(f"{name}:{number}: not a line of the form KIND GROUP ARCHITECTURE NAME "
                        f"VERSION HASH SIZE PATH with a kind of {', '.join(KINDS)}")
        entry = Entry(*fields)
        if entry.kind in ("deb", "source") and (len(entry.hash) != 64 or not entry.size.isdigit()):
            raise Fault(f"{name}:{number}: {entry.name}: no SHA-256 and size")
        entries.append(entry)
    return entries


def read(path=LOCK):
    """Entries of the lock of this tree."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        raise Fault(f"{path} is missing; images/lock writes it") from None


def of_group(entries, *groups, arch=None):
    """Entries of these groups, of an architecture when one is given."""
    return [e for e in entries if e.group in groups and (arch is None or e.arch == arch)]


HEADER = """\
# Everything that goes into the images or makes a part of them: written by images/lock, read by images/build.
# kind group architecture name version hash size path
"""


def write(entries, path=LOCK):
    """The lock, sorted and without repetitions."""
    lines = sorted({" ".join(e) for e in entries})
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
