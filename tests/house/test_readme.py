"""The README says what is true: its example runs, its targets exist, and set-up stops in one line."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_example_prints_what_it_says() -> None:
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)

    assert (failed, tried > 3) == (0, True)


def test_every_target_it_names_is_listed_by_help() -> None:
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"make (\w+)", README))

    assert {"study", "test", "quiz", "site", "bench", "check", "help"} <= named
    assert [target for target in sorted(named) if f"make {target} " not in help_text] == []


def test_its_two_commands_come_first() -> None:
    assert re.findall(r"^make \w+", README, re.MULTILINE)[:2] == ["make study", "make test"]


def test_a_machine_without_a_fitting_python_is_told_so_in_one_line() -> None:
    result = subprocess.run(["make", "setup", "PYTHON="], cwd=ROOT, capture_output=True, text=True, check=False)
    said = [line for line in result.stderr.splitlines() if not line.startswith("make")]

    assert result.returncode != 0
    assert len(said) == 1
    assert "needs Python 3.11, 3.12 or 3.13" in said[0]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that set-up reads, and nothing that it has made."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/setup.py", "constraints.txt", "pyproject.toml", "package.json", "package-lock.json"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    return tmp_path


def test_without_a_network_it_stops_in_one_line_that_says_what_to_do(checkout: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env = {**kept, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    command = [sys.executable, "tools/setup.py"]
    result = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "check the network" in result.stderr
    assert not (checkout / ".venv/installed").exists()
