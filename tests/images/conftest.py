"""Builds the images once for all tests, for both architectures."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "images")]

from imagebed import ARCHES, IMAGES, Image  # noqa: E402  (needs the path above)


@pytest.fixture(scope="session")
def built():
    """All images, in build/images."""
    command = [ROOT / "images/build", *[option for arch in ARCHES for option in ("--arch", arch)]]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def unpacked(built, tmp_path_factory):
    """(name, arch) -> Image, its layer unpacked at the first use."""
    return {(name, arch): Image(ROOT / f"build/images/{name}-{arch}.oci.tar", tmp_path_factory)
            for name in IMAGES for arch in ARCHES}


@pytest.fixture(params=ARCHES)
def arch(request):
    """Each architecture."""
    return request.param


@pytest.fixture(params=IMAGES)
def image(request, arch, unpacked):
    """Each image of each architecture."""
    return unpacked[request.param, arch]
