"""One test authority and the certificates it issues, by the openssl program."""

import subprocess


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self.key = folder / "ca.key"
        self.new_key(self.key)
        _openssl("req", "-x509", "-new", "-key", self.key, "-days", 30, "-subj", "/CN=tailboot test authority",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.certificate)

    @staticmethod
    def new_key(path):
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)

    def issue(self, label, subject, names=()):
        """A certificate and its key; names are subjectAltName entries such as "DNS:a.test"."""
        certificate, key = self.folder / f"{label}.crt", self.folder / f"{label}.key"
        request, extensions = self.folder / f"{label}.csr", self.folder / f"{label}.ext"
        self.new_key(key)
        lines = ["keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth,clientAuth"]
        if names:
            lines.append("subjectAltName=" + ",".join(names))
        extensions.write_text("\n".join(lines) + "\n")
        _openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                 "-days", 30, "-extfile", extensions, "-out", certificate)
        return certificate, key
