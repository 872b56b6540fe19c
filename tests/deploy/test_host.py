"""The Debian package and its unit on a machine with systemd: installed, started, killed, upgraded, removed."""

import subprocess

import pytest

import charts
from roots import Machine
from realbed import settings, wait

UNIT = "tailboot.service"
NEXT = "0.1.0+1"


def package(*version):
    """Path of a package that scripts/package builds."""
    done = subprocess.run([charts.ROOT / "scripts/package", *version], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=300)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def packages():
    return package(), package(NEXT)


@pytest.fixture
def machine(bed):
    """A machine that is gone after the test."""
    made = Machine(bed, bed.new_name("host"))
    yield made
    made.close()


def node_of(bed, machine):
    """Name and address by which Headscale knows the machine's node."""
    address = machine.run("tailscale", "--socket=/run/tailboot/tailscaled.sock", "ip", "-4").strip()
    return next((node["id"], address) for node in bed.headscale.nodes() if address in node["ip_addresses"])


def test_the_life_of_the_package(bed, machine, packages):
    for path, name in zip(packages, ("first.deb", "second.deb")):
        machine.copy(path, f"srv/{name}")
    machine.run("dpkg", "--install", "/srv/first.deb")
    assert machine.run("stat", "--format=%a", "/etc/tailboot.env").strip() == "600"
    assert machine.show(UNIT, "ActiveState") == "inactive"
    _, key = bed.headscale.new_key()
    machine.write("etc/tailboot.env", f"TS_AUTHKEY={key}\nTS_EXTRA_ARGS=--login-server={settings.CONTROL_URL}\n"
                  "TAILBOOT_CA_FILE=/etc/headscale-ca.pem\nTS_NO_LOGS_NO_SUPPORT=true\n", 0o600)

    machine.run("systemctl", "enable", "--now", UNIT)
    # Type=notify: systemctl returned because the node had reported that it is ready.
    assert machine.show(UNIT, "ActiveState") == "active"
    node = node_of(bed, machine)

    first = machine.show(UNIT, "MainPID")
    machine.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", UNIT)
    wait.wait_for(lambda: machine.show(UNIT, "ActiveState") == "active" and machine.show(UNIT, "MainPID") != first, 40,
                  "systemd has started it again")
    assert node_of(bed, machine) == node

    second = machine.show(UNIT, "MainPID")
    machine.run("dpkg", "--install", "/srv/second.deb")
    assert machine.run("dpkg-query", "--show", "--showformat=${Version}", "tailboot") == NEXT
    assert machine.show(UNIT, "ActiveState") == "active" and machine.show(UNIT, "MainPID") != second
    assert node_of(bed, machine) == node

    machine.run("dpkg", "--remove", "tailboot")
    assert machine.show(UNIT, "LoadState") == "not-found" or machine.show(UNIT, "ActiveState") == "inactive"
    assert not machine.run("sh", "-c", "pidof tailboot tailscaled || true").strip()
    assert machine.exists("var/lib/tailboot/tailscaled.state") and machine.exists("etc/tailboot.env")
    machine.run("dpkg", "--purge", "tailboot")
    assert not machine.exists("var/lib/tailboot") and not machine.exists("etc/tailboot.env")
    assert not machine.exists("usr/bin/tailboot") and not machine.exists("lib/systemd/system/tailboot.service")


def test_the_unit_is_in_order(machine, packages):
    machine.copy(packages[0], "srv/first.deb")
    machine.run("dpkg", "--install", "/srv/first.deb")
    assert machine.run("systemd-analyze", "verify", f"/lib/systemd/system/{UNIT}") == ""
