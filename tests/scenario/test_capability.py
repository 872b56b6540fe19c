"""The capability version: the daemon's own, asked of the command and compared with the daemon."""

import pytest
from fakes import commands, notify, testroot
from fakes.waiting import wait_until
from harness import CAPVER, STARTED

ASK = {"TAILBOOT_TEST_ASK_VERSION": "true"}
ANSWERS = "#!/usr/bin/env bash\necho $0 $@ >>$TS_TEST_RECORD_ARGS\n[[ $1 == version ]] && "


def command(world, words):
    """`tailscale version` runs these words, all else does nothing."""
    world.install("lively")
    commands.write_script(world.root / "usr/bin/tailscale", ANSWERS + words + "\ntrue\n")


def set_version(world, version):
    """The daemon has this version."""
    world.lapi.bus.generation.capability = version


def config_of_daemon(world):
    """The name of the file that the newest daemon was started with."""
    starts = [line for line in world.args_file.read_text().splitlines() if "--config=" in line]
    return starts[-1].rsplit("/", 1)[1]


def start(world, *versions):
    """One-step mode with a file for each of these versions."""
    folder = world.config_dir()
    (folder / "cap-95.hujson").unlink()
    for version in versions:
        testroot.write_config(folder / f"cap-{version}.hujson", f"key-{version}")
    world.lapi.bus.publish(notify.running())
    return world.start(world.kube_env(TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=folder, **ASK))


def test_newer_daemon_than_the_build(world):
    """Its version decides about the file, and is what is published."""
    command(world, """echo '{"cap": 150}'""")
    set_version(world, 150)
    program = start(world, 95, 150, 151)
    program.wait_log(STARTED)
    assert config_of_daemon(world) == "cap-150.hujson"
    world.wait_key("tailscale_capver", CAPVER)
    assert world.kube.get()["tailscale_capver"] == "150"
    program.wait_log_part("to match current capability version 150")
    assert not program.log_count("CapabilityDiffers")
    assert world.kube.written("tailscale_capver") == ["150"]


def test_only_a_file_for_a_newer_daemon(world):
    """A file that the build would not know is no reason not to start."""
    command(world, """echo '{"cap": 150}'""")
    set_version(world, 150)
    start(world, 150).wait_log(STARTED)
    assert config_of_daemon(world) == "cap-150.hujson"


def test_only_files_for_another_daemon(world):
    """None fits the daemon: the start ends with the sentence of the reference."""
    command(world, """echo '{"cap": 150}'""")
    program = start(world, 151)
    assert program.wait_exit() == 1
    assert (f'no tailscaled config file found in "{world.config_dir()}" for current capability '
            "version 150") in program.output()
    assert world.daemon_starts() == 0


@pytest.mark.parametrize("words", ["exit 3", "echo no", "exec sleep 600"],
                         ids=["fails", "no_json", "hangs"])
def test_it_cannot_be_asked(world, words):
    """The version of the build counts then."""
    command(world, words)
    set_version(world, int(CAPVER))
    program = start(world, 95, 150)
    program.wait_log(STARTED, 10)
    assert program.log_count(f"using {CAPVER} of this build") == 1
    assert config_of_daemon(world) == "cap-95.hujson"
    assert world.kube.get()["tailscale_capver"] == CAPVER


def test_daemon_and_command_differ(world):
    """What the daemon says counts: another file, another start, and a condition."""
    command(world, """echo '{"cap": 150}'""")
    set_version(world, 106)
    program = start(world, 95, 150)
    world.wait_daemon_starts(2)
    program.wait_log_part("condition CapabilityDiffers: tailscaled has capability version 106, "
                          "tailscale has 150")
    program.wait_log(STARTED)
    assert config_of_daemon(world) == "cap-95.hujson"
    wait_until(lambda: world.kube.get().get("tailscale_capver") == "106", 5, "the daemon's own")
    assert world.daemon_starts() == 2


def test_the_image_is_replaced_in_place(world):
    """Command and daemon of another release, found at the next start of the daemon: both are asked."""
    command(world, """echo '{"cap": 106}'""")
    set_version(world, 106)
    program = world.start_running(dict(ASK))
    command(world, """echo '{"cap": 150}'""")
    world.kill_daemon()
    world.wait_daemon_starts(2)
    world.lapi.start()
    program.wait_log_part("condition CapabilityDiffers: tailscaled has capability version 106, "
                          "tailscale has 150")
    set_version(world, 150)
    world.kill_daemon()
    world.wait_daemon_starts(3)
    world.lapi.start()
    program.wait_log_part("condition CapabilityDiffers cleared")
    assert program.log_count("condition CapabilityDiffers: ") == 1


def test_not_asked_by_the_protocol_of_the_suite(world):
    """Below a test root the command lines are those that the black-box suite compares."""
    world.start_running()
    assert not any("version" in line for line in world.commands())


def test_folder(world):
    """The folder store waits for the answer as well."""
    command(world, """echo '{"cap": 150}'""")
    set_version(world, 150)
    folder = world.root / "state"
    world.start_running(dict(ASK, TS_STATE_DIR=folder))
    assert (folder / "published/tailscale_capver").read_text().strip() == "150"
