"""A small volume of its own for the state folder, in a mount namespace that the program enters."""

import subprocess

MOUNT = 'mount -t tmpfs -o "$1" tailboot-test "$2" && shift 2 && exec "$@"'


class Volume:
    """A tmpfs at `folder`, seen by the program and its children only."""

    def __init__(self, world, folder, size="64k"):
        self.world = world
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        #: to be put before the program
        self.enter = ["unshare", "--mount", "sh", "-c", MOUNT, "sh", f"size={size},mode=0755",
                      str(folder)]

    def read_only_from_start(self):
        """The same, but nothing can ever be written."""
        self.enter[-2] += ",ro"
        return self.enter

    def full_from_start(self):
        """The same, but a file takes all there is room for."""
        fill = 'cat /dev/zero >"$0/ballast" 2>/dev/null; exec "$@"'
        self.enter += ["sh", "-c", fill, str(self.folder)]
        return self.enter

    def run(self, *command):
        """Output of a command that sees the volume; None when it fails."""
        done = subprocess.run(["nsenter", f"--mount=/proc/{self.world.program.pid}/ns/mnt", "--",
                               *map(str, command)], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def remount(self, option):
        """`ro` or `rw` from now on."""
        assert self.run("mount", "-o", f"remount,{option}", self.folder) is not None

    def published(self, key):
        """What a key's file holds, None when there is none."""
        return self.run("cat", self.folder / "published" / key)
