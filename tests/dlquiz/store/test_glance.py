"""The short way to the dates says what the long way says."""

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

import dlquiz
from dlquiz import reading
from dlquiz.failures import StoreError
from dlquiz.store import Store
from dlquiz.store.glance import default_path, due

from .helpers import DAMAGED, REFUSED, raw, tree


def test_the_dates_are_the_stores(filled):
    with Store(filled, create=False) as store:
        assert due(str(filled)) == store.due()
        assert len(store.due()) == 9


def test_where_there_is_nothing_nothing_is_made(path, monkeypatch):
    monkeypatch.setenv("DLQUIZ_DB", str(path))

    assert reading.due() == {}
    assert not path.exists()
    path.touch()
    assert reading.due() == {}
    assert path.read_bytes() == b""


def test_an_old_file_is_read_the_long_way(filled, monkeypatch):
    monkeypatch.setenv("DLQUIZ_DB", str(filled))
    raw(filled, "PRAGMA user_version = 1")

    assert due(str(filled)) is None
    assert len(reading.due()) == 9


@pytest.mark.parametrize("name", [*(name for name in DAMAGED if name != "a row changed"), *REFUSED])
def test_what_is_the_matter_is_said_as_everywhere(backed_up, name, monkeypatch):
    monkeypatch.setenv("DLQUIZ_DB", str(backed_up))
    damage = DAMAGED.get(name) or REFUSED[name][0]
    damage(backed_up)
    before = tree(backed_up.parent)

    with pytest.raises(StoreError) as short:
        reading.due()
    with pytest.raises(StoreError) as long:
        Store(backed_up, create=False)
    assert str(short.value) == str(long.value)
    assert tree(backed_up.parent) == before


@pytest.mark.parametrize("data_home", ["", " ", "/elsewhere"])
def test_the_place_is_platformdirs(monkeypatch, data_home):
    monkeypatch.delenv("DLQUIZ_DB")
    monkeypatch.setenv("XDG_DATA_HOME", data_home)

    assert default_path() == str(platformdirs.user_data_path("dlquiz", appauthor=False) / "progress.db")


def test_it_loads_next_to_nothing(filled):
    code = f"""
import sys
from dlquiz.store.glance import due
assert len(due({str(filled)!r})) == 9
print(*({{"typing", "re", "pathlib", "json", "contextlib", "dlquiz.store.rows"}} & sys.modules.keys()))
"""
    source = {"PYTHONPATH": str(Path(dlquiz.__file__).parents[1])}  # without site an editable install is not found
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | source)
    assert done.stdout == "\n"
