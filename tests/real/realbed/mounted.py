"""A folder that changes as a mounted Secret or ConfigMap does: a new folder, then one rename of ..data."""

import os
import shutil
import time


class MountedFolder:
    """Files that are symlinks through ..data; each write() swaps all of them at once."""

    def __init__(self, path, files):
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._generation = 0
        # When ..data was last renamed, by the monotonic clock.
        self.swapped_at = 0.0
        self.write(files)

    def write(self, files):
        """Replaces the whole content; files maps names to texts."""
        self._generation += 1
        version = self.path / f"..2026_01_01_00_00_00.{self._generation:09d}"
        version.mkdir()
        for name, text in files.items():
            (version / name).write_text(text)
        data, fresh = self.path / "..data", self.path / "..data_tmp"
        old = data.resolve() if data.is_symlink() else None
        fresh.symlink_to(version.name)
        self.swapped_at = time.monotonic()
        os.rename(fresh, data)
        for name in files:
            link = self.path / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")
        for entry in self.path.iterdir():
            if not entry.name.startswith("..") and entry.name not in files:
                entry.unlink()
        if old:
            shutil.rmtree(old)
