"""`pip install .` gives dlquiz and dlref outside the checkout, with the bank inside."""

import json
import os
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch"}  # large, and no reading verb needs it: that is part of what this test shows


def run(*command: str | Path, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DLQUIZ_", "PYTHON"))}
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def light_requirements() -> list[str]:
    wanted = [Requirement(line) for line in distribution("dlref").requires or []]
    return [f"{r.name}{r.specifier}" for r in wanted if r.marker is None and r.name not in HEAVY]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment that holds the wheel and what it needs, torch aside."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    pip = [folder / "env/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, "-c", ROOT / "constraints.txt", *light_requirements(), cwd=folder)
    run(*pip, "--no-deps", wheel, cwd=folder)
    return folder


def test_the_bank_travels_in_the_wheel(installed: Path) -> None:
    ids = {
        question["id"] for question in json.loads(run(installed / "env/bin/dlquiz", "list", "--json", cwd=installed))
    }

    banks = sorted((ROOT / "quizzes").glob("*.yml"))
    written = {
        line.split("id:")[1].strip() for bank in banks for line in bank.read_text().splitlines() if "- id:" in line
    }
    assert ids == written
    assert len(ids) >= 40


def test_the_packages_come_from_the_wheel(installed: Path) -> None:
    found = run(
        installed / "env/bin/python",
        "-c",
        "import dlref, dlquiz, dlref.derivations as d; print(dlref.__file__, dlquiz.__file__, len(d.names()))",
        cwd=installed,
    ).split()

    assert all(str(installed) in path for path in found[:2])
    assert int(found[2]) > 0
