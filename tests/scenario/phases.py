"""The phase protocol: change the world, then check what the program made of it.

A story is data. In its environment values, files and commands the words {D} {port} {health}
{kube_host} {kube_port} are replaced by what the world has.
"""

import dataclasses
import os

import harness
from fakes import notify
from fakes.waiting import wait_until

ANY = -1  # an endpoint whose answer does not matter


@dataclasses.dataclass
class Phase:
    """One step. Checks follow the order of the members below the blank line."""

    notify: dict = None
    update_secret: dict = dataclasses.field(default_factory=dict)
    update_files: dict = dataclasses.field(default_factory=dict)
    signal: int = None

    want_exit: int = None
    want_log: str = None
    want_secret: dict = None
    want_cmds: list = dataclasses.field(default_factory=list)
    want_files: dict = dataclasses.field(default_factory=dict)
    endpoints: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Story:
    """Environment, the Secret before, and the phases."""

    phases: list
    env: dict = dataclasses.field(default_factory=dict)
    secret: dict = dataclasses.field(default_factory=dict)
    deny_patch: bool = False
    kube: bool = False


def _fill(world, text):
    for name, value in (("{D}", world.root), ("{port}", world.local_port),
                        ("{health}", world.health_port)):
        text = text.replace(name, str(value))
    return text


def _endpoint(world, where, wanted):
    """`where` is PORT/path, the port being a word of the world."""
    port, _, path = _fill(world, where).partition("/")
    if wanted != ANY:
        world.wait_http("/" + path, wanted, 2.0, port=int(port))


def _update(world, phase):
    world.kube.update(phase.update_secret)
    for name, content in phase.update_files.items():
        path = world.root / name
        path.write_text(content)
        os.utime(path)
    if phase.notify is not None:
        message = phase.notify
        if "InitialStatus" not in message:
            message = notify.with_status(message)
        world.lapi.bus.publish(message)
    if phase.signal is not None:
        world.program.terminate(phase.signal)


def run_story(world, story):
    """Run the story with the scripts that the protocol prescribes, and end it with SIGTERM."""
    world.install("plain")
    world.kube.update(story.secret)
    if story.deny_patch:
        world.kube.denied.add("patch")
    env = {name: _fill(world, value) for name, value in story.env.items()}
    world.start(world.kube_env(**env) if story.kube else env)
    commands = []
    for number, phase in enumerate(story.phases):
        _update(world, phase)
        if phase.want_exit is not None:
            status = world.program.wait_exit(60)
            assert status == phase.want_exit, f"phase {number}: exit status {status}"
        if phase.want_log:
            world.program.wait_log(phase.want_log)
        world.wait_secret(phase.want_secret or {})
        if phase.want_exit is not None:
            return
        commands += phase.want_cmds
        world.wait_commands(commands)
        for name, content in phase.want_files.items():
            wait_until(lambda: (world.root / name).read_text().strip() == content, 2,
                       f"phase {number}: {name} = {content}")
        for where, wanted in phase.endpoints.items():
            _endpoint(world, where, wanted)
    world.program.wait_log(harness.STARTED, 2.0)
    assert world.program.alive()
    assert world.program.stop(30) == 0 or harness.REFERENCE
