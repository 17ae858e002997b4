"""Run every race and write the figures down with the machine they were taken on."""

import os
import platform
from datetime import date
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads make both contestants' times worthless

RESULTS = Path(__file__).with_name("RESULTS.md")


def machine() -> str:
    """What the figures depend on."""
    import torch

    versions = f"Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    busy = f"{date.today()}, load average {os.getloadavg()[0]:.0f}"
    return f"{platform.machine()}, {os.cpu_count()} cores; {versions}; {busy}."


def main() -> None:
    """Print each ratio as it comes; keep all of them."""
    from benchmarks import losses, optimizers, second_order, startup
    from benchmarks._race import HEADER

    sections = [f"# Benchmarks\n\n{machine()} Below 1, ours is faster. Both contestants take turns in one run."]
    races = {
        "Losses": losses,
        "Optimizers": optimizers,
        "Second-order optimizers": second_order,
        "Start-up": startup,
    }
    for title, module in races.items():
        print(f"\n{title}\n{HEADER}", flush=True)
        rows = []
        for result in module.results():
            rows.append(result.row())
            print(rows[-1], flush=True)
        about = " ".join((module.__doc__ or "").split())
        sections.append(f"## {title}\n\n{about}\n\n{HEADER}\n" + "\n".join(rows))
    RESULTS.write_text("\n\n".join(sections) + "\n")


if __name__ == "__main__":
    main()
