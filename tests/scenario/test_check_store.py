"""`tailboot check` about the place for the state: rights on the Secret, and what the folder takes."""

import pytest
from volume import Volume


def check(world, env, status, wrapper=()):
    """Run the command, expect that exit status, and return what it wrote."""
    program = world.start(env, ["check"], wrapper=wrapper)
    assert program.wait_exit(10) == status, program.output()
    assert world.commands() == []
    return program.output()


def test_rights_are_there(world):
    """Nothing is written, and what is there is not shown."""
    world.kube.set(authkey="k-very-secret")
    text = check(world, world.kube_env(), 0)
    assert "ok: the Secret tailscale exists, and may be written" in text
    assert world.kube.count("patch") == 0
    assert "very-secret" not in text


@pytest.mark.parametrize("verb", ["get", "update", "patch"])
def test_right_is_missing(world, verb):
    """The verb and the object are named."""
    world.kube.denied.add(verb)
    text = check(world, world.kube_env(), 1)
    assert f'missing {verb} permission on secret "tailscale"' in text
    assert ("nothing will be published" in text) == (verb == "patch")


def test_secret_cannot_be_made(world):
    """A Secret that does not exist needs one more right."""
    world.kube.secret = None
    assert "will be created" in check(world, world.kube_env(), 0)
    (world.root / "output").unlink()
    world.kube.denied.add("create")
    assert "we don't have permissions to create it" in check(world, world.kube_env(), 1)


def test_api_server_is_away(world):
    """It is tried for 5 s; the reason is reported."""
    env = world.kube_env()
    world.kube.stop()
    assert "error: the API server does not answer: " in check(world, env, 1)


@pytest.mark.parametrize("fault", ["full", "read_only"])
def test_folder_takes_nothing(world, fault):
    """A full volume and a read-only one are distinguished."""
    volume = Volume(world, world.root / "var/lib/tailscale")
    enter = {"full": volume.full_from_start, "read_only": volume.read_only_from_start}[fault]()
    text = check(world, {"TS_STATE_DIR": volume.folder}, 1, enter)
    wanted = {"full": "the volume is full, 0 bytes are left", "read_only": "Read-only file system"}
    assert f"error: TS_STATE_DIR: {volume.folder}: {wanted[fault]}" in text


def test_published_takes_nothing(world):
    """The folder is fine, but not where the fields go."""
    folder = world.root / "var/lib/tailscale"
    folder.mkdir()
    assert "ok: state is kept in" in check(world, {"TS_STATE_DIR": folder}, 0)
    (world.root / "output").unlink()
    published = folder / "published"
    published.write_text("in the way")
    assert f"{published} is no folder" in check(world, {"TS_STATE_DIR": folder}, 1)
    published.unlink()
    (world.root / "output").unlink()
    volume = Volume(world, published)
    text = check(world, {"TS_STATE_DIR": folder}, 1, volume.read_only_from_start())
    assert f"TS_STATE_DIR: {published}: Read-only file system" in text
