"""A control server with a certificate of a private authority: added to the system's, and rotated."""

from realbed.mounted import MountedFolder
from realbed.pki import Authority
from realbed.wait import wait_for


def test_private_authority_is_enough(bed, headscale, new_pod):
    """Without SSL_CERT_FILE the daemon trusts the control server, and is given the system's authorities too."""
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key, "SSL_CERT_FILE": None,
                               "TAILBOOT_CA_FILE": bed.authority.certificate}).boot()
    headscale.wait_online(pod.name)
    assert pod.get("/healthz") == (200, "ok")
    assert "is added to /etc/ssl/certs/ca-certificates.crt (certificates: 1)" in pod.log()
    assert pod.stop() == 0


def test_rotated_authority_reaches_a_node_that_is_locked_out(bed, headscale, new_pod):
    """The mounted authority is not that of the control server; the right one is enough, in place."""
    stranger = Authority(bed.folder / "stranger")
    mounted = MountedFolder(bed.folder / "authorities", {"ca.crt": stranger.certificate.read_text()})
    _, key = headscale.new_key()
    pod = new_pod(environment={"TS_AUTHKEY": key, "SSL_CERT_FILE": None, "TS_BOOT_TIMEOUT": "60s",
                               "TAILBOOT_CA_FILE": mounted.path / "ca.crt"})
    pod.start()
    pod.wait_log("condition ControlTLSUntrusted: ", 20)
    daemon = wait_for(pod.daemon, 5, "the first daemon")
    mounted.write({"ca.crt": stranger.certificate.read_text() + bed.authority.certificate.read_text()})
    pod.wait_log("has not read the newest TAILBOOT_CA_FILE, restarting it", 20)
    pod.wait_log("Startup complete, waiting for shutdown signal", 30)
    headscale.wait_online(pod.name)
    assert pod.daemon() != daemon
    assert pod.runs == 1
    assert pod.stop() == 0
