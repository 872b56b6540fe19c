"""The same commit and lock make the same image, whatever else differs."""

import os
import subprocess
from pathlib import Path

from imagebed import IMAGES
from imagebuild import fetch

ROOT = Path(__file__).resolve().parent.parent.parent
# Everything that a build could let in: time zone, language, home, mask of new files, processors, date.
OTHERWISE = ["faketime", "2031-05-06 07:08:09", "taskset", "-c", "0", "sh", "-c", 'umask 077; exec "$@"', "sh"]


def clone(target):
    """The commit of this tree, without what was not committed."""
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, target], check=True)
    return target


def digests(tree, prefix=(), **environment):
    """Digests of this machine's images as built from a tree."""
    env = dict(os.environ, **environment)
    subprocess.run([*prefix, tree / "images/build"], env=env, check=True, stdout=subprocess.DEVNULL)
    return {path.name: path.read_text(encoding="ascii") for path in (tree / "build/images").glob("*.digest")}


def test_second_build(tmp_path):
    """With a cache of its own: only downloads, and what Go has compiled, are there already."""
    first = digests(clone(tmp_path / "first"))
    assert len(first) == len(IMAGES)
    cache = tmp_path / "another cache"
    cache.mkdir()
    (cache / "packages").symlink_to(fetch.cache() / "packages")
    gocache = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=False).stdout.strip()
    second = digests(clone(tmp_path / "another" / "path of the tree"), OTHERWISE, TAILBOOT_CACHE=str(cache),
                     TZ="Pacific/Auckland", LC_ALL="C.UTF-8", HOME=str(tmp_path), TMPDIR="/var/tmp",
                     GOCACHE=os.environ.get("TAILBOOT_GOCACHE", gocache), GOMODCACHE=gomodcache())
    assert second == first


def gomodcache():
    """Of this machine, which HOME would hide."""
    return subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=False).stdout.strip()
