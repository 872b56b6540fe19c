"""An image as the tests see it: its configuration and its files."""

import subprocess
import tarfile
from functools import cached_property

from imagebuild import oci

ARCHES = ("amd64", "arm64")
IMAGES = ("tailboot", "tailboot-slim")
QEMU = "qemu-aarch64-static"


class Image:
    """One OCI archive."""

    def __init__(self, path, folders):
        self.path = path
        self.name, self.arch = path.name.removesuffix(".oci.tar").rsplit("-", 1)
        self.folders = folders

    @cached_property
    def documents(self):
        """(index, manifest, configuration)."""
        return oci.read(self.path)

    @property
    def config(self):
        """What a runtime is to start, and how."""
        return self.documents[2]["config"]

    @property
    def labels(self):
        """Of the image specification, without their prefix."""
        return {key.removeprefix("org.opencontainers.image."): value
                for key, value in self.config["Labels"].items()}

    @cached_property
    def root(self):
        """Its files. The one layer is all of them."""
        (layer,) = self.documents[1]["layers"]
        folder = self.folders.mktemp(f"{self.name}-{self.arch}")
        with tarfile.open(self.path) as archive:
            packed = archive.extractfile("blobs/" + layer["digest"].replace(":", "/"))
            # By a pipe: a member of an archive has no descriptor of its own.
            subprocess.run(["tar", "-xzp", "--same-owner", "--numeric-owner", "-C", folder],
                           input=packed.read(), check=True)
        return folder

    def program(self, path):
        """A command that runs a static program of the image on this machine."""
        prefix = [] if self.arch == "amd64" else [QEMU]
        return [*prefix, str(self.root / path)]

    def run(self, path, *arguments):
        """Output of a static program of the image."""
        done = subprocess.run([*self.program(path), *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files(self):
        """Paths of all that is no folder, relative to the root."""
        return [p.relative_to(self.root) for p in sorted(self.root.rglob("*")) if p.is_symlink() or not p.is_dir()]
