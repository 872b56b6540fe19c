"""Hosts that lack something: descriptors, inotify, a reader of the log, a folder."""

import os
import socket
import subprocess

from fakes import notify
from fakes.kubeapi import FakeKube
from fakes.waiting import stays_true, wait_until
from harness import STARTED, program_path
from test_idle import assert_quiet

NO_INOTIFY = ("unshare", "--user", "--map-root-user", "sh", "-c",
              'echo 0 >/proc/sys/user/max_inotify_instances || exit 9; exec "$@"', "sh")


def health(world, **more):
    """The environment with a health endpoint."""
    return dict({"TS_ENABLE_HEALTH_CHECK": "true",
                 "TS_LOCAL_ADDR_PORT": f"127.0.0.1:{world.local_port}"}, **more)


def test_few_descriptors(world):
    """Clients that take all descriptors cost nothing, and all is well when they are gone."""
    world.install("lively")
    world.start_running(health(world), wrapper=("prlimit", "--nofile=128:128"))
    clients = [socket.create_connection(("127.0.0.1", world.local_port), 5) for _ in range(200)]
    try:
        assert_quiet(world)
        world.crash_daemon(2)
    finally:
        for sock in clients:
            sock.close()
    wait_until(lambda: world.http("/healthz")[0] == 200, 5, "healthy")
    assert world.program.stop() == 0


def test_no_inotify(world):
    """Without inotify files are looked at from time to time."""
    path = world.root / "etc/tailscaled/serve-config.json"
    world.lapi.bus.publish(notify.running())
    world.start({"TS_SERVE_CONFIG": path}, wrapper=NO_INOTIFY)
    world.program.wait_log(STARTED)
    world.lapi.wait_asked("POST", "serve-config", 2)
    path.write_text('{"TCP":{"81":{"HTTP":true}}}')
    world.lapi.wait_asked("POST", "serve-config", 3, 12)
    assert_quiet(world)


def test_nobody_reads_the_log(world):
    """A full pipe in the place of the log blocks nothing."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    world.install("lively")
    world.lapi.bus.publish(notify.running())
    process = subprocess.Popen([program_path()], env=world.environment(health(world)),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer)
    try:
        world.wait_http("/healthz", 200, 5)
        for _ in range(50):
            world.lapi.bus.publish(notify.running(notify.node(addresses=())))
            world.lapi.bus.publish(notify.running())
        assert world.http("/healthz")[0] in (200, 503)
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)


def test_reader_of_the_log_goes_away(world):
    """A closed pipe in the place of the log does not end the program."""
    reader, writer = os.pipe()
    world.install("lively")
    world.lapi.bus.publish(notify.running())
    process = subprocess.Popen([program_path()], env=world.environment(health(world)),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    try:
        world.wait_http("/healthz", 200, 5)
        os.close(reader)
        world.lapi.bus.publish(notify.running(notify.node(addresses=())))
        world.wait_http("/healthz", 503, 5)
        world.lapi.bus.publish(notify.running())
        world.wait_http("/healthz", 200, 5)
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_folder_of_the_socket_comes_later(world):
    """The daemon makes the folder of its socket itself."""
    world.install("no_socket")
    place = world.root / "run/tailscale"
    world.lapi.bus.publish(notify.running())
    world.start({"TS_SOCKET": place / "x.sock"})
    world.wait_daemon_starts(1)
    stays_true(lambda: len(world.commands()) == 1, 0.3, "waiting")
    place.mkdir(parents=True)
    os.symlink(world.lapi.path, place / "x.sock")
    world.program.wait_log(STARTED, 5)


def test_secret_of_another_name(world):
    """Name of the Secret and namespace are used as given."""
    kube = FakeKube(namespace="apps", name="node-0")
    world.replace_kube(kube)
    kube.write_account(world.root)
    state_dir = world.root / "var/lib"
    world.start_running(world.kube_env(TS_KUBE_SECRET="node-0", TS_STATE_DIR=state_dir))
    world.wait_key("device_fqdn", "test-node.test.ts.net.")
    assert world.commands()[0] == ("/usr/bin/tailscaled --socket=/tmp/tailscaled.sock "
                                   "--state=kube:node-0 --statedir=/var/lib "
                                   "--tun=userspace-networking")


def test_without_account_outside_kubernetes(world):
    """Outside of Kubernetes the account's files are not read."""
    world.start_running({"TS_AUTHKEY": "k"})
    assert world.kube.count() == 0
