"""Looks at what a program does from outside: its status in the Secret, its transactions."""

import base64
import contextlib
import ctypes
import json
import os
import socket
import struct
import threading
import time

from realbed import netns

_NETLINK_NETFILTER = 12
_GROUP_NFTABLES = 1 << 6
#: subsystem nftables, message "new generation": one for each transaction that was committed
_NEW_GENERATION = 10 << 8 | 15
_SO_ATTACH_FILTER = 26
_RECEIVE_BUFFER = 1 << 22


class SecretWatch:
    """When a Secret first held what was waited for, by a watch at the API server."""

    def __init__(self, cluster, name, key, is_wanted, timeout):
        self._key = key
        self._is_wanted = is_wanted
        self._connection, self._answer = cluster.watch_secret(name, timeout)
        self._seen_at = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            while line := self._answer.readline():
                now = time.monotonic()
                data = json.loads(line)["object"].get("data") or {}
                if self._key in data and self._is_wanted(json.loads(base64.b64decode(data[self._key]))):
                    self._seen_at = now
                    return

    def wait(self, timeout):
        """The monotonic time at which the event was read, None when it did not come."""
        self._thread.join(timeout)
        return self._seen_at

    def close(self):
        """End the watch."""
        with contextlib.suppress(OSError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._connection.close()


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte),
                ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction))]


def _only_generations(sock):
    """The kernel drops all but new generations, so that 1,000 rules cause no 1,000 wake-ups."""
    # a packet filter reads in network order, the type stands there in the machine's
    message_type, = struct.unpack(">H", struct.pack("=H", _NEW_GENERATION))
    code = (_Instruction * 4)(
        _Instruction(0x28, 0, 0, 4),                # ldh [4]
        _Instruction(0x15, 0, 1, message_type),     # jeq
        _Instruction(0x06, 0, 0, 0xffffffff),       # ret all
        _Instruction(0x06, 0, 0, 0))                # ret nothing
    program = _Program(len(code), code)
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))


class TransactionWatch:
    """When each transaction of the firewall of a namespace was committed."""

    def __init__(self, namespace):
        with netns.inside(namespace):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        _only_generations(self._socket)
        self._socket.bind((0, _GROUP_NFTABLES))
        self._socket.settimeout(0.2)
        self._times = []
        self._is_closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._is_closing:
            with contextlib.suppress(socket.timeout):
                self._socket.recv(65536)
                self._times.append(time.monotonic())

    def since(self, start):
        """Times of the transactions from `start` on, oldest first."""
        return [t for t in list(self._times) if t >= start]

    def close(self):
        """End the watch."""
        self._is_closing = True
        self._thread.join(5)
        self._socket.close()


def listeners():
    """Pids that hear of firewall events now, in whatever namespace; the kernel writes them for all batches then."""
    found, seen = [], set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            namespace = os.readlink(f"/proc/{pid}/ns/net")
            if namespace in seen:
                continue
            seen.add(namespace)
            with open(f"/proc/{pid}/net/netlink", encoding="ascii") as table:
                rows = [line.split() for line in table.readlines()[1:]]
            # protocol, port (a pid by default), groups
            found += [int(row[2]) for row in rows
                      if int(row[1]) == _NETLINK_NETFILTER and int(row[3], 16) & _GROUP_NFTABLES]
    return found
