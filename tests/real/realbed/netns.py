"""Network namespaces without uplink, and sockets that live in them.

One hub namespace carries a bridge; every other namespace hangs on it by a veth pair. The default route
of each leads to the hub, which does not forward: programs find a route, packets find nothing.
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading

from . import settings

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def _enter(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


def path_of(namespace):
    """The file that stands for a namespace."""
    return namespace if "/" in namespace else f"/run/netns/{namespace}"


@contextlib.contextmanager
def inside(namespace):
    """The calling thread is in the namespace within the block; sockets made there stay there.

    A namespace is the name of one, or the path of one that has none.
    """
    own = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(path_of(namespace), os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(target)
        finally:
            os.close(target)
        try:
            yield
        finally:
            _enter(own)
    finally:
        os.close(own)


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def address6(address):
    """The IPv6 address on the bridge that belongs to an IPv4 one; only dual namespaces have it."""
    return f"fd00:201::{address.rpartition('.')[2]}"


def run_inside(namespace, *command, text=None, deadline=20):
    """Runs a program of the machine in a namespace; returns what it printed, fails with its words."""
    done = subprocess.run(["nsenter", f"--net={path_of(namespace)}", "--", *map(str, command)],
                          input=text, capture_output=True, text=True, timeout=deadline)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def set_sysctl(namespace, path, value):
    """Writes a file below /proc/sys/net of a namespace."""
    with inside(namespace):
        # Which namespace is meant is decided when the file is opened.
        with open(f"/proc/sys/net/{path}", "w", encoding="ascii") as file:
            file.write(str(value))


def get_sysctl(namespace, path):
    with inside(namespace), open(f"/proc/sys/net/{path}", encoding="ascii") as file:
        return file.read().strip()


def connect(namespace, address, port, timeout=2.0):
    """A TCP connection opened inside a namespace."""
    with inside(namespace):
        connection = socket.socket(family_of(address), socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect((address, port))
    except OSError:
        connection.close()
        raise
    return connection


class Network:
    """The bridge and everything on it. Names carry the run's prefix, so that runs do not meet."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.hub = f"{prefix}-hub"
        self._namespaces = []
        self._next_host = 2
        self._create(self.hub)
        self._ip(self.hub, "link", "add", "br0", "type", "bridge")
        self._ip(self.hub, "addr", "add", f"{settings.HUB_ADDRESS}/{settings.PREFIX_LENGTH}", "dev", "br0")
        self._ip(self.hub, "addr", "add", f"{settings.HUB_ADDRESS6}/{settings.PREFIX_LENGTH6}", "dev", "br0", "nodad")
        self._ip(self.hub, "link", "set", "br0", "up")
        self._ip(self.hub, "route", "add", "default", "dev", "br0")

    @staticmethod
    def _ip(namespace, *arguments):
        _run("ip", "-n", namespace, *arguments)

    def _create(self, name):
        _run("ip", "netns", "add", name)
        self._namespaces.append(name)
        self._ip(name, "link", "set", "lo", "up")

    def add(self, label, dual=False, host=None):
        """A new namespace on the bridge; returns its name and its address. dual adds address6() of it.

        host is that of one that was removed and comes back.
        """
        if host is None:
            host = self._next_host
            self._next_host += 1
        if host > 250:
            raise RuntimeError("the bridge has no address left")
        name, address = f"{self.prefix}-{label}", f"10.201.0.{host}"
        self._create(name)
        port = f"p{host}"
        self._ip(self.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        self._ip(self.hub, "link", "set", port, "master", "br0", "up")
        self._ip(name, "addr", "add", f"{address}/{settings.PREFIX_LENGTH}", "dev", "eth0")
        self._ip(name, "link", "set", "eth0", "up")
        self._ip(name, "route", "add", "default", "via", settings.HUB_ADDRESS)
        if dual:
            self._ip(name, "addr", "add", f"{address6(address)}/{settings.PREFIX_LENGTH6}", "dev", "eth0", "nodad")
            self._ip(name, "route", "add", "default", "via", settings.HUB_ADDRESS6)
        return name, address

    def remove(self, name):
        """Removes one namespace; its processes must be gone."""
        if name in self._namespaces:
            _run("ip", "netns", "delete", name)
            self._namespaces.remove(name)

    def close(self):
        """Removes all that is left, the hub last."""
        for name in reversed(list(self._namespaces)):
            with contextlib.suppress(RuntimeError):
                self.remove(name)
