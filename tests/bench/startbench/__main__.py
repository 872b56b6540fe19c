"""python3 -m startbench, with tests/ and tests/bench/ in the path."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from . import main, trial  # noqa: E402  (needs the path above)

try:
    sys.exit(main.main(sys.argv[1:]))
except trial.Broken as e:
    sys.exit(f"bench: {e}")
