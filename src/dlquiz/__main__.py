"""`python -m dlquiz` and the installed `dlquiz`."""

import os
import sys

from dlquiz.quick import run


def main() -> None:
    """Run the command line and leave with its exit code; the rest is on the disk, and to tidy up memory takes time."""
    code = run(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
