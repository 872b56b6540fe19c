"""An API server with two addresses, of which the first is at fault."""

import os
import socket
import struct
import threading
import time

import pytest
from fakes import notify
from harness import STARTED

NAME = "example.com"  # of the fake's certificate
BAD = "127.0.0.2"


class BadServer:
    """Accepts and says nothing, or resets each connection; counts them."""

    def __init__(self, port, resets):
        self.resets = resets
        self.accepted = []
        self.listener = socket.create_server((BAD, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted.append(connection)
            if self.resets:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
                connection.close()

    def close(self):
        """There is no listener any more."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.accepted:
            connection.close()


def with_hosts(world, text):
    """A command that gives the program a hosts file of its own."""
    hosts = world.root / "hosts"
    hosts.write_text(text)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"',
            str(hosts)]


@pytest.mark.parametrize("resets", [True, False])
def test_the_good_address_is_remembered(world, resets):
    """The start passes the dead address over, and what is written later does not ask it again."""
    env = world.kube_env(KUBERNETES_SERVICE_HOST=NAME)
    bad = BadServer(world.kube.port, resets)
    try:
        world.lapi.bus.publish(notify.running())
        program = world.start(env, wrapper=with_hosts(world, f"{BAD} {NAME}\n127.0.0.1 {NAME}\n"))
        program.wait_log(STARTED, 12)
        world.wait_key("device_fqdn", "test-node.test.ts.net.")
        # What was asked at once when nothing was known yet: the Secret and its two reviews.
        asked = len(bad.accepted)
        assert 1 <= asked <= 3
        for name in ("one", "two", "three"):
            begun = time.monotonic()
            world.lapi.bus.publish(notify.running(notify.node("myID", f"{name}.test.ts.net.")))
            world.wait_key("device_fqdn", f"{name}.test.ts.net.")
            assert time.monotonic() - begun < 2
        assert len(bad.accepted) == asked
        assert program.stop() == 0
    finally:
        bad.close()
