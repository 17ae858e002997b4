"""Check derivations from the command line: `python -m dlref.derivations [NAME...]`."""

import sys
import time

from . import WrongStep, load, names


def main(chosen: list[str]) -> int:
    """Print one line for each derivation; 1 if any is refused."""
    known, failed = names(), 0
    for name in chosen:
        if name not in known:
            print(f"there is no derivation {name!r}; without a name, all {len(known)} are checked", file=sys.stderr)
            return 1
    for name in chosen or known:
        start = time.process_time()
        try:
            verdict = load(name).level
        except WrongStep as problem:
            verdict, failed = f"REFUSED\n{problem}", 1
        print(f"{name:55} {time.process_time() - start:6.2f} s  {verdict}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
