"""`dlquiz progress` and `dlquiz doctor`, as they are typed."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from dlquiz.store import Store
from dlquiz.store.file import backup_folder

from .store.helpers import DAMAGED, DAY, REFUSED, answer, backup_names, raw, tree
from .test_cli import MODULE, Terminal, dlquiz, process

NOW = 1_763_700_000 * 10**6  # the day these were written; the verbs have the clock of the machine


@pytest.fixture
def place():
    return Path(os.environ["DLQUIZ_DB"])


@pytest.fixture
def kept(place):
    """Three answers, the last of them wrong, to two questions of the example bank and one of no bank."""
    with Store(place, clock=lambda: NOW) as store:
        store.record(answer("example-number", NOW))
        store.record(answer("gone-from-the-bank", NOW + 1))
        store.record(answer("example-single", NOW + 2, grade=1))
        store.flag("example-single", "b is right too")
    return place


def log(place):
    with Store(place, create=False) as store:
        assert store.cards() == store.replayed()
        return store.log()


def test_every_verb_has_a_help_text():
    said = dlquiz("progress", "--help")
    verbs = ("backup", "export", "forget", "import", "path", "rebuild", "restore", "undo")

    assert [line.split()[0] for line in said.stdout.partition("Commands:\n")[2].splitlines()[:8]] == list(verbs)
    for verb in verbs:
        done = dlquiz("progress", verb, "--help")
        assert done.returncode == 0
        assert max(map(len, done.stdout.splitlines())) <= 100
    assert dlquiz("doctor", "--help").returncode == 0
    assert dlquiz("progress", "pth").returncode == 2


def test_path_is_data(place):
    assert dlquiz("progress", "path").stdout == f"{place}\n"


def test_where_there_is_no_progress_nothing_is_made(place):
    for verb in (["backup"], ["undo", "--yes"], ["rebuild"], ["export"], ["restore", "--list"]):
        assert dlquiz("progress", *verb).returncode == 0
    assert "was never answered" in dlquiz("progress", "forget", "example-number", "--yes").stderr
    assert dlquiz("progress", "restore", "--yes").returncode == 3
    assert list(place.parent.glob("progress*")) == []


# -- undo, forget, rebuild


def test_undo_shows_what_it_takes_back(kept):
    done = dlquiz("progress", "undo", "2", "--yes")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[0].endswith("  wrong  example-single")
    assert done.stderr.splitlines()[1].endswith("  right  gone-from-the-bank")
    assert done.stderr.splitlines()[2] == "2 answers taken back."
    assert [one.undone for one in log(kept)] == [False, True, True]
    assert dlquiz("progress", "undo", "9", "--yes").stderr.splitlines()[-1] == "1 answer taken back."
    assert dlquiz("progress", "undo", "--yes").stderr == "There is no answer to take back.\n"
    assert dlquiz("progress", "undo", "0", "--yes").returncode == 2


def test_undo_of_what_is_dated_in_the_future(kept):
    with Store(kept) as store:
        store.record(answer("example-number", NOW + 9999 * DAY))

    assert "1 answer dated in the future, up to 2053-" in dlquiz("doctor").stdout
    assert dlquiz("progress", "undo", "--future", "--yes").returncode == 0
    assert [one.undone for one in log(kept)] == [False, False, False, True]
    assert "no answer is dated in the future" in dlquiz("doctor").stdout


@pytest.mark.parametrize("verb", [["undo"], ["restore"], ["forget", "example-number"]])
def test_without_a_terminal_nothing_is_taken_back_unasked(kept, verb):
    dlquiz("progress", "backup")
    before = tree(kept.parent)
    done = process(*MODULE, "progress", *verb)

    assert done.returncode == 2
    assert "without a terminal this needs --yes" in done.stderr
    assert tree(kept.parent) == before


def test_on_a_terminal_it_asks_and_no_is_the_default(kept):
    terminal = Terminal("progress", "undo", columns=40)
    terminal.until("Take back this answer? [y/N]")
    terminal.type("\n")
    terminal.until("Nothing was changed.")
    assert terminal.leave() == 1
    assert not any(one.undone for one in log(kept))

    terminal = Terminal("progress", "undo")
    terminal.until("[y/N]")
    terminal.type("y\n")
    terminal.until("1 answer taken back.")
    assert terminal.leave() == 0
    assert [one.undone for one in log(kept)] == [False, False, True]


def test_forget_takes_a_name_of_today_or_of_the_log(kept):
    assert dlquiz("progress", "forget", "gone-from-the-bank", "--yes").stderr == "1 answer deleted.\n"
    assert dlquiz("progress", "forget", "example-singel", "--yes").returncode == 2
    assert dlquiz("progress", "forget", "example-single", "--yes").returncode == 0

    assert [one.question for one in log(kept)] == ["example-number"]
    assert [name[:14] for name in backup_names(kept)[-2:]] == ["before-forget-"] * 2


def test_rebuild_repairs_what_doctor_finds(kept):
    raw(kept, "UPDATE card SET due_us = 5 WHERE question = 'example-number'", "DELETE FROM card WHERE due_us > 5")
    sick = dlquiz("doctor")
    assert (sick.returncode, sick.stderr) == (3, "")
    assert (
        "BAD   cards: 3 cards not as the log has it, example-number first; type dlquiz progress rebuild" in sick.stdout
    )

    assert dlquiz("progress", "rebuild").stderr == "3 cards computed from the answers, 3 of them changed.\n"
    assert dlquiz("doctor").returncode == 0
    assert len(log(kept)) == 3


# -- export, import


def test_what_is_exported_can_be_imported_elsewhere(kept, tmp_path, monkeypatch):
    file, elsewhere = tmp_path / "mine.json", tmp_path / "elsewhere.db"
    assert dlquiz("progress", "export", "-o", str(file)).stderr == f"3 answers in {file}.\n"
    assert json.loads(process(*MODULE, "progress", "export").stdout) == json.loads(file.read_text())
    there = log(kept)

    monkeypatch.setenv("DLQUIZ_DB", str(elsewhere))
    done = dlquiz("progress", "import", str(file))
    assert done.returncode == 0
    assert "3 answers added, 0 known already, 1 flag, 1 to questions that no bank has" in done.stderr
    assert log(elsewhere) == there
    assert "0 answers added, 3 known already" in dlquiz("progress", "import", str(file)).stderr
    assert log(elsewhere) == there
    assert dlquiz("progress", "export", "-o", str(file)).returncode == 2
    assert dlquiz("progress", "export", "-o", str(file), "--yes").returncode == 0


def test_an_answer_under_a_later_name_is_kept_under_the_first(place, tmp_path, monkeypatch):
    from .conftest import EXAMPLE

    bank, file = tmp_path / "bank.yml", tmp_path / "site.json"
    bank.write_text(
        EXAMPLE.read_text().replace("  - id: example-number", "  - id: new-name\n    was: [example-number]")
    )
    with Store(tmp_path / "other.db") as store:
        store.record(answer("new-name", NOW))
    monkeypatch.setenv("DLQUIZ_DB", str(tmp_path / "other.db"))
    dlquiz("progress", "export", "-o", str(file))
    monkeypatch.setenv("DLQUIZ_DB", str(place))
    monkeypatch.setenv("DLQUIZ_BANK", str(bank))

    assert dlquiz("progress", "import", str(file)).returncode == 0
    assert [one.question for one in log(place)] == ["example-number"]
    assert "every answered question is in a bank" in dlquiz("doctor").stdout
    assert dlquiz("progress", "forget", "new-name", "--yes").stderr == "1 answer deleted.\n"


def test_a_file_that_cannot_be_imported_changes_nothing(kept, tmp_path):
    (file := tmp_path / "bad.json").write_text('{"dlquiz": "progress", "version": 1, "answers": [{}]}')
    before = tree(kept.parent)
    done = dlquiz("progress", "import", str(file))

    assert done.returncode == 2
    assert done.stderr.startswith(f"{file}: no progress file of dlquiz: ")
    assert done.stderr.count("\n") == 1
    assert tree(kept.parent) == before
    assert dlquiz("progress", "import", str(tmp_path / "none.json")).returncode == 2


# -- backup, restore


def test_a_backup_is_made_and_restored(kept):
    made = Path(dlquiz("progress", "backup").stdout.strip())
    assert made.parent == backup_folder(kept)
    dlquiz("progress", "undo", "3", "--yes")

    assert made.stem in dlquiz("progress", "restore", "--list").stdout
    done = dlquiz("progress", "restore", made.stem, "--yes")
    assert (done.returncode, done.stderr) == (0, f"3 answers now, from {made.name}.\n")
    assert not any(one.undone for one in log(kept))


def test_a_backup_goes_where_it_is_told_and_writes_over_nothing(kept, tmp_path):
    file = tmp_path / "stick" / "mine.db"
    assert dlquiz("progress", "backup", str(file)).returncode == 3
    file.parent.mkdir()
    assert dlquiz("progress", "backup", str(file)).stdout == f"{file}\n"
    assert stat.S_ISREG(file.stat().st_mode)
    assert dlquiz("progress", "backup", str(file)).returncode == 2


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_leads_to_doctor_and_restore_and_is_well_again(kept, name):
    dlquiz("progress", "backup")
    if name == "a row changed":
        raw(kept, "UPDATE review SET grade = 4 WHERE id = 2")
    elif name == "a page overwritten":
        kept.write_bytes(kept.read_bytes()[:4096] + b"\1" * 4096 + kept.read_bytes()[8192:])
    else:
        DAMAGED[name](kept)

    sick = dlquiz("doctor")
    assert sick.returncode == 3
    assert "Type dlquiz progress restore" in sick.stdout
    done = dlquiz("progress", "restore", "--yes")
    assert done.returncode == 0
    assert done.stderr.startswith("3 answers now, from kept-")
    assert "The damaged file is kept as " in done.stderr
    assert len(log(kept)) == 3
    assert dlquiz("doctor").returncode == 0


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_not_ours_is_one_line_in_every_verb(kept, name):
    REFUSED[name][0](kept)
    before = tree(kept.parent)
    for verb in (
        ["export"],
        ["undo", "--yes"],
        ["rebuild"],
        ["restore", "--yes"],
        ["backup"],
        ["forget", "x", "--yes"],
    ):
        done = dlquiz("progress", *verb)
        assert (done.returncode, done.stdout) == (3, "")
        assert str(kept) in done.stderr
        assert done.stderr.count("\n") == 1
    assert tree(kept.parent) == before


# -- doctor


def test_doctor_finds_a_healthy_file_healthy(kept):
    before = tree(kept.parent)
    done = dlquiz("doctor", "--json")
    report = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (0, "")
    assert (report["sound"], report["path"]) == (True, str(kept))
    status = {one["name"]: one["status"] for one in report["findings"]}
    good = ("versions", "permissions", "integrity", "rows", "cards", "dates", "backups")
    assert status == {**dict.fromkeys(good, "good"), "questions": "note"}
    assert tree(kept.parent) == before


def test_doctor_says_so_where_there_is_nothing_yet(kept):
    dlquiz("progress", "backup")
    kept.unlink()
    assert "dlquiz progress restore brings the newest backup back" in dlquiz("doctor").stdout
    shutil.rmtree(backup_folder(kept))

    assert "there is none yet; the first answer creates it" in dlquiz("doctor").stdout
    assert dlquiz("doctor").returncode == 0


def test_doctor_sees_a_damaged_backup_and_a_file_that_others_can_write(kept):
    broken = Path(dlquiz("progress", "backup").stdout.strip())
    broken.write_bytes(broken.read_bytes()[:5000])
    kept.chmod(0o666)
    done = dlquiz("doctor")

    assert done.returncode == 3
    assert f"BAD   backups: {broken} is damaged; delete it" in done.stdout
    assert "note  permissions: others can write" in done.stdout


def test_doctor_examines_progress_also_where_a_bank_is_broken(kept, monkeypatch, tmp_path):
    monkeypatch.setenv("DLQUIZ_BANK", str(tmp_path / "nowhere"))
    done = dlquiz("doctor")

    assert done.returncode == 0
    assert "questions:" not in done.stdout


def test_doctor_fits_a_narrow_terminal(kept):
    terminal = Terminal("doctor", columns=40)
    seen = terminal.until("backups:") + terminal.until("\r\n")
    assert terminal.leave() == 0
    place = str(kept)
    lines = [line for line in seen.split("\r\n") if place not in line and str(backup_folder(kept)) not in line]
    assert max(map(len, lines)) <= 40
