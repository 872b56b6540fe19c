"""A name server in the bed, for names that change while a pod resolves them."""

import json
import os
from pathlib import Path

from .process import Process

_SERVER = Path(__file__).resolve().parent / "name_server.py"


class NameServer:
    """One server with one zone, in a namespace of its own; a context manager."""

    def __init__(self, bed):
        label = bed.new_name("names")
        folder = bed.folder / label
        folder.mkdir()
        self._bed = bed
        self._zone = {}
        self._file = folder / "zone.json"
        self._write()
        self._namespace, self.address = bed.network.add(label)
        self._process = Process("names", ["/usr/bin/python3", _SERVER, self.address, self._file], folder,
                                namespace=self._namespace)
        self._process.wait_log("ready", 20)

    def set(self, name, *addresses, ttl=1):
        """The name has exactly these addresses from now on; without one it no longer exists."""
        self._zone.pop(name, None)
        if addresses:
            self._zone[name] = {"ttl": ttl, "addresses": addresses}
        self._write()

    def _write(self):
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(self._zone))
        os.rename(fresh, self._file)

    def serve(self, pod):
        """Makes it the pod's only name server; before the pod starts."""
        (pod.folder / "resolv.conf").write_text(f"nameserver {self.address}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stop()
        self._bed.network.remove(self._namespace)
