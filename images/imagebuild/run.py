"""What the commands of this folder have in common: how they end."""

import subprocess
import sys

from .lockfile import Fault


def guarded(main):
    """Exit status of main; a Fault becomes its sentence."""
    try:
        return main()
    except Fault as fault:
        print(f"images: FAILED: {fault}", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"images: FAILED: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1
