"""The site as a reader gets it, built once for all tests that look at it."""

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Built:
    """Where the site is, how the build ended, and what it said."""

    folder: Path
    status: int
    log: str

    @property
    def pages(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*.html") if path.name != "404.html")


def build(target: Path, root: Path = ROOT) -> Built:
    """Build into `target`, never with -q: it silences the warnings that strict counts."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("DLQUIZ_")}
    env |= {"NO_MKDOCS_2_WARNING": "1", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    env["PYTHONWARNINGS"] = "error::UserWarning,error::RuntimeWarning"  # the code of a page raises none
    command = [sys.executable, "-m", "mkdocs", "build", "-d", target]
    run = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    return Built(target, run.returncode, run.stdout + run.stderr)


def built_once(shared: Path) -> Built:
    """Build for the first worker of a test run that asks; the others wait for it."""
    target, log = shared / "site", shared / "site.log"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not log.is_file():
            from dldocs import assets

            assets.main()
            done = build(target)
            log.write_text(f"{done.status}\n{done.log}")
    status, _, said = log.read_text().partition("\n")
    assert int(status) == 0, said
    return Built(target, 0, said)


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of one test run share."""
    base = factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
