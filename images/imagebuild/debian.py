"""Debian packages unpacked into a root filesystem, without running any of their scripts.

What the scripts would have done and an image needs is done here, the same for every architecture and at any time:
nothing of it depends on the machine, and a foreign architecture needs no emulator. The database of dpkg is written too,
so that scanners know the packages and an image made FROM this one can add some.
"""

import re
import shutil
import subprocess

from .lockfile import Fault

MERGED = ("bin", "sbin", "lib")
DOCUMENTS = ("usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "usr/share/doc-base",
             "usr/share/bug")


def unpack(entries, paths, root):
    """The files of these packages. Links of the merged /usr are there before them."""
    for name in MERGED:
        if not (root / name).is_symlink():
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(f"usr/{name}")
    if any(e.arch == "amd64" for e in entries) and not (root / "lib64").is_symlink():
        (root / "usr/lib64").mkdir()
        (root / "lib64").symlink_to("usr/lib64")
    for entry in entries:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", paths[entry]], stdout=subprocess.PIPE) as packed:
            tar = subprocess.run(["tar", "-x", "-p", "--same-owner", "--numeric-owner", "--keep-directory-symlink",
                                  "-C", root], stdin=packed.stdout, check=False)
        if packed.returncode or tar.returncode:
            raise Fault(f"{entry} could not be unpacked")


def record(entries, paths, root):
    """The database of dpkg: all of them installed."""
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True, exist_ok=True)
    status = []
    for entry in entries:
        control = root / "control.tmp"
        subprocess.run(["dpkg-deb", "-e", paths[entry], control], check=True)
        text = (control / "control").read_text(encoding="utf-8").rstrip("\n")
        name = entry.name + (f":{entry.arch}" if re.search("^Multi-Arch: same$", text, re.MULTILINE) else "")
        lines = text.split("\n")
        lines.insert(1, "Status: install ok installed")
        lines += conffiles(control, root)
        status.append("\n".join(lines) + "\n")
        for file in sorted(control.iterdir()):
            if file.name != "control":
                shutil.copy(file, info / f"{name}.{file.name}")
        shutil.rmtree(control)
        listed = subprocess.run(["dpkg-deb", "--fsys-tarfile", paths[entry]], check=True, capture_output=True).stdout
        names = subprocess.run(["tar", "-t"], input=listed, check=True, capture_output=True).stdout.decode()
        (info / f"{name}.list").write_text(
            "".join(f"{line[1:].rstrip('/') or '/.'}\n" for line in names.split("\n") if line), encoding="utf-8")
    (info / "format").write_text("1\n", encoding="utf-8")
    (root / "var/lib/dpkg/status").write_text("\n".join(status), encoding="utf-8")
    (root / "var/lib/dpkg/available").touch()


def conffiles(control, root):
    """The field of the status that names configuration files, with the sums that dpkg compares."""
    listed = control / "conffiles"
    if not listed.exists():
        return []
    lines = ["Conffiles:"]
    for name in listed.read_text(encoding="utf-8").split():
        if (root / name[1:]).is_file():
            done = subprocess.run(["md5sum", root / name[1:]], check=True, capture_output=True, text=True)
            lines.append(f" {name} {done.stdout.split()[0]}")
    return lines


def bundle(root):
    """Certificates of ca-certificates in one text, as update-ca-certificates writes it."""
    folder = root / "usr/share/ca-certificates/mozilla"
    return "".join(file.read_text(encoding="ascii").rstrip("\n") + "\n" for file in sorted(folder.glob("*.crt")))


def write_bundle(text, root):
    """The one place where every program of the image looks."""
    (root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_text(text, encoding="ascii")


def finish(root):
    """What the scripts of the packages would have left behind, and no more documents than the licences."""
    share = root / "usr/share"
    for name in ("passwd", "group"):
        shutil.copy(share / f"base-passwd/{name}.master", root / "etc" / name)
    with open(root / "etc/passwd", "a", encoding="utf-8") as file:
        file.write("_apt:*:100:65534::/nonexistent:/usr/sbin/nologin\n")
    shutil.copy(share / "libc-bin/nsswitch.conf", root / "etc/nsswitch.conf")
    shutil.copy(share / "base-files/profile", root / "etc/profile")
    links = {"usr/bin/sh": "dash", "usr/bin/awk": "mawk"}
    for family in ("iptables", "ip6tables"):
        links |= {f"usr/sbin/{family}{verb}": f"{family}-nft{verb}" for verb in ("", "-save", "-restore")}
    for path, target in links.items():
        if not (root / path).exists():
            (root / path).unlink(missing_ok=True)
            (root / path).symlink_to(target)
    certificates = sorted((share / "ca-certificates").glob("mozilla/*.crt"))
    (root / "etc/ca-certificates.conf").write_text(
        "".join(f"mozilla/{file.name}\n" for file in certificates), encoding="utf-8")
    write_bundle(bundle(root), root)
    for name in DOCUMENTS:
        shutil.rmtree(root / name, ignore_errors=True)
    for file in (share / "doc").glob("*/*"):
        if file.name != "copyright":
            shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink()
