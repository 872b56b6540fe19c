"""A folder as kubelet mounts it: all files change at once, by a link that is renamed."""

import json
import os
import shutil


class Mounted:
    """A volume at `path`; it exists, empty, from the start."""

    def __init__(self, path):
        self.path = path
        self._number = 0
        path.mkdir(parents=True)
        self.swap({})

    def swap(self, files):
        """Let the volume hold exactly these files: documents, texts or bytes."""
        self._number += 1
        version = self.path / f"..{self._number}"
        version.mkdir()
        for name, content in files.items():
            (version / name).write_bytes(_encoded(content))
        old = self.path / f"..{self._number - 1}"
        os.symlink(version.name, self.path / "..data_tmp")
        os.rename(self.path / "..data_tmp", self.path / "..data")
        for name in files:
            if not (self.path / name).is_symlink():
                os.symlink(f"..data/{name}", self.path / name)
        for entry in self.path.iterdir():
            if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in files:
                entry.unlink()
        shutil.rmtree(old, ignore_errors=True)


def _encoded(content):
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()
