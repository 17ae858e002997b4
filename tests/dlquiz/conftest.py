from pathlib import Path

import pytest

from dlquiz import bank

EXAMPLE = Path(__file__).parent / "example.yml"


@pytest.fixture(autouse=True)
def _away_from_home(tmp_path, monkeypatch):
    """No test reads or writes the progress of whoever runs it, nor what was kept for them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DLQUIZ_DB", str(tmp_path / "progress.db"))
    monkeypatch.setenv("DLQUIZ_BANK", str(EXAMPLE))


@pytest.fixture(scope="session")
def questions():
    """The example bank, by id without its prefix."""
    return {question.id.removeprefix("example-"): question for question in bank.read(EXAMPLE)}
