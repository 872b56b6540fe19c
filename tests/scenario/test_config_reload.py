"""One-step mode: the mounted config file changes, is broken, or the daemon refuses it."""

import os
import pathlib
import time

import pytest
from fakes import notify, testroot
from fakes.httpserver import Drop, Reply
from fakes.waiting import stays_true, wait_until

RELOADED = "tailscaled config watch: config was reloaded"


def running(world):
    """A running node with its config behind ..data, as kubelet mounts it."""
    mount(world, testroot.CONFIG_KEY)
    world.install("lively")
    world.start_running({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})


def mount(world, key="k", text=None, **more):
    """Swap ..data to a folder with a new file."""
    folder = world.config_dir()
    name = f"..{time.monotonic_ns()}"
    (folder / name).mkdir()
    if text is None:
        testroot.write_config(folder / name / "cap-95.hujson", key, **more)
    else:
        (folder / name / "cap-95.hujson").write_bytes(text)
    os.symlink(name, folder / "..data_tmp")
    plain = folder / "cap-95.hujson"
    if not plain.is_symlink():
        plain.unlink()
        os.symlink("..data/cap-95.hujson", plain)
    os.rename(folder / "..data_tmp", folder / "..data")


def reloads(world):
    """How often the daemon was asked to reload."""
    return world.lapi.count("POST", "reload-config")


def test_atomic_swap(world):
    """A swap of the mount is a reload."""
    running(world)
    mount(world, Hostname="new")
    world.program.wait_log(RELOADED)
    assert reloads(world) == 1
    assert world.daemon_starts() == 1


def test_same_content_is_no_change(world):
    """A swap that changes nothing in our file, or an event of another file, does nothing."""
    running(world)
    mount(world, testroot.CONFIG_KEY)
    (world.config_dir() / "other").write_text("x")
    stays_true(lambda: reloads(world) == 0, 0.7, "no reload")
    mount(world, "next")
    world.program.wait_log(RELOADED)


def test_rewritten_in_place(world):
    """A bind-mounted file is rewritten in place."""
    world.install("lively")
    world.start_running({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})
    testroot.write_config(world.config_dir() / "cap-95.hujson", "next")
    world.program.wait_log(RELOADED)


def test_renamed_over(world):
    """An editor replaces the file."""
    world.install("lively")
    world.start_running({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})
    testroot.write_config(world.config_dir() / "new", "next")
    os.rename(world.config_dir() / "new", world.config_dir() / "cap-95.hujson")
    world.program.wait_log(RELOADED)


BROKEN = {"not_json": b"{", "empty": b"", "version": b'{"version":"beta"}', "nul": b'{"a\0":1}',
          "utf8": b'{"version":"alpha0","Hostname":"\xff\xfe"', "huge": b"[" * 3_000_000}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file(world, name):
    """The old file stays in force, the reason is logged once, a good file is accepted again."""
    running(world)
    before = len(world.program.lines())
    mount(world, text=BROKEN[name])
    wait_until(lambda: len(world.program.lines()) > before, 5, "the reason")
    for _ in range(3):
        mount(world, text=BROKEN[name] + b" ")
        stays_true(world.program.alive, 0.2, "alive")
    assert reloads(world) == 0
    assert len(world.program.lines()) - before <= 3, "logged once"
    mount(world, "good")
    world.program.wait_log(RELOADED)


def test_file_vanishes(world):
    """A missing file changes nothing."""
    running(world)
    os.unlink(world.config_dir() / "..data")
    stays_true(world.program.alive, 0.5, "alive")
    assert reloads(world) == 0
    mount(world, "back")
    world.program.wait_log(RELOADED)


REFUSALS = {
    "empty_answer": lambda request: Reply(200),
    "error": lambda request: Reply.of_json({"Reloaded": False, "Err": "bad config"}),
    "status": lambda request: Reply(500, b'{"Error":"no"}'),
}


@pytest.mark.parametrize("name", [*REFUSALS, "closed"])
def test_reload_fails(world, name):
    """A failed reload is logged, the node keeps running, the next change is loaded."""
    def closed(_request):
        raise Drop
    running(world)
    world.lapi.answers["reload-config"] = REFUSALS.get(name, closed)
    before = len(world.program.lines())
    mount(world, "next")
    world.lapi.wait_asked("POST", "reload-config")
    wait_until(lambda: len(world.program.lines()) > before, 5, "the reason")
    stays_true(world.program.alive, 0.5, "alive")
    del world.lapi.answers["reload-config"]
    mount(world, "after")
    world.program.wait_log(RELOADED)
    assert world.daemon_starts() == 1


def test_reload_that_changes_nothing(world):
    """`Reloaded` false without an error is no failure."""
    running(world)
    world.lapi.reload_answer = {"Reloaded": False}
    mount(world, "next")
    world.lapi.wait_asked("POST", "reload-config")
    stays_true(world.program.alive, 0.3, "alive")
    assert not world.program.has_log(RELOADED)


def config_of_daemon(world):
    """What the newest daemon was started with."""
    starts = [line for line in world.args_file.read_text().splitlines() if "--config=" in line]
    return starts[-1].split("--config=")[1].split()[0]


def test_edit_before_running(world):
    """An edit between the daemon's start and Running was not loaded by the daemon."""
    mount(world, testroot.CONFIG_KEY)
    world.install("lively")
    world.start({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})
    world.lapi.bus.wait_watchers(1)
    mount(world, "next")
    world.lapi.bus.publish(notify.running())
    world.program.wait_log(RELOADED)
    assert reloads(world) == 1


def test_crash_after_a_bad_edit(world):
    """The daemon is brought back with the content that was usable, and gets the next good one."""
    running(world)
    mount(world, text=b"{")
    world.program.wait_log_part("condition ConfigInvalid")
    world.crash_daemon(2)
    copy = config_of_daemon(world)
    assert str(world.config_dir()) not in copy
    assert testroot.CONFIG_KEY in pathlib.Path(copy).read_text(encoding="utf-8")
    assert os.stat(copy).st_mode & 0o777 == 0o600
    mount(world, "good")
    world.program.wait_log(RELOADED)
    assert "good" in pathlib.Path(copy).read_text(encoding="utf-8")
    world.program.stop()
    assert not os.path.exists(copy), "the copy is gone with the program"


def test_another_version_takes_the_place(world):
    """The chosen file vanishes, a better one appears: it is used, at once and at each start."""
    world.install("lively")
    world.start_running({"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})
    folder = world.config_dir()
    testroot.write_config(folder / "cap-107.hujson", "better")
    os.unlink(folder / "cap-95.hujson")
    world.wait_daemon_starts(2)
    assert config_of_daemon(world) == str(folder / "cap-107.hujson")
    world.crash_daemon(3)
    assert config_of_daemon(world) == str(folder / "cap-107.hujson")


def test_fresh_key_while_logged_out(world):
    """A login that was lost, then a fresh key in the file: the daemon is started again with it."""
    running(world)
    world.lapi.bus.publish(notify.login_warning("authkey already used"))
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    world.program.wait_log_part("condition NotRunning")
    mount(world, "fresh")
    world.wait_daemon_starts(2)
    world.lapi.bus.publish(notify.running())
    world.program.wait_log("tailscaled is running again")


def test_key_rotated_before_the_login_is_lost(world):
    """A key that the daemon has loaded but not tried is tried before another one is requested.

    The request that follows names it, and is not answered by it.
    """
    mount(world, "first")
    world.install("lively")
    world.start_running(world.kube_env(TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=world.config_dir()))
    mount(world, "second")
    world.program.wait_log(RELOADED)
    device = world.kube.get()["device_id"]
    lost = notify.state(notify.NEEDS_LOGIN)
    world.lapi.bus.publish(lost)
    world.wait_daemon_starts(2)
    world.wait_key("reissue_authkey", "second")
    stays_true(lambda: world.kube.get().get("device_id") == device, 0.7, "the id stays")
    mount(world, "third")
    world.wait_key("reissue_authkey", None)
    world.wait_daemon_starts(3)


def test_login_is_lost_while_a_file_is_refused(world):
    """The key in a file that the daemon refuses is no answer: a start would not use that file."""
    mount(world, testroot.CONFIG_KEY)
    world.install("lively")
    world.start_running(world.kube_env(TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=world.config_dir()))
    world.lapi.answers["reload-config"] = REFUSALS["status"]
    mount(world, "second")
    world.program.wait_log_part("condition ConfigReloadFailed")
    device = world.kube.get()["device_id"]
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    world.wait_key("reissue_authkey", testroot.CONFIG_KEY)
    stays_true(lambda: world.kube.get().get("device_id") == device, 0.7, "the id stays")
    mount(world, "third")
    world.wait_key("reissue_authkey", None)
    world.wait_daemon_starts(2)
