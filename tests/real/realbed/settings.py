"""Where things are: the checkout, the program under test, the partners, the folder of this run."""

import os
import subprocess
from pathlib import Path

REAL = Path(__file__).resolve().parent.parent
ROOT = REAL.parent.parent

CONTROL_NAME = "headscale.test"
CONTROL_PORT = 8443
CONTROL_URL = f"https://{CONTROL_NAME}:{CONTROL_PORT}"
# Upstream's operator accepts names in such a domain only.
TAILNET_DOMAIN = "stories.ts.net"
API_NAME = "kubernetes.default.svc"

# The hub carries the bridge, the control server and the API server; pods and peers hang on it.
HUB_ADDRESS = "10.201.0.1"
PREFIX_LENGTH = 24
HUB_ADDRESS6 = "fd00:201::1"
PREFIX_LENGTH6 = 64


def routes_of(addresses):
    """Single addresses as routes."""
    return [f"{address}/{128 if ':' in address else 32}" for address in addresses]


def program():
    """The supervisor under test: TAILBOOT_PROGRAM, else the build's own."""
    path = Path(os.environ.get("TAILBOOT_PROGRAM", ROOT / "build" / "tailboot")).resolve()
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"no program to test at {path}: run make, or set TAILBOOT_PROGRAM")
    return path


def partners():
    """Folders of the partners by name, as tests/real/partners lays them out."""
    text = subprocess.run([REAL / "partners", "--env"], check=True, capture_output=True, text=True).stdout
    pairs = (line.split("=", 1) for line in text.splitlines())
    return {name.removeprefix("partner_"): Path(path) for name, path in pairs}


_partners = {}


def partner_version(name):
    """The pinned version of a partner."""
    return partner(name).name.removeprefix(f"{name}-")


def partner(name):
    """The folder of one partner; a missing one is a failure, never a skip."""
    if not _partners:
        _partners.update(partners())
    folder = _partners[name]
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: run tests/real/partners {name}")
    return folder
