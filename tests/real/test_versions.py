"""The program and its daemon belong together: the capability version is one number."""

import json
import re
import subprocess

from realbed import settings
from realbed.config import CAPABILITY_VERSION


def test_capability_version_is_the_daemons():
    """`tailscale version --json` against TAILBOOT_CAPVER of the build and against what the stories assume."""
    client = settings.partner("tailscale") / "tailscale"
    answer = subprocess.run([client, "version", "--json"], check=True, capture_output=True, text=True).stdout
    assert json.loads(answer)["cap"] == CAPABILITY_VERSION
    declared = re.search(r"set\(TAILBOOT_CAPVER (\d+) CACHE", (settings.ROOT / "CMakeLists.txt").read_text())
    assert int(declared[1]) == CAPABILITY_VERSION
