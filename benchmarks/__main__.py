"""Run every race and write the figures down with the machine they were taken on."""

import os
import platform
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

from benchmarks._race import HEADER

# Threads that spin while they wait take the processor from the other contestant: both times would be worthless.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")  # 2**4 ticks

RESULTS = Path(__file__).with_name("RESULTS.md")


def machine() -> str:
    """What the figures depend on."""
    import torch

    versions = f"Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    busy = f"{date.today()}, load average {os.getloadavg()[0]:.0f}"
    return f"{platform.machine()}, {os.cpu_count()} cores; {versions}; {busy}."


RACES = {
    "losses": "Losses",
    "optimizers": "Optimizers",
    "second_order": "Second-order optimizers",
    "kmeans": "K-means",
    "pca": "PCA",
    "memory": "Memory of k-means",
    "startup": "Start-up",
}


def main(chosen: list[str]) -> None:
    """Print each ratio as it comes; a run of all races is kept, one of those that are named is not."""
    for unknown in (name for name in chosen if name not in RACES):
        raise SystemExit(f"there is no race {unknown!r}; choose among {', '.join(RACES)}")
    head = f"# Benchmarks\n\n{machine()} Below 1, ours is faster. Both contestants take turns in one run."
    sections = [head, *(section(name) for name in chosen or RACES)]
    if not chosen:
        RESULTS.write_text("\n\n".join(sections) + "\n")


def section(name: str) -> str:
    """One race under its title, with what its module says of it."""
    module = import_module(f"benchmarks.{name}")
    header = getattr(module, "HEADER", HEADER)
    print(f"\n{RACES[name]}\n{header}", flush=True)
    rows = []
    for result in module.results():
        rows.append(result.row())
        print(rows[-1], flush=True)
    more = "\n".join(module.memory()) if hasattr(module, "memory") else ""
    print(more, flush=True)
    about = " ".join((module.__doc__ or "").split())
    return f"## {RACES[name]}\n\n{about}\n\n{header}\n" + "\n".join(rows) + (more and f"\n\n{more}")


if __name__ == "__main__":
    main(sys.argv[1:])
