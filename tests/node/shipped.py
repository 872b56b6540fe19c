"""The helpers of tests/deploy, for stories about what deploy/ ships."""

import sys

from realbed import settings

sys.path.insert(0, str(settings.ROOT / "tests/deploy"))

import charts  # noqa: E402,F401  the path comes first
import pages  # noqa: E402,F401
