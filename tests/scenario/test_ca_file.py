"""TAILBOOT_CA_FILE: what the children get, what is refused, and what a change does."""

import subprocess

import pytest
from fakes import commands, notify
from fakes.waiting import wait_until
from harness import STARTED, program_path
from mounted import Mounted
from test_login_reasons import failed_try

BLOCK = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
ONE, TWO = BLOCK.format("MAEA"), BLOCK.format("MAEB")
KEY = "-----BEGIN PRIVATE KEY-----\nMAEA\n-----END PRIVATE KEY-----\n"
UNTRUSTED = ('fetch control key: Get "https://control.example/key?v=142": tls: failed to verify '
             "certificate: x509: certificate signed by unknown authority")
RECORD = "cp \"$SSL_CERT_FILE\" __FILE__.new && mv __FILE__.new __FILE__\n"


@pytest.fixture(name="volume")
def _volume(world):
    """The mounted Secret with the certificate, and a bundle of the system."""
    volume = Mounted(world.root / "ca")
    volume.swap({"ca.crt": "# ours\n" + ONE})
    bundle = world.root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("system\n")
    return volume


def recording(world, name):
    """Let a command keep the certificates that it was started with; returns the file."""
    seen = world.root / f"trusted-by-{name}"
    text = commands.DAEMONS["lively"] if name == "tailscaled" else commands.CLIS["plain"]
    first, rest = text.split("\n", 1)
    commands.write_script(world.root / "usr/bin" / name,
                          f"{first}\n" + RECORD.replace("__FILE__", str(seen)) + rest)
    return seen


def setting(volume):
    """The environment."""
    return {"TAILBOOT_CA_FILE": volume.path / "ca.crt"}


def wait_text(path, text):
    """Wait until a file has this content."""
    wait_until(lambda: path.exists() and path.read_text() == text, 5,
               lambda: path.read_text() if path.exists() else f"no {path}")


def test_children_trust_both(world, volume):
    """Daemon and commands get the system's certificates and ours; the stop removes the file."""
    daemon, command = recording(world, "tailscaled"), recording(world, "tailscale")
    program = world.start_running(setting(volume))
    wait_text(daemon, "system\n\n" + ONE)
    wait_text(command, "system\n\n" + ONE)
    bundle = world.root / "tmp/tailscaled.sock.ca-bundle"
    assert bundle.stat().st_mode & 0o777 == 0o600
    assert program.stop() == 0
    assert not bundle.exists()


def test_the_users_bundle_stays_the_base(world, volume):
    """SSL_CERT_FILE takes the place of the system's bundle."""
    own = world.root / "own.pem"
    own.write_text("own\n")
    daemon = recording(world, "tailscaled")
    world.start_running({**setting(volume), "SSL_CERT_FILE": own})
    wait_text(daemon, "own\n\n" + ONE)


@pytest.mark.parametrize("content, sentence", [
    (None, "TAILBOOT_CA_FILE: open {path}: No such file or directory"),
    ("", "TAILBOOT_CA_FILE: {path}: line 1: the file is empty"),
    ("text\n", 'TAILBOOT_CA_FILE: {path}: line 1: no "-----BEGIN CERTIFICATE-----" from here to the end'),
    (ONE + KEY, 'TAILBOOT_CA_FILE: {path}: line 4: "-----BEGIN PRIVATE KEY-----": only certificates may be in it'),
], ids=["missing", "empty", "text", "key"])
def test_unusable_files_are_refused(world, volume, content, sentence):
    """At the start, and by `check`, with variable, path and line; nothing is started."""
    volume.swap({"ca.crt": content} if content is not None else {})
    wanted = sentence.format(path=volume.path / "ca.crt")
    world.termination_log.write_text("")
    program = world.start({**setting(volume), "TAILBOOT_TERMINATION_LOG": world.termination_log})
    assert program.wait_exit() == 1
    assert wanted in program.output()
    assert wanted in world.termination_log.read_text()
    assert world.commands() == []
    check = subprocess.run([program_path(), "check"], env=world.environment(setting(volume)), check=False,
                           capture_output=True, text=True, timeout=20)
    assert check.returncode == 1
    assert f"error: {wanted}\n" in check.stderr


def test_check_counts_certificates(world, volume):
    """What will be trusted."""
    volume.swap({"ca.crt": ONE + TWO})
    program = world.start(setting(volume), argv=["check"])
    program.wait_exit()
    program.wait_log_part("ca.crt is added to /etc/ssl/certs/ca-certificates.crt (certificates: 2)")


def test_a_change_is_in_force_at_the_next_start(world, volume):
    """A running daemon that is content stays; the next one trusts what is mounted."""
    daemon = recording(world, "tailscaled")
    program = world.start_running(setting(volume))
    volume.swap({"ca.crt": TWO})
    program.wait_log_part("has changed; tailscaled trusts the new certificates from its next start on")
    assert world.daemon_starts() == 1
    world.crash_daemon(2)
    wait_text(daemon, "system\n\n" + TWO)


def test_an_unusable_change_keeps_the_last_good_one(world, volume):
    """It is a condition, until the file is good again."""
    daemon = recording(world, "tailscaled")
    program = world.start_running(setting(volume))
    volume.swap({"ca.crt": KEY})
    program.wait_log_part("condition CaFileInvalid: TAILBOOT_CA_FILE: ")
    world.crash_daemon(2)
    wait_text(daemon, "system\n\n" + ONE)
    volume.swap({"ca.crt": TWO})
    program.wait_log_part("condition CaFileInvalid cleared")
    assert program.alive()


@pytest.mark.parametrize("is_fault_first", [True, False])
def test_a_daemon_that_misses_the_new_one_is_restarted(world, volume, is_fault_first):
    """The certificate of the control server is from a new authority: in place, once."""
    daemon = recording(world, "tailscaled")
    program = world.start_running(
        {**setting(volume), "TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": world.config_dir()})
    fault = failed_try(UNTRUSTED)
    if is_fault_first:
        world.lapi.bus.publish(fault)
        program.wait_log_part("condition ControlTLSUntrusted: ")
        assert world.daemon_starts() == 1
        volume.swap({"ca.crt": ONE + TWO})
    else:
        volume.swap({"ca.crt": ONE + TWO})
        program.wait_log_part("has changed; tailscaled trusts")
        world.lapi.bus.publish(fault)
    world.wait_daemon_starts(2)
    wait_text(daemon, "system\n\n" + ONE + TWO)
    assert program.log_count(STARTED) == 1
    world.lapi.bus.publish(notify.running())
    program.wait_log_part("condition ControlTLSUntrusted cleared")
    assert world.daemon_starts() == 2
    assert program.log_count("has not read the newest TAILBOOT_CA_FILE, restarting it") == 1


def test_a_change_during_the_stop_restarts_nothing(world, volume):
    """The daemon is still needed for the withdrawal."""
    world.install("lively")
    world.lapi.prefs = {"AdvertiseServices": ["svc:a"]}
    program = world.start_running(setting(volume))
    world.lapi.bus.publish(failed_try(UNTRUSTED))
    program.wait_log_part("condition ControlTLSUntrusted: ")
    reached = world.lapi.hold("PATCH", "prefs")
    program.terminate()
    wait_until(reached, 5, "withdrawal under way")
    volume.swap({"ca.crt": TWO})
    program.wait_log_part("has changed; tailscaled trusts")
    assert program.wait_exit(10) == 0
    assert program.log_count("restarting it") == 0
