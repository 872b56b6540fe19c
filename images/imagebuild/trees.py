"""What is in each image, as a folder that becomes its only layer."""

import shutil
import subprocess
from pathlib import Path

from . import debian
from .lockfile import ROOT, Fault, of_group
from .parts import part

MACHINE = {"amd64": 0x3E, "arm64": 0xB7}
# Static libraries of the program, by the packages that have their licences.
LINKED = ("libssl-dev", "libc-ares-dev", "libcap-ng-dev", "libmnl-dev", "libc6-dev")
# Numbers, since a pod that must not run as root is admitted by number only; the name is for a person who looks.
NOBODY = 65532
PASSWD = f"root:*:0:0:root:/:/nonexistent\nnonroot:*:{NOBODY}:{NOBODY}:nonroot:/tmp:/nonexistent\n"
GROUP = f"root:*:0:\nnonroot:*:{NOBODY}:\n"


def base(lock, paths, arch):
    """A minimal Debian with what the daemon calls in kernel mode; a part."""
    mine = of_group(lock, "base", "tailboot", arch=arch)

    def make(folder):
        print(f"images: unpacking Debian for {arch}", flush=True)
        debian.unpack(mine, paths, folder)
        debian.record(mine, paths, folder)
        debian.finish(folder)

    return part("base", [*map(str, sorted(mine)), Path(debian.__file__).read_text(encoding="utf-8")], make)


def check_machine(path, arch):
    """A program is of the image's architecture."""
    head = path.read_bytes()[:20]
    if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != MACHINE[arch]:
        raise Fault(f"{path.name} is no program for {arch}")


def add_programs(tree, arch, daemon, program):
    """Ours under the reference's name and its own, and the daemon with its command."""
    folder = tree / "usr/local/bin"
    folder.mkdir(parents=True, exist_ok=True)
    for source, name in ((program / "tailboot", "containerboot"), (daemon / "tailscaled", "tailscaled"),
                         (daemon / "tailscale", "tailscale")):
        check_machine(source, arch)
        shutil.copyfile(source, folder / name)
        (folder / name).chmod(0o755)
    (folder / "tailboot").symlink_to("containerboot")
    # The name of the reference's first images, which old manifests still call.
    (tree / "tailscale").mkdir()
    (tree / "tailscale/run.sh").symlink_to("/usr/local/bin/containerboot")


def add_licences(tree, lock, paths, compilers):
    """Of the program and of what is linked into it."""
    folder = tree / "usr/share/doc/tailboot"
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    for name in LINKED:
        shutil.copyfile(compilers / "usr/share/doc" / name / "copyright", folder / f"copyright.{name}")
    for entry in of_group(lock, "sources"):
        if entry.filename.endswith(".debian.tar.xz"):
            text = subprocess.run(["tar", "-xJOf", paths[entry], "debian/copyright"], check=True,
                                  capture_output=True).stdout
            (folder / f"copyright.{entry.name}").write_bytes(text)


def full(tree, base_part):
    """The image for pods as the upstream operator writes them."""
    subprocess.run(["cp", "-a", f"{base_part}/.", tree], check=True)
    # Their init container calls it; the package of that name would bring a whole Perl.
    (tree / "usr/sbin/sysctl").symlink_to("../bin/busybox")


def slim(tree, base_part):
    """The image that has the programs, certificates and two files that programs want, and nothing to run but that."""
    for name, mode in (("etc", 0o755), ("tmp", 0o1777), ("run", 0o755), ("var", 0o755)):
        (tree / name).mkdir()
        (tree / name).chmod(mode)
    debian.write_bundle(debian.bundle(base_part), tree)
    for name, text in (("passwd", PASSWD), ("group", GROUP), ("nsswitch.conf", "hosts: files dns\n")):
        (tree / "etc" / name).write_text(text, encoding="ascii")
    shutil.copyfile(base_part / "usr/lib/os-release", tree / "etc/os-release")


IMAGES = {
    "tailboot": (full, "", "PID-1 supervisor for Tailscale containers, with tailscaled, a shell and iptables"),
    "tailboot-slim": (slim, f"{NOBODY}:{NOBODY}",
                      "PID-1 supervisor for Tailscale containers, with tailscaled and nothing else; not root"),
}


def pack(tree, target):
    """One archive of a folder, the same wherever and whenever it is made."""
    subprocess.run(["tar", "-C", tree, "--sort=name", "--format=posix", "--numeric-owner", "--mtime=@0",
                    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime", "-cf", target, "."],
                   check=True)
