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
        """An image with this layer, not compressed."""
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
        self.run("commit", "--quiet", "--disable-compression", "--identity-label=false", "--format", "oci", "--timestamp", str(epoch), "--rm", container,
                 f"oci:{layout}:image")
        return Layout(layout)


class Layout:
    """An OCI layout as buildah leaves it, made independent of buildah's release."""

    def __init__(self, folder):
        self.folder = folder
        self.index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.manifest = json.loads(self.blob(self.index["manifests"][0]["digest"]).read_text(encoding="utf-8"))

    def blob(self, digest):
        """Where a blob is."""
        return self.folder / "blobs" / digest.replace(":", "/")

    def replace(self, descriptor, data):
        """Another content for a descriptor."""
        self.blob(descriptor["digest"]).unlink()
        descriptor.update(digest=f"sha256:{hashlib.sha256(data).hexdigest()}", size=len(data))
        self.blob(descriptor["digest"]).write_bytes(data)

    def compress(self, gzip):
        """The layer, by a compressor of the lock; then the manifest, without a reference to a base that is none."""
        (layer,) = self.manifest["layers"]
        self.replace(layer, gzip(self.blob(layer["digest"])))
        layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
        self.manifest["annotations"].pop("org.opencontainers.image.base.digest", None)
        text = json.dumps(self.manifest, separators=(",", ":"), sort_keys=True)
        self.replace(self.index["manifests"][0], text.encode())

    def archive(self, names, target, epoch):
        """An OCI archive under several names; the digest of the manifest."""
        digest = self.index["manifests"][0]["digest"]
        self.index["manifests"] = [
            dict(self.index["manifests"][0],
                 annotations={"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name})
            for name in names]
        files = {str(p.relative_to(self.folder)): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}
        files["index.json"] = json.dumps(self.index, separators=(",", ":"), sort_keys=True).encode()
        with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name in sorted(files):
                info = tarfile.TarInfo(name)
                info.size, info.mtime, info.mode = len(files[name]), epoch, 0o644
                tar.addfile(info, io.BytesIO(files[name]))
        return digest


def _content(tar, name):
    return tar.extractfile(name).read()


_UNREADABLE = (tarfile.TarError, KeyError, ValueError, OSError, AttributeError, IndexError, TypeError)


def read(path):
    """(index, manifest, configuration) of an OCI archive; every digest on the way is checked."""
    try:
        with tarfile.open(path) as tar:
            def blob(descriptor):
                algorithm, digest = descriptor["digest"].split(":")
                data = _content(tar, f"blobs/{algorithm}/{digest}")
                if hashlib.new(algorithm, data).hexdigest() != digest:
                    raise Fault(f"{path}: the blob {descriptor['digest']} has another digest")
                return json.loads(data)

            index = json.loads(_content(tar, "index.json"))
            manifest = blob(index["manifests"][0])
            return index, manifest, blob(manifest["config"])
    except _UNREADABLE as error:
        raise Fault(f"{path} is no OCI archive: {error}") from None


def architecture(path):
    """What an archive is for, OCI's or one that Docker would save."""
    try:
        with tarfile.open(path) as tar:
            members = tar.getnames()
            if "manifest.json" in members and "index.json" not in members:
                (manifest,) = json.loads(_content(tar, "manifest.json"))
                return json.loads(_content(tar, manifest["Config"])).get("architecture")
    except _UNREADABLE as error:
        raise Fault(f"{path} is no OCI archive: {error}") from None
    return read(path)[2].get("architecture")


def names(path):
    """By what names an OCI archive has its image."""
    return [one["annotations"]["org.opencontainers.image.ref.name"] for one in read(path)[0]["manifests"]]
