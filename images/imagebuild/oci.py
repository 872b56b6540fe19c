"""An image by buildah, in a storage of its own: no daemon, no registry, nothing left in the machine's storage."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

from .lockfile import Fault

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENTRYPOINT = ["/usr/local/bin/containerboot"]


class Storage:
    """buildah with all its folders below one."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.options = ["--root", f"{folder}/storage", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
        self.env = dict(os.environ, TMPDIR=str(folder), STORAGE_DRIVER="vfs", BUILDAH_ISOLATION="chroot")

    def run(self, *arguments):
        """Output of one of its commands."""
        done = subprocess.run(["buildah", *self.options, *arguments], capture_output=True, text=True,
                              env=self.env, timeout=600, check=False)
        if done.returncode != 0:
            raise Fault(f"buildah {arguments[0]} failed: {done.stderr.strip()[-1500:]}")
        return done.stdout.strip()

    def commit(self, layer, arch, user, labels, epoch):
        """The folder (an OCI layout) of an image with this layer."""
        layout = self.folder / "layout"
        container = self.run("from", "--arch", arch, "--name", "image", "scratch")
        self.run("add", "--quiet", container, layer, "/")
        options = []
        for key, value in sorted(labels.items()):
            options += ["--label", f"{key}={value}", "--annotation", f"{key}={value}"]
        if user:
            options += ["--user", user, "--env", "HOME=/tmp"]
        self.run("config", "--arch", arch, "--os", "linux", "--entrypoint", json.dumps(ENTRYPOINT), "--cmd", "",
                 "--env", PATH, "--workingdir", "/", *options, container)
        # Without buildah's own label, which would make its version part of the digest.
        self.run("commit", "--quiet", "--disable-compression=false", "--identity-label=false", "--format", "oci", "--timestamp", str(epoch), "--rm", container,
                 f"oci:{layout}:image")
        return layout


def archive(layout, names, target, epoch):
    """An OCI archive of a layout under several names; the digest of its manifest."""
    index = json.loads((layout / "index.json").read_text(encoding="utf-8"))
    manifest = index["manifests"][0]
    index["manifests"] = [
        dict(manifest, annotations={"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name})
        for name in names]
    files = {str(p.relative_to(layout)): p.read_bytes() for p in layout.rglob("*") if p.is_file()}
    files["index.json"] = json.dumps(index, separators=(",", ":"), sort_keys=True).encode()
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(files[name]), epoch, 0o644
            tar.addfile(info, io.BytesIO(files[name]))
    return manifest["digest"]


def read(path):
    """(index, manifest, configuration) of an OCI archive; every digest on the way is checked."""
    try:
        with tarfile.open(path) as tar:
            def content(name):
                return tar.extractfile(name).read()

            def blob(descriptor):
                algorithm, digest = descriptor["digest"].split(":")
                data = content(f"blobs/{algorithm}/{digest}")
                if hashlib.new(algorithm, data).hexdigest() != digest:
                    raise Fault(f"{path}: the blob {descriptor['digest']} has another digest")
                return json.loads(data)

            index = json.loads(content("index.json"))
            manifest = blob(index["manifests"][0])
            return index, manifest, blob(manifest["config"])
    except (tarfile.TarError, KeyError, ValueError, OSError, AttributeError) as error:
        raise Fault(f"{path} is no OCI archive: {error}") from None
