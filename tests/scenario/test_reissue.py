"""The protocol by which the operator hands out a new key, in its variants."""

import os
import time

import pytest
from fakes import faults, notify, testroot
from fakes.waiting import stays_true, wait_until
from harness import CAPVER, STARTED

pytestmark = pytest.mark.both_generations

WATCHING = "watching for config changes via fsnotify"
DONE = "Successfully received new auth key, restarting to apply configuration"
NEEDS_LOGIN = notify.state(notify.NEEDS_LOGIN)


def config(world):
    """The config file that is used."""
    return world.config_dir() / "cap-95.hujson"


def begin(world, message=None, env=None):
    """Boot with a config file, and let the login fail."""
    world.lapi.bus.publish(message or NEEDS_LOGIN)
    return world.start(world.kube_env(TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=world.config_dir(),
                                      **(env or {})))


def give_key(world, key="new-key"):
    """What the operator does, as kubelet shows it: a new folder behind ..data."""
    folder = world.config_dir()
    name = f"..{time.monotonic_ns()}"
    (folder / name).mkdir()
    testroot.write_config(folder / name / "cap-95.hujson", key)
    os.symlink(name, folder / "..data_tmp")
    if not config(world).is_symlink():
        config(world).unlink()
        os.symlink("..data/cap-95.hujson", config(world))
    os.rename(folder / "..data_tmp", folder / "..data")


@pytest.mark.parametrize("message", [NEEDS_LOGIN, notify.login_warning()])
def test_key_by_an_atomic_swap(world, message):
    """The whole protocol with a symlink swap as in a mounted Secret."""
    program = begin(world, message)
    world.wait_key("reissue_authkey", testroot.CONFIG_KEY)
    assert world.lapi.count("POST", "disconnect-control") == 1
    program.wait_log_part(WATCHING)
    assert program.log_count("Waiting for operator to provide new auth key (max wait: 10")
    give_key(world)
    assert program.wait_exit() == 0
    assert program.has_log(DONE)
    world.wait_secret({"tailscale_capver": CAPVER})


def test_warning_starts_it_soon(world):
    """A login warning without text and without state starts the protocol within 2 s."""
    begin(world, notify.state(notify.STARTING))
    world.lapi.bus.wait_watchers(1)
    world.lapi.bus.publish(notify.login_warning())
    world.wait_key("reissue_authkey", testroot.CONFIG_KEY, 2)


@pytest.mark.parametrize("key", ["", None])
def test_empty_key(world, key):
    """Without a key in the config the request is present and empty."""
    testroot.write_config(config(world), key)
    program = begin(world)
    world.wait_key("reissue_authkey", "")
    program.wait_log_part(WATCHING)
    give_key(world)
    assert program.wait_exit() == 0
    assert "reissue_authkey" not in world.kube.get()


def test_same_key_again_is_no_answer(world):
    """The old key, an empty key, or a broken file do not end the wait."""
    program = begin(world)
    program.wait_log_part(WATCHING)
    give_key(world, testroot.CONFIG_KEY)
    stays_true(program.alive, 0.3, "waiting")
    give_key(world, "")
    stays_true(program.alive, 0.3, "waiting")
    config(world).write_text("{ broken")
    stays_true(program.alive, 0.3, "waiting")
    give_key(world)
    assert program.wait_exit() == 0


def test_key_in_a_plain_file(world):
    """A file that is rewritten in place is noticed too."""
    program = begin(world)
    program.wait_log_part(WATCHING)
    testroot.write_config(config(world), "new-key")
    assert program.wait_exit(8) == 0
    assert program.has_log(DONE)


def test_what_is_cleared(world):
    """The device's identity goes with the request, other keys stay."""
    world.kube.update({"device_id": "x", "device_fqdn": "x", "device_ips": "x", "_machinekey": "x",
                       "_current-profile": "profile-1", "_profiles": "x", "profile-1": "x",
                       "foo": "bar"})
    program = begin(world)
    program.wait_log_part(WATCHING)
    give_key(world)
    assert program.wait_exit() == 0
    world.wait_secret({"tailscale_capver": CAPVER, "foo": "bar"})


def test_clearing_fails(world):
    """A failure to clear is only logged."""
    program = begin(world, env={"TAILBOOT_STOP_BUDGET": "2s"})
    program.wait_log_part(WATCHING)
    world.kube.fault(("get", "patch"), faults.status(403), None)
    give_key(world)
    assert program.wait_exit(15) == 0
    assert program.has_log(DONE)


def test_login_succeeds_meanwhile(world):
    """A login that succeeds during the wait ends it: boot goes on."""
    program = begin(world)
    world.wait_key("reissue_authkey", testroot.CONFIG_KEY)
    program.wait_log_part(WATCHING)
    world.lapi.bus.publish(notify.running())
    program.wait_log(STARTED, 5)
    world.wait_key("reissue_authkey", None)


def test_request_is_written_in_spite_of_errors(world):
    """The request is retried until it is stored."""
    world.lapi.bus.publish(notify.state(notify.STARTING))
    program = begin(world, notify.state(notify.STARTING))
    world.wait_key("tailscale_capver", CAPVER)
    world.kube.fault("patch", faults.status(503), 2)
    world.lapi.bus.publish(NEEDS_LOGIN)
    world.wait_key("reissue_authkey", testroot.CONFIG_KEY, 8)
    give_key(world)
    assert program.wait_exit() == 0


def test_boot_deadline_does_not_end_it(world):
    """The wait is longer than the boot deadline."""
    program = begin(world, env={"TS_BOOT_TIMEOUT": "1s"})
    program.wait_log_part(WATCHING)
    stays_true(program.alive, 1.5, "waiting")
    give_key(world)
    assert program.wait_exit() == 0


def test_login_under_way_is_not_cut_off(world):
    """The daemon has a key, and its login takes a while: no other one is asked for."""
    program = begin(world)
    world.lapi.bus.wait_watchers(1)
    stays_true(lambda: not world.lapi.count("POST", "disconnect-control"), 0.6, "left alone")
    world.lapi.bus.publish(notify.running())
    program.wait_log(STARTED)
    assert "reissue_authkey" not in world.kube.get()


def test_once_per_boot(world):
    """Further messages do not begin it again."""
    program = begin(world)
    program.wait_log_part(WATCHING)
    for _ in range(3):
        world.lapi.bus.publish(notify.login_warning())
        world.lapi.bus.publish(NEEDS_LOGIN)
    stays_true(lambda: world.lapi.count("POST", "disconnect-control") == 1, 0.5, "one request")
    assert world.kube.written("reissue_authkey") == [testroot.CONFIG_KEY]


def test_answered_request_is_dropped_at_the_next_boot(world):
    """The reset drops a request that was answered, and keeps one that was not."""
    world.kube.update({"reissue_authkey": testroot.CONFIG_KEY})
    world.lapi.bus.publish(notify.state(notify.STARTING))
    begin(world, notify.state(notify.STARTING))
    world.wait_key("tailscale_capver", CAPVER)
    assert world.kube.get()["reissue_authkey"] == testroot.CONFIG_KEY
    assert world.program.stop() == 0
    testroot.write_config(config(world), "another")
    (world.root / "output").unlink()
    begin(world, notify.state(notify.STARTING))
    world.wait_key("reissue_authkey", None)


def test_no_secrets_in_the_log(world):
    """Neither the old nor the new key is ever written to the log."""
    program = begin(world)
    program.wait_log_part(WATCHING)
    give_key(world, "very-new-key")
    wait_until(lambda: not program.alive(), 10, "end")
    assert "very-new-key" not in program.output()
    assert testroot.CONFIG_KEY not in program.output()


def test_operator_never_answers(world):
    """After the longest wait, which is shortened for tests, boot ends with the known sentence."""
    program = begin(world, env={"TAILBOOT_STOP_BUDGET": "2s"})
    program.wait_log_part(WATCHING)
    assert program.wait_exit(25) == 1
    assert ("failed to get a reissued authkey: failed to receive new auth key: timeout waiting for "
            "auth key reissue after 10") in program.output()
    assert world.kube.get()["reissue_authkey"] == testroot.CONFIG_KEY, "the request stays"


def test_stopped_while_it_waits(world):
    """A Pod that is drained does not take back what its successor needs."""
    program = begin(world, env={"TAILBOOT_STOP_BUDGET": "2s"})
    program.wait_log_part(WATCHING)
    assert program.stop() == 0
    assert world.kube.get()["reissue_authkey"] == testroot.CONFIG_KEY


def test_nobody_answers_while_the_daemon_is_away(world):
    """The wait ends while the daemon starts again: the node is found when it is up."""
    world.install("lively")
    world.lapi.bus.publish(notify.running())
    program = begin(world, notify.running())
    program.wait_log(STARTED)
    world.lapi.bus.publish(NEEDS_LOGIN)
    world.wait_key("reissue_authkey", testroot.CONFIG_KEY)
    world.install("no_socket")
    world.socket.unlink()
    world.kill_daemon()
    world.wait_daemon_starts(2)
    program.wait_log_part("KeyReissuePending now: failed to get a reissued authkey", 20)
    world.lapi.bus.set_unheard(notify.running())
    world.lapi.start()
    os.symlink(world.lapi.path, world.socket)
    program.wait_log("tailscaled is running again")
    world.wait_key("reissue_authkey", None)
