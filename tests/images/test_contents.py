"""What is in the images, and what is not."""

import json
import re
import stat
import subprocess

import pytest

COMMON = ("usr/local/bin/containerboot", "usr/local/bin/tailscaled", "usr/local/bin/tailscale")
# What a package's script or a run would have left, and what names a machine.
TRACES = ("etc/machine-id", "etc/hostname", "etc/ld.so.cache", "root/.bash_history", ".dockerenv")


def readelf(option, path):
    """Output of readelf."""
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def test_links_and_entry_point(image):
    """The names that manifests use lead to the program, also from the folder of an unpacked image."""
    assert image.config["Entrypoint"] == ["/usr/local/bin/containerboot"]
    assert (image.root / "tailscale/run.sh").readlink().as_posix() == "/usr/local/bin/containerboot"
    assert (image.root / "usr/local/bin/tailboot").readlink().as_posix() == "containerboot"
    assert "/usr/local/bin" in " ".join(image.config["Env"])


def test_programs_are_of_the_architecture_and_static(image):
    """Nothing that is started needs a library or a loader of the image."""
    machine = {"amd64": "X86-64", "arm64": "AArch64"}[image.arch]
    for path in COMMON:
        program = image.root / path
        assert machine in readelf("-h", program)
        assert "INTERP" not in readelf("-l", program), path
        assert stat.S_IMODE(program.stat().st_mode) == 0o755


def test_the_program_is_hardened_and_small(image):
    """As the one with shared libraries: position independent, read-only tables, no executable stack."""
    program = image.root / "usr/local/bin/containerboot"
    headers, dynamic = readelf("-l", program), readelf("-d", program)
    assert "DYN" in readelf("-h", program)
    assert "GNU_RELRO" in headers and "BIND_NOW" in dynamic and "NEEDED" not in dynamic
    assert re.search(r"GNU_STACK.* RW ", headers)
    assert program.stat().st_size <= 7_000_000


def test_versions(image, request):
    """The program is this tree's, the daemon and its command are the pinned ones."""
    assert image.run("usr/local/bin/containerboot", "--version").startswith(f"tailboot {image.labels['version']}\n")
    pinned = re.search(r"tailscale.com v(\S+)", (request.config.rootpath.parent / "real/modules/tailscale/go.mod")
                       .read_text(encoding="utf-8")).group(1)
    assert image.run("usr/local/bin/tailscaled", "--version").startswith(f"{pinned}\n")
    assert image.run("usr/local/bin/tailscale", "version").startswith(f"{pinned}\n")


def test_certificates(image):
    """Every one of the bundle can be read."""
    text = (image.root / "etc/ssl/certs/ca-certificates.crt").read_text(encoding="ascii")
    listed = subprocess.run(["openssl", "crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin"], input=text, text=True,
                            capture_output=True, check=True).stdout
    shown = subprocess.run(["openssl", "pkcs7", "-print_certs", "-noout"], input=listed, text=True,
                           capture_output=True, check=True).stdout
    assert shown.count("subject=") == text.count("BEGIN CERTIFICATE") > 100


def test_labels(image):
    """The image specification's, also as annotations of the manifest."""
    assert image.labels["title"] == image.name
    assert image.labels["licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}(-modified)?|unknown", image.labels["revision"])
    assert image.documents[1]["annotations"]["org.opencontainers.image.version"] == image.labels["version"]
    assert "io.buildah.version" not in image.config["Labels"]


def test_names(image):
    """Both tags are the same image."""
    names = {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"]
             for entry in image.documents[0]["manifests"]}
    digest = image.path.with_name(f"{image.name}-{image.arch}.digest").read_text(encoding="ascii").strip()
    assert names == {f"localhost/{image.name}:{tag}": digest for tag in (image.labels["version"], "dev")}


def test_no_traces(image):
    """No log, cache or identity, and only one date."""
    assert [name for name in TRACES if (image.root / name).exists()] == []
    assert [p for folder in ("var/log", "var/cache") for p in (image.root / folder).rglob("*") if p.is_file()] == []
    dates = {(image.root / path).lstat().st_mtime for path in image.files()}
    assert len(dates) == 1


def test_full_has_shell_and_tools(unpacked, arch):
    """What the upstream operator's pods call."""
    root = unpacked["tailboot", arch].root
    for path in ("bin/sh", "usr/sbin/iptables", "usr/sbin/ip6tables", "usr/sbin/iptables-save", "usr/bin/ip",
                 "usr/sbin/sysctl"):
        assert (root / path).resolve().is_relative_to(root) and (root / path).exists(), path
    assert "User" not in unpacked["tailboot", arch].config


def test_full_runs(unpacked):
    """The programs of this architecture find their libraries."""
    root = unpacked["tailboot", "amd64"].root
    for command, word in (("iptables -V", "nf_tables"), ("ip -V", "iproute2"), ("sysctl --help", "BusyBox"),
                          ("dpkg -s tailscale-none || dpkg -s bash", "install ok installed"), ("id -un", "root"),
                          ("/tailscale/run.sh --version", "tailboot")):
        done = subprocess.run(["chroot", root, "/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        assert word in done.stdout + done.stderr, command


def test_full_knows_its_packages(unpacked, arch):
    """dpkg finds no file missing and no dependency unmet."""
    root = unpacked["tailboot", arch].root
    # So that the dpkg of this machine knows a foreign one; not a file of the image.
    (root / "var/lib/dpkg/arch").write_text("amd64\narm64\n", encoding="ascii")
    audit = subprocess.run(["dpkg", f"--root={root}", "--audit"], capture_output=True, text=True, check=False)
    assert audit.returncode == 0 and audit.stdout == "", audit.stdout[:500]


def test_slim_has_nothing_else(unpacked, arch):
    """Three programs, certificates, three small files, licences; a user by number."""
    image = unpacked["tailboot-slim", arch]
    paths = {str(path) for path in image.files() if not str(path).startswith("usr/share/doc/")}
    assert paths == {*COMMON, "usr/local/bin/tailboot", "tailscale/run.sh", "etc/ssl/certs/ca-certificates.crt",
                     "etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/os-release"}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.config["User"])
    assert stat.S_IMODE((image.root / "tmp").stat().st_mode) == 0o1777


def test_list_of_contents(image):
    """The SPDX document names the image by digest and the important parts by version."""
    text = image.path.with_name(f"{image.name}-{image.arch}.spdx.json").read_text(encoding="utf-8")
    document = json.loads(text)
    rows = {row["SPDXID"]: row for row in document["packages"]}
    assert document["spdxVersion"] == "SPDX-2.3" and len(rows) == len(document["packages"])
    digest = image.documents[0]["manifests"][0]["digest"]
    assert digest in rows["SPDXRef-image"]["externalRefs"][0]["referenceLocator"]
    related = {row["relatedSpdxElement"] for row in document["relationships"]}
    assert related == set(rows)
    names = {row["name"] for row in rows.values()}
    assert {"tailboot", "tailscale.com", "libssl-dev", "ca-certificates"} <= names
    assert ("bash" in names) == (image.name == "tailboot")


@pytest.mark.parametrize("name", ["tailboot", "tailboot-slim"])
def test_sizes_are_printed(built, name, arch):
    """One line for each image."""
    assert re.search(rf"{name}-{arch}\.oci\.tar +\d+\.\d MB compressed +sha256:[0-9a-f]{{64}}", built)
