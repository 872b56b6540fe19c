"""images/copy: brings an image to where it is used, unless it is for another architecture."""

import argparse
import shutil
import subprocess

from . import arch, oci
from .lockfile import Fault

CONTAINERD = "containerd"


def command(path, destination):
    """The program that does it, with its arguments."""
    if destination == CONTAINERD:
        return ["ctr", "--namespace", "k8s.io", "images", "import", path]
    if ":" not in destination:
        raise Fault(f"{destination} is no destination: {CONTAINERD}, or one of skopeo's, such as docker://REGISTRY/NAME:TAG, "
                    "docker-daemon:NAME:TAG or containers-storage:NAME:TAG")
    # Its archives have the image by two names, of which skopeo wants to be told one.
    return ["skopeo", "--insecure-policy", "copy", f"oci-archive:{path}:{oci.names(path)[0]}", destination]


def main():
    """Command line."""
    parser = argparse.ArgumentParser(prog="images/copy", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="an archive of build/images")
    parser.add_argument("destination", metavar="DESTINATION", help=f"{CONTAINERD}, or what skopeo knows")
    parser.add_argument("--arch", choices=sorted(arch.NAMES.values()), default=arch.machine(),
                        help="what the image must be for (default: this machine's)")
    options = parser.parse_args()
    arch.check(options.file, options.arch)
    call = command(options.file, options.destination)
    if not shutil.which(call[0]):
        raise Fault(f"{call[0]} is missing: install the package {'containerd' if call[0] == 'ctr' else call[0]}")
    return subprocess.run(call, check=False).returncode
