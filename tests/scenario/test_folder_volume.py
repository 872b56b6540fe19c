"""A state folder that takes nothing, or no more: the node runs, and the log says what is wrong."""

import re
import time

import pytest
from fakes import notify
from fakes.waiting import stays_true, wait_until
from harness import STARTED
from test_folder_store import FIELDS, start, state_dir, wait_fields
from volume import Volume

RAISED = "condition StoreWriteFailed: "


def renamed(name):
    """The node has another name."""
    return notify.running(notify.node(name=f"{name}.test.ts.net."))


def reasons(program):
    """The lines about the store's condition."""
    return [line for line in program.lines() if "StoreWriteFailed" in line]


@pytest.mark.parametrize("fault", ["full", "read_only"])
def test_from_the_start(world, fault):
    """The daemon is started and the node comes up; one line names the folder and the reason."""
    world.install("lively")
    volume = Volume(world, world.root / "var/lib/tailscale")
    enter = {"full": volume.full_from_start, "read_only": volume.read_only_from_start}[fault]()
    program = world.start_running({"TS_STATE_DIR": volume.folder}, wrapper=enter)
    assert program.has_log(STARTED)
    assert volume.published("device_id") is None
    world.lapi.bus.publish(renamed("other"))
    stays_true(program.alive, 1.2, "alive")
    text = {"full": "No space left on device", "read_only": "Read-only file system"}[fault]
    lines = reasons(program)
    assert len(lines) == 1, lines
    assert f"{volume.folder}/published" in lines[0] and text in lines[0]
    assert "Secret" not in program.output() and "API server" not in program.output()
    begun = time.monotonic()
    assert program.stop() == 0
    assert time.monotonic() - begun < 3


def test_remounted_read_only(world):
    """Each retry has the same reason; when it can be written again, it is."""
    world.install("lively")
    volume = Volume(world, world.root / "var/lib/tailscale")
    program = world.start_running({"TS_STATE_DIR": volume.folder}, wrapper=volume.enter)
    volume.remount("ro")
    for name in ("first", "second", "third"):
        world.lapi.bus.publish(renamed(name))
        program.wait_log_part(RAISED)
        # several tries of each
        stays_true(program.alive, 0.7, "alive")
    lines = reasons(program)
    assert len(lines) == 1, lines
    assert re.search(r"published/device_fqdn: .*Read-only file system", lines[0])
    volume.remount("rw")
    wait_until(lambda: volume.published("device_fqdn") == "third.test.ts.net.", 5, "written")
    program.wait_log_part("condition StoreWriteFailed cleared")


def test_left_by_a_killed_run(world):
    """A file that was never renamed goes at the next start; other files are not ours."""
    folder = state_dir(world) / "published"
    folder.mkdir()
    for name in (".tailboot-1-7.tmp", ".tailboot-1-7.tmp.keep", ".notes"):
        (folder / name).write_text("x")
    start(world)
    wait_fields(world, FIELDS)
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith(".")) == [
        ".notes", ".tailboot-1-7.tmp.keep"]


#: what a daemon may leave of its state when it has no login
IDLE = {
    "absent": None,
    "empty": "",
    "never_logged_in": '{"_machinekey":"x"}',
    "logged_out": '{"_machinekey":"x","_profiles":"x","_current-profile":"x"}',
    "stopped": '{"_machinekey":"x","_profiles":"x","_current-profile":"x","profile-1":"x"}',
}


@pytest.mark.parametrize("left", IDLE)
def test_stop_of_an_idle_node(world, left):
    """Whatever it was that ended the login, a stop does not wait for another."""
    start(world)
    wait_fields(world, FIELDS)
    world.lapi.bus.publish(notify.state(notify.STOPPED if left == "stopped"
                                        else notify.NEEDS_LOGIN))
    if IDLE[left] is not None:
        (state_dir(world) / "tailscaled.state").write_text(IDLE[left])
    begun = time.monotonic()
    assert world.program.stop() == 0
    assert time.monotonic() - begun < 3
    assert "Error waiting for consistent state" not in world.program.output()
