"""Without Kubernetes the state folder holds the published fields, one file a key."""

import contextlib
import os
import stat

import pytest
from fakes import notify
from fakes.waiting import stays_true, wait_until

FIELDS = {"device_id": "myID", "device_fqdn": "test-node.test.ts.net.",
          "device_ips": '["100.64.0.1"]'}


def state_dir(world):
    """A folder of its own for the daemon's state."""
    made = world.root / "var/lib/tailscale"
    made.mkdir(exist_ok=True)
    return made


def published(world):
    """All published keys."""
    folder = state_dir(world) / "published"
    if not folder.is_dir():
        return {}
    found = {}
    for path in folder.iterdir():
        # what is being written has another name until it is whole; a key may just be taken back
        if not path.name.startswith("."):
            with contextlib.suppress(FileNotFoundError):
                found[path.name] = path.read_text()
    return found


def wait_fields(world, wanted, timeout=5):
    """Wait until at least these fields are published."""
    wait_until(lambda: wanted.items() <= published(world).items(), timeout,
               lambda: f"{published(world)} instead of {wanted}")


def start(world, **env):
    """A running node with a state folder."""
    world.install("lively")
    world.start_running(dict({"TS_STATE_DIR": state_dir(world)}, **env))


def test_one_file_a_key(world):
    """All that a Secret would hold, private to the owner."""
    start(world)
    wait_fields(world, FIELDS)
    folder = state_dir(world) / "published"
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_followed(world):
    """A rename of the node changes the files; the replacement is atomic."""
    start(world)
    wait_fields(world, FIELDS)
    path = state_dir(world) / "published/device_fqdn"
    inode = path.stat().st_ino
    world.lapi.bus.publish(notify.running(notify.node(name="new.test.ts.net.")))
    wait_fields(world, {"device_fqdn": "new.test.ts.net."})
    assert path.stat().st_ino != inode


def test_not_rewritten(world):
    """What is there already is not written again, also by a second run."""
    start(world)
    wait_fields(world, FIELDS)
    path = state_dir(world) / "published/device_fqdn"
    before = path.stat().st_ino
    world.lapi.bus.publish(notify.running())
    stays_true(lambda: path.stat().st_ino == before, 0.3, "same file")
    assert world.program.stop() == 0
    (world.root / "output").unlink()
    start(world)
    stays_true(lambda: path.stat().st_ino == before, 0.3, "same file")


def test_in_memory_publishes_nothing(world):
    """Without a state folder nothing is written anywhere."""
    world.start_running()
    assert published(world) == {}
    assert not list((world.root / "var/lib/tailscale").iterdir())


def test_kubernetes_wins(world):
    """With a Secret the fields go there, not into the folder."""
    start(world, **world.kube_env())
    world.wait_key("device_fqdn", FIELDS["device_fqdn"])
    assert published(world) == {}


def test_serve_endpoint(world):
    """The HTTPS endpoint is published too."""
    path = world.root / "etc/tailscaled/serve-config.json"
    start(world, TS_SERVE_CONFIG=path)
    wait_fields(world, dict(FIELDS, https_endpoint="no-https"))


def test_folder_is_made(world):
    """A state folder that is not there is made, or the program says why not and goes on."""
    target = world.root / "var/lib/new/deep"
    world.install("lively")
    world.start_running({"TS_STATE_DIR": target})
    wait_until(lambda: (target / "published/device_id").exists(), 5, "published")


@pytest.mark.parametrize("obstacle", ["file", "dangling"])
def test_folder_cannot_be_made(world, obstacle):
    """An obstacle in the place of the folder does not end a node that runs otherwise."""
    place = state_dir(world) / "published"
    if obstacle == "file":
        place.write_text("in the way")
    else:
        os.symlink("/nowhere/at/all", place)
    world.install("lively")
    world.lapi.bus.publish(notify.running())
    program = world.start({"TS_STATE_DIR": state_dir(world)})
    wait_until(lambda: program.has_log("Startup complete, waiting for shutdown signal")
               or not program.alive(), 8, "an end")
    if not program.alive():
        assert program.process.returncode == 1
        assert "published" in program.lines()[-1]


def test_write_fails_for_a_while(world):
    """A write that fails is kept, and lands when the obstacle is gone."""
    start(world)
    wait_fields(world, FIELDS)
    path = state_dir(world) / "published/device_fqdn"
    path.unlink()
    path.mkdir()
    (path / "x").write_text("")
    world.lapi.bus.publish(notify.running(notify.node(name="new.test.ts.net.")))
    stays_true(world.program.alive, 0.4, "alive")
    (path / "x").unlink()
    path.rmdir()
    wait_until(lambda: path.is_file() and path.read_text() == "new.test.ts.net.", 10, "written")


def test_explicitly_no_secret_in_kubernetes(world):
    """An empty Secret name in a pod selects the folder, and the API is never asked."""
    start(world, **world.kube_env(TS_KUBE_SECRET=""))
    wait_fields(world, FIELDS)
    assert world.kube.count() == 0
