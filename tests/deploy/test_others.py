"""The Compose file and the Nomad job: read by their own libraries, started as a runtime would, reached from the tailnet."""

import json
import subprocess

import pytest

import charts
from realbed import settings, wait
from realbed.web import fetch, serve
from roots import Container

COMPOSE = charts.ROOT / "deploy/compose/compose.yaml"
NOMAD = charts.ROOT / "deploy/nomad/tailboot.nomad.hcl"
PAGE = "in the network of the node"


def parse(kind, path, **variables):
    """The result of the program that has their libraries."""
    words = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run([charts.ROOT / "build/deploy-parse", kind, path, *words], capture_output=True, text=True,
                          timeout=60, check=False)


def containers(kind, path, **variables):
    done = parse(kind, path, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def container(bed):
    """A container that is gone after the test."""
    made = Container(bed, bed.new_name("box"))
    yield made
    made.close()


def carry(bed, container, found):
    """Starts what the file says, serves a page beside it, and fetches that from the tailnet."""
    node = found["tailscale"]
    _, key = bed.headscale.new_key()
    secret = node["environment"]["TS_AUTHKEY"].removeprefix("file:")
    assert secret in node["files"]
    for path, content in node["files"].items():
        container.write(path, content or key)
    # What the file cannot know: the test's authority, and that nothing is reported to Tailscale.
    more = {"TAILBOOT_CA_FILE": "/etc/headscale-ca.pem", "TS_NO_LOGS_NO_SUPPORT": "true"}
    container.boot(node["argv"], node["environment"] | more)
    serve(container.namespace, "127.0.0.1", 80, container.folder, PAGE)
    address = bed.headscale.node(node["environment"]["TS_HOSTNAME"])["ip_addresses"][0]
    assert wait.wait_for(lambda: fetch(bed.peer.namespace, address, 80), 15, "the page from the tailnet")[1] == PAGE
    for mount in node["mounts"]:
        assert container.exists(f"{mount}/tailscaled.state")
    assert node["stop_seconds"] == 30
    return node


def test_the_compose_file(bed, container):
    found = containers("compose", COMPOSE, LOGIN_SERVER=settings.CONTROL_URL, NODE_NAME=container.name)
    assert found["web"]["network"] == "tailscale" and found["web"]["before"] == ["tailscale"]
    node = carry(bed, container, found)
    # The health check of the file, as the runtime executes it.
    assert node["health"][0] == "CMD"
    done = container.entered(*node["health"][1:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert container.stop(node["stop_seconds"]) == 0


def test_the_nomad_job(bed, container):
    found = containers("nomad", NOMAD, login_server=settings.CONTROL_URL, hostname=container.name)
    assert found["web"]["network"] == found["tailscale"]["network"] == "web"
    assert found["web"]["before"] == ["tailscale"]
    node = carry(bed, container, found)
    (path,) = node["health"]
    assert fetch(container.namespace, "127.0.0.1", 9002, path)[0] == 200
    assert container.stop(node["stop_seconds"]) == 0


@pytest.mark.parametrize("kind, path, text, other, words", [
    ("compose", COMPOSE, "stop_grace_period", "stop_grace", "stop_grace"),
    ("compose", COMPOSE, "service:tailscale", "service:tailscaled", "tailscaled"),
    ("nomad", NOMAD, "kill_timeout", "kil_timeout", 'task has no "kil_timeout"'),
    ("nomad", NOMAD, '"30s"', '"thirty"', "invalid duration"),
])
def test_a_fault_would_be_found(tmp_path, kind, path, text, other, words):
    broken = tmp_path / path.name
    broken.write_text(path.read_text().replace(text, other))
    done = parse(kind, broken)
    assert done.returncode == 1 and words in done.stderr
