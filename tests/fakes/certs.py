"""A self-signed certificate for the fake API server, made once a process by openssl."""

import functools
import pathlib
import ssl
import subprocess
import tempfile

_NAMES = "subjectAltName=IP:127.0.0.1,IP:::1,DNS:example.com"


class Certificate:
    """Paths of a certificate and its key. The folder lives as long as this object."""

    def __init__(self, extra=_NAMES):
        self._folder = tempfile.TemporaryDirectory(prefix="tailboot-cert-")
        folder = pathlib.Path(self._folder.name)
        self.cert_path = folder / "cert.pem"
        self.key_path = folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
             "-subj", "/O=tailboot tests", "-addext", extra,
             "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=digitalSignature,keyEncipherment,keyCertSign",
             "-addext", "extendedKeyUsage=serverAuth",
             "-keyout", str(self.key_path), "-out", str(self.cert_path)],
            check=True, capture_output=True, timeout=60)
        self.pem = self.cert_path.read_text()

    def context(self):
        """A server-side TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_path, self.key_path)
        return context


@functools.lru_cache(maxsize=None)
def server_certificate():
    """The certificate that all fake API servers of this process share."""
    return Certificate()


@functools.lru_cache(maxsize=None)
def stranger_certificate():
    """A valid certificate of another authority, as in a wrong ca.crt."""
    return Certificate()


@functools.lru_cache(maxsize=None)
def wrong_name_certificate():
    """Trusted when it is the CA, but for another host."""
    return Certificate("subjectAltName=DNS:other.example.org")
