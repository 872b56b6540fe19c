"""images/check-arch: refuses an image of another architecture before it is pushed or loaded."""

import platform
import sys

from . import oci
from .lockfile import Fault

NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


def machine():
    """The architecture of this machine, in the words of images."""
    return NAMES.get(platform.machine(), platform.machine())


def check(path, wanted):
    """A Fault when the image is of another architecture."""
    got = oci.architecture(path)
    if got != wanted:
        raise Fault(f"{path} is an image for {got}, and {wanted} is wanted: build it with "
                    f"images/build --arch {wanted}, or load it on a machine of its own kind")


def main():
    """images/check-arch FILE [ARCHITECTURE]"""
    if len(sys.argv) not in (2, 3):
        raise Fault("usage: images/check-arch FILE [amd64|arm64]; without an architecture, this machine's")
    check(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else machine())
    return 0
