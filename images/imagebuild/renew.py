"""images/lock: asks the mirror what it has now and writes packages.lock.

The base is what debootstrap's variant minbase selects; the rest is resolved by apt in a folder of its own, so that
neither the sources nor the packages of this machine play a part.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from . import golang
from .fetch import mirrors
from .lockfile import FOLDER, Entry, Fault, write

RELEASE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = (("debian", RELEASE), ("debian", f"{RELEASE}-updates"), ("debian-security", f"{RELEASE}-security"))
URI = re.compile(r"^'(\S+)' (\S+) (\d+) ?(?:(\S+):(\w+))?$", re.MULTILINE)


def run(*command, env=None):
    """Its output; a failure is a Fault with the command's own last lines."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=env)
    if done.returncode != 0:
        raise Fault(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-800:]}")
    return done.stdout


def contents():
    """(group, architectures, packages) of contents.txt."""
    for line in (FOLDER / "contents.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            group, archs, *packages = line.split()
            yield group, archs.split(","), packages


class Apt:
    """apt with folders of its own and an empty status."""

    def __init__(self, folder):
        self.addresses = mirrors()
        self.folder = Path(folder)
        for name in ("etc/parts", "state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "state/status").touch()
        lines = [f"{kind} [{options}signed-by={KEYRING}] {self.addresses[archive]} {suite} main\n"
                 for archive, suite in SUITES
                 for kind, options in (("deb", "arch=amd64,arm64 "), ("deb-src", ""))]
        (self.folder / "etc/sources.list").write_text("".join(lines), encoding="utf-8")
        parts = self.folder / "etc/parts"
        (self.folder / "apt.conf").write_text(
            f'Dir::Etc "{self.folder}/etc"; Dir::Etc::sourceparts "{parts}";\n'
            f'Dir::Etc::parts "{parts}"; Dir::Etc::preferencesparts "{parts}";\n'
            f'Dir::State "{self.folder}/state"; Dir::State::status "{self.folder}/state/status";\n'
            f'Dir::Cache "{self.folder}/cache"; APT::Install-Recommends "false";\n'
            'APT::Architectures {"amd64";"arm64";}; APT::Sandbox::User "root";\n'
            'Acquire::Languages "none"; Acquire::Retries "3";\n', encoding="utf-8")
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "APT_CONFIG": str(self.folder / "apt.conf")}
        run("apt-get", "update", "-q", env=self.env)

    def archive_path(self, address):
        """debian/pool/… of an address that apt printed."""
        plain = address.replace("%2b", "+").replace("%7e", "~").replace("%3a", ":")
        for archive, base in sorted(self.addresses.items(), reverse=True):
            if plain.startswith(base):
                return f"{archive}/{plain[len(base):]}"
        raise Fault(f"{address} is of no archive of {', '.join(self.addresses)}")

    def debs(self, group, arch, packages):
        """Entries of packages and of all that they depend on."""
        options = ("-o", f"APT::Architecture={arch}")
        printed = run("apt-get", *options, "-qq", "-y", "--print-uris", "install", *packages, env=self.env)
        paths = {}
        for address, _, size, _, _ in URI.findall(printed):
            path = self.archive_path(address)
            paths[path.split("/", 1)[1]] = (path, size)
        return list(self.described(group, arch, paths, options))

    def described(self, group, arch, paths, options):
        """Entries with version and SHA-256 from the indexes."""
        names = sorted({Path(path).name.split("_")[0] for path in paths})
        shown = run("apt-cache", *options, "show", *names, env=self.env)
        seen = set()
        for stanza in shown.split("\n\n"):
            fields = dict(re.findall(r"^(\S+): (.*)$", stanza, re.MULTILINE))
            if fields.get("Filename") in paths and fields["Filename"] not in seen:
                seen.add(fields["Filename"])
                path, size = paths[fields["Filename"]]
                yield Entry("deb", group, arch, fields["Package"], fields["Version"], fields["SHA256"], size, path)
        if seen != set(paths):
            raise Fault(f"apt does not describe: {', '.join(sorted(set(paths) - seen))}")

    def sources(self, group, packages):
        """Entries of the files of source packages, but for signatures."""
        for package in packages:
            printed = run("apt-get", "-qq", "--print-uris", "--only-source", "source", package, env=self.env)
            files = URI.findall(printed)
            version = next(name for _, name, _, _, _ in files if name.endswith(".dsc")).split("_", 1)[1][:-4]
            for address, name, size, algorithm, digest in files:
                if not name.endswith((".dsc", ".asc")):
                    if algorithm != "SHA256":
                        raise Fault(f"apt gave {algorithm} of {name}, not SHA256")
                    yield Entry("source", group, "-", package, version, digest, size, self.archive_path(address))


def minbase(folder, arch, address):
    """Names of the packages of a minimal Debian."""
    printed = run("debootstrap", "--print-debs", "--variant=minbase", f"--arch={arch}", f"--keyring={KEYRING}",
                  RELEASE, str(Path(folder) / f"minbase-{arch}"), address)
    return printed.split()


def main():
    """Writes the lock."""
    entries = []
    with tempfile.TemporaryDirectory(prefix="tailboot-lock.") as folder:
        apt = Apt(folder)
        for group, archs, packages in contents():
            for arch in archs:
                print(f"lock: {group} {arch}", file=sys.stderr)
                if arch == "source":
                    entries += apt.sources(group, packages)
                    continue
                names = packages
                if names == ["@minbase"]:
                    names = minbase(folder, arch, apt.addresses["debian"])
                entries += apt.debs(group, arch, names)
    entries += golang.entries()
    write(without_repetition(entries))
    return 0


def without_repetition(entries):
    """What is in the base already is not once more in the group on top of it."""
    base = {(e.arch, e.name) for e in entries if e.group == "base"}
    return [e for e in entries if e.group != "tailboot" or (e.arch, e.name) not in base]
