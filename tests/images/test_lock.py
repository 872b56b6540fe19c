"""The lock and what comes by it."""

import hashlib
import http.server
import os
import threading

import pytest
from imagebuild import fetch, lockfile, parts, renew, spdx
from imagebuild.lockfile import Entry, Fault

CONTENT = b"a package"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def entry(digest=DIGEST, path="debian/pool/main/t/thing_1.deb"):
    """A line of a lock."""
    return Entry("deb", "base", "amd64", "thing", "1-2", digest, str(len(CONTENT)), path)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror that has one package, and an empty cache."""
    monkeypatch.setenv("TAILBOOT_CACHE", str(tmp_path / "cache"))

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers for its one path."""

        def do_GET(self):  # noqa: N802  (the library's name)
            found = self.path == "/debian/pool/main/t/thing_1.deb"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(CONTENT if found else b"")

        def log_message(self, *_):
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield {"debian": f"http://127.0.0.1:{server.server_port}/debian/"}
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetched_once(mirror):
    """By hash into the cache; the second time nobody is asked."""
    path = fetch.fetch(entry(), mirror)
    assert path.read_bytes() == CONTENT and path.name == DIGEST
    assert fetch.fetch(entry(), {}) == path


@pytest.mark.parametrize("changed, said", [
    (entry(path="debian/pool/main/t/thing_0.deb"), "answers 404"),
    (entry(digest="0" * 64), f"has SHA-256 {DIGEST} instead of 000"),
])
def test_mirror_has_moved_on(mirror, changed, said):
    """The sentence names the entry and how to renew it, and nothing wrong stays in the cache."""
    with pytest.raises(Fault, match=said) as caught:
        fetch.fetch(changed, mirror)
    assert "thing 1-2 (amd64)" in str(caught.value) and "images/lock" in str(caught.value)
    assert list((fetch.cache() / "packages").iterdir()) == []


def test_every_missing_entry_is_named(mirror, monkeypatch):
    """Not the first only."""
    monkeypatch.setattr(fetch, "mirrors", lambda: mirror)
    # Each with a digest of its own: what the cache has by its digest is not asked for.
    gone = [entry(path=f"debian/pool/{n}.deb", digest=str(n) * 64)._replace(name=f"gone{n}") for n in range(3)]
    with pytest.raises(Fault) as caught:
        fetch.fetch_all([entry(), *gone])
    assert all(f"gone{n} 1-2" in str(caught.value) for n in range(3))


@pytest.mark.parametrize("line", [
    "deb base amd64 thing 1", "rpm base amd64 thing 1 00 1 p", f"deb base amd64 thing 1 {DIGEST} big p",
    "deb base amd64 thing 1 1234 1 p",
])
def test_malformed_lines(line):
    """Refused by number."""
    with pytest.raises(Fault, match="packages.lock:2: "):
        lockfile.parse(f"# head\n{line}\n")


def test_lock_is_complete():
    """Every group of contents.txt is there for each of its architectures, every entry with a full hash."""
    entries = lockfile.read()
    for group, archs, _ in renew.contents():
        for arch in archs:
            assert lockfile.of_group(entries, group, arch="-" if arch == "source" else arch), (group, arch)
    assert all(e.hash.startswith("h1:") for e in entries if e.kind == "module")
    assert entries == lockfile.parse(lockfile.LOCK.read_text(encoding="utf-8"))


def test_written_as_read(tmp_path):
    """Sorted and unique, whatever the order of the entries."""
    entries = lockfile.read()
    lockfile.write([*reversed(entries), entries[0]], tmp_path / "lock")
    assert (tmp_path / "lock").read_text(encoding="utf-8") == lockfile.LOCK.read_text(encoding="utf-8")


def test_contents_by_image():
    """The slim image has no package but the certificates; both have what is linked."""
    lock = lockfile.read()
    debs = {e.name for e in spdx.entries(lock, "tailboot-slim", "arm64") if e.kind == "deb"}
    assert debs == {"ca-certificates", *spdx.LINKED}
    assert {"iptables", "bash"} <= {e.name for e in spdx.entries(lock, "tailboot", "arm64")}


def test_parts_are_made_once_and_forgotten(tmp_path, monkeypatch):
    """The cache keeps those that were used last; a failure leaves nothing behind."""
    monkeypatch.setenv("TAILBOOT_CACHE", str(tmp_path))
    made = []

    def use(number):
        def make(folder):
            made.append(number)
            (folder / "file").write_text(str(number), encoding="ascii")

        path = parts.part("base", [str(number)], make)
        # Later than all others, whatever the clock's resolution.
        os.utime(path, (len(made) + 1e9, len(made) + 1e9))
        assert (path / "file").read_text(encoding="ascii") == str(number)

    for number in (0, 1, 2, 3, 1, 4, 0):
        use(number)
    assert made == [0, 1, 2, 3, 4, 0]
    with pytest.raises(Fault):
        parts.part("base", ["bad"], lambda folder: lockfile.parse("bad"))
    assert len([path for path in (tmp_path / "images").iterdir() if path.is_dir()]) == parts.KEPT_OTHERS
