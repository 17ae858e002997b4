"""What a start reads instead of the banks and of click, and that it says the same."""

import contextlib
import io
import json
import os
import shutil
from pathlib import Path

import pytest

from dlquiz import bank, kept, places, shelf
from dlquiz.cli import parsed
from dlquiz.quick import run

from .conftest import EXAMPLE


class Screen(io.StringIO):
    def isatty(self):
        return True


def said(way, *arguments, out=io.StringIO):
    """What one way in prints for these arguments, and its exit code."""
    out = out()
    with contextlib.redirect_stdout(out):
        code = way(list(arguments))
    return code, out.getvalue()


@pytest.fixture
def copy(tmp_path, monkeypatch):
    path = tmp_path / "bank.yml"
    shutil.copy(EXAMPLE, path)
    monkeypatch.setenv("DLQUIZ_BANK", str(path))
    return path


def kept_files():
    return sorted(Path(places.cache()).iterdir())


@pytest.mark.parametrize("columns", ["40", "60", "80", "120"])
@pytest.mark.parametrize("arguments", [("--help",), ("-h",)])
def test_help_is_what_click_writes(monkeypatch, columns, arguments):
    monkeypatch.setenv("COLUMNS", columns)

    first, again = said(run, *arguments), said(run, *arguments)

    assert first == again == said(parsed, *arguments)
    assert "Exit codes" in first[1]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--json",),
        ("list",),
        ("list", "--json"),
        ("list", "losses", "example"),
        ("show", "example-single"),
        ("stats",),
        ("stats", "--json"),
        ("show", "example-number", "--json"),
    ],
)
def test_both_ways_in_say_the_same(arguments):
    code, text = said(run, *arguments)

    assert (code, text) == said(parsed, *arguments)
    assert text


@pytest.mark.parametrize("arguments", [("show",), ("show", "a", "b"), ("lst",), ("list", "--jsn"), ("--nothing",)])
def test_a_mistake_is_left_to_click(arguments, capsys):
    assert run(list(arguments)) == 2
    assert "Usage: dlquiz" in capsys.readouterr().err


def test_the_copy_is_every_question_of_every_bank(monkeypatch):
    monkeypatch.delenv("DLQUIZ_BANK")

    for _ in range(2):
        assert shelf.questions(shelf.rows(retired=True)) == bank.read_all()
    assert len(shelf.rows()) > 60
    for row in shelf.rows()[::7]:
        assert shelf.find(row["id"]).first_id == row["first_id"]


@pytest.mark.parametrize("damage", [b"", b"\n", b"not ours", b"\x00" * 300])
def test_a_damaged_copy_is_made_again(copy, damage):
    wanted = said(run, "list", "--json")
    for path in kept_files():
        path.write_bytes(damage)

    assert said(run, "list", "--json") == wanted
    assert all(path.read_bytes() != damage for path in kept_files() if path.name.endswith(("rows", "list-json")))


@pytest.mark.parametrize(("words", "name"), [([], "list-json"), (["example"], "rows")])
def test_a_flipped_bit_is_found(copy, words, name):
    wanted = said(run, "list", "--json", *words)
    (page,) = (path for path in kept_files() if path.name.endswith(name))
    whole = page.read_bytes()
    for at in range(0, len(whole), 37):
        page.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])

        assert said(run, "list", "--json", *words) == wanted


def test_another_bank_another_copy(copy):
    before = said(run, "list", "--json")
    size = copy.stat().st_size
    copy.write_text(copy.read_text().replace("example-single", "example-sangle"))

    assert copy.stat().st_size == size
    assert "example-sangle" in said(run, "list", "--json")[1] != before[1]


def test_another_dlquiz_another_copy(copy, monkeypatch):
    calls = []

    def make():
        calls.append(1)
        return b"made"

    assert [kept.kept("x", 1, make) for _ in range(2)] == [b"made"] * 2
    monkeypatch.setattr(kept, "engine", lambda: 1)
    assert kept.kept("x", 1, make) == b"made"
    assert len(calls) == 2


def test_any_module_makes_another_dlquiz(tmp_path, monkeypatch):
    for name in ("a.py", "inner/b.py", "inner/deep/c.py", "__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(places, "HERE", str(tmp_path))
    seen = [kept.engine()]
    for change in (
        lambda: os.utime(tmp_path / "inner/deep/c.py", ns=(1, 1)),
        lambda: os.utime(tmp_path / "inner/b.py", ns=(1, 1)),
        (tmp_path / "inner/d.py").touch,
        (tmp_path / "a.py").unlink,
    ):
        change()
        seen.append(kept.engine())
    (tmp_path / "__pycache__/a.pyc").write_bytes(b"compiled")

    assert len({*seen}) == len(seen)
    assert kept.engine() == seen[-1]


@pytest.mark.parametrize("columns", ["30", "40", "60", "120"])
def test_the_list_is_as_wide_as_the_terminal(monkeypatch, columns):
    monkeypatch.delenv("DLQUIZ_BANK")
    monkeypatch.setenv("COLUMNS", columns)

    shown, again = (said(run, "list", out=Screen)[1] for _ in range(2))
    lines = shown.splitlines()

    assert shown == again == said(parsed, "list", out=Screen)[1]
    assert all(len(line) <= int(columns) or " " not in line.strip() for line in lines)
    assert shown.split() == said(run, "list")[1].split()


def test_where_nothing_can_be_kept_nothing_is_amiss(copy, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert len(json.loads(said(run, "list", "--json")[1])) == 10


def test_a_bank_that_breaks_is_said_although_a_copy_is_kept(copy, capsys):
    assert run(["list"]) == 0
    os.utime(copy, ns=(1, 1))
    copy.write_text("format: 1\n")

    assert run(["list"]) == 4
    assert "a bank has the keys" in capsys.readouterr().err


def test_the_folders_are_the_systems(monkeypatch):
    platformdirs = pytest.importorskip("platformdirs")
    monkeypatch.delenv("XDG_CACHE_HOME")

    assert places.cache() == platformdirs.user_cache_dir("dlquiz", appauthor=False)
