"""Images of another architecture: refused where they would be loaded, and started under an emulator."""

import json
import os
import platform
import subprocess
import tarfile
from pathlib import Path

import pytest
from imagebuild import trees
from imagebuild.lockfile import Fault

ROOT = Path(__file__).resolve().parent.parent.parent
MINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def check(*arguments):
    """images/check-arch."""
    return subprocess.run([ROOT / "images/check-arch", *arguments], capture_output=True, text=True, check=False)


def test_own_architecture_is_admitted(image):
    """With it named, and without when it is this machine's."""
    assert check(image.path, image.arch).returncode == 0
    assert (check(image.path).returncode == 0) == (image.arch == MINE)


def test_other_architecture_is_refused(image):
    """The sentence says which, and what to do."""
    other = "arm64" if image.arch == "amd64" else "amd64"
    done = check(image.path, other)
    assert done.returncode == 1
    assert f"is an image for {image.arch}, and {other} is wanted" in done.stderr
    assert f"images/build --arch {other}" in done.stderr


@pytest.mark.parametrize("content", [b"", b"no archive at all", None])
def test_no_image_is_refused(tmp_path, content):
    """Neither a text nor an archive without an index."""
    path = tmp_path / "file.tar"
    if content is None:
        with tarfile.open(path, "w"):
            pass
    else:
        path.write_bytes(content)
    done = check(path)
    assert done.returncode == 1 and "is no OCI archive" in done.stderr


def copy(*arguments):
    """images/copy."""
    return subprocess.run([ROOT / "images/copy", *arguments], capture_output=True, text=True, check=False)


def test_copy(image, tmp_path):
    """What is copied has all of the image."""
    done = copy(image.path, f"dir:{tmp_path}/copied", "--arch", image.arch)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "copied/manifest.json").read_bytes())
    assert manifest["config"]["digest"] == image.documents[1]["config"]["digest"]


@pytest.mark.parametrize("destination", ["dir:{}/copied", "containerd"])
def test_copy_refuses_another_architecture(unpacked, tmp_path, destination):
    """Before anything is written or asked."""
    foreign = next(arch for arch in ("amd64", "arm64") if arch != MINE)
    done = copy(unpacked["tailboot-slim", foreign].path, destination.format(tmp_path))
    assert done.returncode == 1 and f"is an image for {foreign}, and {MINE} is wanted" in done.stderr
    assert not list(tmp_path.iterdir())


def test_copy_names_its_destinations(unpacked):
    """Nothing that skopeo knows."""
    done = copy(unpacked["tailboot-slim", MINE].path, "registry")
    assert done.returncode == 1 and "registry is no destination" in done.stderr


@pytest.mark.parametrize("got", ["amd64", "arm64"])
def test_archive_of_docker(tmp_path, got):
    """Without an index, with a manifest of its own kind."""
    path = tmp_path / "saved.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in (("config.json", {"architecture": got}), ("manifest.json", [{"Config": "config.json"}])):
            (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
            archive.add(tmp_path / name, name)
    assert check(path, "amd64").returncode == (got != "amd64")


def test_changed_blob_is_refused(tmp_path, unpacked):
    """A configuration that does not have the manifest's digest."""
    with tarfile.open(unpacked["tailboot-slim", MINE].path) as archive:
        archive.extractall(tmp_path / "image")
    digest = unpacked["tailboot-slim", MINE].documents[1]["config"]["digest"]
    blob = tmp_path / "image/blobs" / digest.replace(":", "/")
    blob.write_text(json.dumps(dict(json.loads(blob.read_bytes()), architecture="arm64")), encoding="utf-8")
    subprocess.run(["tar", "-C", tmp_path / "image", "-cf", tmp_path / "changed.tar", "."], check=True)
    with tarfile.open(tmp_path / "changed.tar", "w") as archive:
        archive.add(tmp_path / "image", arcname="")
    done = check(tmp_path / "changed.tar", "arm64")
    assert done.returncode == 1 and "has another digest" in done.stderr


def test_foreign_program_is_not_packed(unpacked):
    """A build whose compiler was for another machine ends before there is an image."""
    program = unpacked["tailboot-slim", "arm64"].root / "usr/local/bin/containerboot"
    trees.check_machine(program, "arm64")
    with pytest.raises(Fault, match="containerboot is no program for amd64"):
        trees.check_machine(program, "amd64")


def test_check_command(image):
    """`check` with nothing set reports what a start would do."""
    env = {"PATH": os.environ["PATH"], "TS_USERSPACE": "perhaps"}
    done = subprocess.run([*image.program("usr/local/bin/containerboot"), "check"], env=env, capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode != 0 and "TS_USERSPACE" in done.stdout + done.stderr


def test_starts_on_fakes(image, tmp_path):
    """The stories of userspace mode, the program being that of the image."""
    wrapper = tmp_path / "containerboot"
    command = " ".join(image.program("usr/local/bin/containerboot"))
    wrapper.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    done = subprocess.run([ROOT / "tests/scenario/run", wrapper, "-n", "2", "-k", "test_stories_userspace"],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
