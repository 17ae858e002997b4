"""`python -m dlquiz` and the installed `dlquiz`."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from dlquiz.quick import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
