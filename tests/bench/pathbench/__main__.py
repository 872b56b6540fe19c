"""python3 -m pathbench, with tests/bench/ in the path."""

import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS), str(TESTS / "real")]

from . import main, pod  # noqa: E402  (needs the path above)

try:
    sys.exit(main.main(sys.argv[1:]))
except pod.Broken as e:
    sys.exit(f"bench: {e}")
