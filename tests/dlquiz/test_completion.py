import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlquiz.cli import LAZY
from dlquiz.quick import run

HEAVY = ("torch", "numpy", "sympy", "mpmath", "rich", "fsrs", "sqlite3", "yaml", "msgspec", "dlref")
SOURCE = Path(__file__).parents[2] / "src"


def completed(line, shell="bash"):
    """What the shell is told after this line, by a process of its own, and what that process loaded."""
    words = line.split(" ")
    here = words[-1] if shell == "fish" else str(len(words) - 1)  # fish gives the word itself
    asked = {"_DLQUIZ_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": here}
    code = f"""
import atexit, sys
atexit.register(lambda: print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr))
from dlquiz.__main__ import main
sys.argv = ["dlquiz"]
main()
"""
    env = {**os.environ, **asked, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=env)
    assert done.stderr.strip() == "[]"
    return done.stdout.split()


@pytest.fixture(autouse=True)
def _kept():
    assert run(["list"]) == 0


def test_verbs_concepts_and_ids_are_completed_without_weight():
    assert completed("dlquiz ") == [f"plain,{verb}" for verb in sorted(LAZY)]
    assert completed("dlquiz re") == ["plain,review"]
    for verb in ("review", "exam", "list"):
        assert completed(f"dlquiz {verb} exam") == ["plain,example", "plain,example_losses"]
    for verb in ("show", "ask"):
        assert completed(f"dlquiz {verb} example-or") == ["plain,example-order", "plain,example-order-computed"]
    assert completed("dlquiz stats --w") == ["plain,--words"]


def test_a_broken_bank_is_silence(monkeypatch, tmp_path):
    (tmp_path / "broken.yml").write_text("format: 1\n")
    monkeypatch.setenv("DLQUIZ_BANK", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "dlquiz"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "_DLQUIZ_COMPLETE": "bash_complete", "COMP_WORDS": "dlquiz show e", "COMP_CWORD": "2"},
    )

    assert (done.stdout + done.stderr).strip() == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell, capsys):
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out

    assert f"_DLQUIZ_COMPLETE={shell}_complete" in script
    assert "example-order" in " ".join(completed("dlquiz show example-or", shell))


def test_bash_itself_completes():
    script = """
eval "$(dlquiz completion bash)"
complete -p dlquiz
COMP_WORDS=(dlquiz show example-or) COMP_CWORD=2
_dlquiz_completion dlquiz show example-or
echo "${COMPREPLY[@]}"
"""
    folder = Path(os.environ["DLQUIZ_DB"]).parent / "bin"
    folder.mkdir()
    (folder / "dlquiz").write_text(f'#!/bin/sh\nexec {sys.executable} -m dlquiz "$@"\n')
    (folder / "dlquiz").chmod(0o755)
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], check=False, capture_output=True, text=True, env=env)

    assert done.stderr == ""
    assert "-F _dlquiz_completion dlquiz" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["example-order", "example-order-computed"]
