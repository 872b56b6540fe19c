"""Images made from files of this machine, without a registry and without a builder: archives that containerd imports.

They serve the bed itself. What people run comes from images/, and is what the stories run, too.
"""

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

from realbed import settings

from . import layout

_SOURCE = Path(__file__).resolve().parent / "pause.c"
_REALBED = Path(settings.__file__).resolve().parent
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PYTHON = "/usr/bin/python3"
# What the servers in the image import, and what a story may want to say to its Python.
_MODULES = ("argparse, base64, encodings.ascii, encodings.idna, encodings.latin_1, functools, hashlib, http.server, json, "
            "random, resource, selectors, signal, socketserver, ssl, subprocess, threading, urllib.request")


def init(folder):
    """The path of the program that is PID 1 of nodes and of sandboxes, compiled at the first call."""
    program = folder / "pause"
    if not program.exists():
        subprocess.run(["gcc", "-Os", "-static", "-s", "-o", program, _SOURCE], check=True, timeout=60)
    return program


def _add(archive, path, source):
    """source is a Path to copy, bytes, or a text: the target of a link."""
    entry = tarfile.TarInfo(path.lstrip("/"))
    if isinstance(source, str):
        entry.type, entry.linkname = tarfile.SYMTYPE, source
        archive.addfile(entry)
        return
    entry.mode = 0o755 if isinstance(source, Path) and os.access(source, os.X_OK) else 0o644
    data = source if isinstance(source, bytes) else source.read_bytes()
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _add_folder(archive, path, mode=0o755):
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def write(archive, name, files, command, environment=()):
    """Writes an image with one layer; files maps paths in it to what _add() knows. Returns the archive's path."""
    layer = archive.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        _add_folder(tar, "/tmp", 0o1777)
        for path, source in files.items():
            _add(tar, path, source)
    with open(layer, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    config = json.dumps({
        "architecture": layout.ARCHITECTURE, "os": "linux", "config": {"Entrypoint": command, "Env": [_PATH, *environment]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}, "history": [{"created_by": "nodebed"}]}).encode()
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "config.json", config)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
        tar.add(layer, "layer.tar")
    layer.unlink()
    return archive


def _libraries(*programs):
    """The shared libraries of programs, as files of an image."""
    listed = subprocess.run(["ldd", *programs], capture_output=True, text=True, timeout=20).stdout
    return {path: Path(path).resolve() for path in re.findall(r"(/\S+) \(0x", listed)}


def _programs(*paths):
    """Programs of this machine with their libraries, at the same paths."""
    return {str(path): path.resolve() for path in map(Path, paths)} | _libraries(*paths)


def pause(folder):
    """The image of a pod's sandbox."""
    return write(folder / "pause.tar", layout.PAUSE_IMAGE, {"/pause": init(folder)}, ["/pause"])


def under_test(folder):
    """The archive of the image that stories run: that of images/, or one with the program of TAILBOOT_PROGRAM."""
    return proxy(folder) if "TAILBOOT_PROGRAM" in os.environ else built("tailboot")


def built(name):
    """The archive of an image of images/."""
    archive = settings.ROOT / "build" / "images" / f"{name}-{layout.ARCHITECTURE}.oci.tar"
    if not archive.exists():
        raise FileNotFoundError(f"{archive} is missing: run images/build")
    return archive


def proxy(folder, program=None, name=layout.PROXY_IMAGE):
    """A program with the daemon, a shell and little else; the supervisor, named like the image that people run."""
    program, daemon = program or settings.program(), settings.partner("tailscale")
    files = {"/usr/local/bin/containerboot": program, "/usr/local/bin/tailboot": "containerboot",
             "/tailscale/run.sh": "/usr/local/bin/containerboot",
             "/usr/local/bin/tailscaled": daemon / "tailscaled", "/usr/local/bin/tailscale": daemon / "tailscale",
             "/etc/ssl/certs/ca-certificates.crt": Path("/etc/ssl/certs/ca-certificates.crt")}
    files |= _libraries(program) | _programs("/bin/sh", "/bin/cat", "/bin/ls", "/bin/sleep", "/bin/ip", "/usr/sbin/sysctl")
    return write(folder / f"{program.name}.tar", name, files, ["/usr/local/bin/containerboot"])


def plain(folder, program, name):
    """A program with its libraries and the roots of the machine, and nothing else."""
    roots = "/etc/ssl/certs/ca-certificates.crt"
    files = {f"/{program.name}": program, roots: Path(roots), "/etc/passwd": b"nobody:x:65534:65534::/:/bin/false\n"}
    return write(folder / f"{program.name}.tar", name, files | _libraries(program), [f"/{program.name}"])


def _python_modules(modules, search):
    """The files of modules, those that these import included; search has folders in which Python finds them."""
    listing = (f"import sys; sys.path[:0] = {search!r}; import {modules}; "
               "print(*(m.__file__ for m in sys.modules.values() if getattr(m, '__file__', 0)))")
    return [Path(path) for path in subprocess.run([_PYTHON, "-ISc", listing], capture_output=True, text=True,
                                                  check=True, timeout=20).stdout.split()]


def python(archive, name, modules, files, search=()):
    """Python with modules, at the paths of this machine, and a shell."""
    found, program = _python_modules(modules, list(map(str, search))), Path(_PYTHON).resolve()
    files = {str(path): path for path in found} | _libraries(*(path for path in found if path.suffix == ".so")) | files
    files |= _programs(program, "/bin/sh", "/bin/cat", "/bin/mkdir", "/bin/sleep") | {_PYTHON: program.name}
    return write(archive, name, files, [_PYTHON], [f"PYTHONPATH={':'.join(map(str, search))}"])


def tools(folder):
    """Python with the servers of realbed in /tools: python3 /tools/web_server.py …"""
    return python(folder / "tools.tar", layout.TOOLS_IMAGE, _MODULES,
                  {f"/tools/{path.name}": path for path in _REALBED.glob("*_server.py")})


def bench(folder, **measured):
    """What measures memory and start on fakes (tests/bench), with programs to measure, by the names that they get."""
    files = {f"/measured/{name}": path for name, path in measured.items()} | {"/usr/lib/ssl/openssl.cnf": Path("/etc/ssl/openssl.cnf")}
    files |= _programs("/bin/bash", "/bin/ln", "/bin/rm", "/usr/bin/env", "/usr/bin/openssl")
    tests = settings.ROOT / "tests"
    return python(folder / "bench.tar", layout.BENCH_IMAGE, f"startbench.trial, startbench.messages, {_MODULES}", files,
                  [tests, tests / "bench"])
