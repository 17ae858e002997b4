"""Restoring: from every kind of damage, and back again from a restore."""

import shutil
import signal
import sqlite3
import subprocess

import pytest

from dlquiz.failures import StoreError
from dlquiz.store import Store, backups
from dlquiz.store.file import backup_folder
from dlquiz.store.restore import restore

from .helpers import DAMAGED, DAY, NOW, REFUSED, answer, backup_names, python, raw, tree

LATER = NOW + 500 * DAY


@pytest.fixture
def kept(filled):
    """The history of 200 answers with a sound backup from when it had 150 of them."""
    with Store(filled) as store:
        log = store.log()
    with Store(other := filled.with_name("other.db"), clock=lambda: NOW) as store:
        store.merge(log[:150], [], back_up=False)
    backup_folder(filled).mkdir()
    other.replace(backup_folder(filled) / "2026-01-01.db")
    return filled


def contents(path):
    with Store(path, create=False) as store:
        assert store.cards() == store.replayed()
        return {one.identity for one in store.log()}


@pytest.mark.parametrize("name", DAMAGED)
def test_every_damaged_file_is_restored_with_what_it_still_says(kept, history, name):
    true = contents(history)
    DAMAGED[name](kept)
    damaged = kept.read_bytes()

    done = restore(kept, clock=lambda: LATER)

    found = contents(kept)
    assert 150 <= len(found) == done.answers == 150 + done.rescued
    assert found <= true
    assert done.damaged.read_bytes() == damaged
    assert sorted(backup_names(kept)) == sorted(["2026-01-01.db", done.damaged.name])
    assert [one.name for one in kept.parent.iterdir() if one.name.startswith(".")] == []
    with Store(kept) as store:
        store.record(answer(at=LATER))
    if name == "a row changed":
        assert done.rescued == 50
    if name == "a page overwritten":
        assert done.rescued > 0


def test_a_damaged_file_without_a_backup_gives_what_it_still_says(filled):
    DAMAGED["a row changed"](filled)

    done = restore(filled, clock=lambda: LATER)

    assert (done.backup, done.answers, done.rescued) == (None, 199, 199)
    with Store(filled, create=False) as store:
        assert store.flagged().keys() == {"question-3"}


def test_where_there_is_nothing_to_restore_nothing_is_touched(filled):
    with pytest.raises(StoreError, match=r"no sound backup in .*progress\.db-backups.*stays as it is"):
        restore(filled)
    DAMAGED["text"](filled)
    before = tree(filled.parent)

    with pytest.raises(StoreError, match="no backup and no readable answer; move it away and start anew"):
        restore(filled)
    assert tree(filled.parent) == before


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_not_ours_to_judge_is_not_replaced(kept, name):
    REFUSED[name][0](kept)
    before = tree(kept.parent)

    with pytest.raises(StoreError, match=r"another program|newer dlquiz|cannot open"):
        restore(kept)
    assert tree(kept.parent) == before


def test_a_damaged_backup_is_passed_over(kept, history):
    shutil.copy(history, backup_folder(kept) / "2026-02-02.db")
    DAMAGED["a row changed"](backup_folder(kept) / "2026-02-02.db")
    DAMAGED["text"](kept)

    assert restore(kept, clock=lambda: LATER).backup.name == "2026-01-01.db"
    with pytest.raises(StoreError, match=r"2026-02-02\.db is damaged"):
        restore(kept, "2026-02-02")


def test_a_sound_file_goes_back_and_a_second_restore_goes_forth(kept):
    before = contents(kept)
    done = restore(kept, clock=lambda: LATER)

    assert (done.answers, done.rescued, done.damaged) == (150, 0, None)
    assert len(contents(kept)) == 150
    assert restore(kept, clock=lambda: LATER + 1).backup.name.startswith("before-restore-")
    assert contents(kept) == before


def test_a_backup_is_chosen_by_name_or_by_path(kept, history, tmp_path):
    with pytest.raises(StoreError, match=r"no backup \\x07x in .*dlquiz progress restore --list"):
        restore(kept, "\x07x")

    assert restore(kept, str(history), clock=lambda: LATER).answers == 200
    assert restore(kept, "2026-01-01", clock=lambda: LATER).answers == 150
    assert restore(kept, "2026-01-01.db", clock=lambda: LATER + 1).answers == 150


def test_a_file_that_is_gone_comes_back(kept):
    kept.unlink()

    assert restore(kept).answers == 150
    assert len(contents(kept)) == 150


def test_who_has_the_file_open_sees_the_restored_answers(kept):
    with Store(kept) as store:
        restore(kept, clock=lambda: LATER)
        assert len(store.log()) == 150
        store.record(answer(at=LATER))
    assert len(contents(kept)) == 151


@pytest.mark.parametrize("name", ["no header", "no bytes", "text"])
def test_a_journal_of_the_damaged_file_is_never_applied_to_the_new_one(kept, name):
    python(HALF, kept).communicate()
    journal = kept.with_name("progress.db-journal")
    assert journal.stat().st_size > 512
    DAMAGED[name](kept)

    done = restore(kept, clock=lambda: LATER)
    assert not journal.exists()
    assert raw(kept, "PRAGMA integrity_check") == [("ok",)]
    assert len(contents(kept)) == done.answers >= 150


# Dies with changed pages in the file and their old content in the journal.
HALF = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE review SET answer = 'half'")
os.kill(os.getpid(), signal.SIGKILL)
"""

DYING = """
import os, signal, sys
from pathlib import Path
from dlquiz.store import backups, restore
step, left = sys.argv[2], int(sys.argv[3])
def dying(*arguments, honest=getattr(backups, step)):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return honest(*arguments)
setattr(backups, step, dying)
restore.restore(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("name", ["a row changed", "text", "sound"])
@pytest.mark.parametrize(("step", "moment"), [("transfer", 0), ("transfer", 1), ("settle", 0), ("settle", 1)])
def test_a_restore_that_is_killed_can_be_done_again(kept, name, step, moment):
    if name != "sound":
        DAMAGED[name](kept)
    before = kept.read_bytes()
    process = python(DYING, kept, step, moment, stderr=subprocess.DEVNULL)
    process.communicate()

    if killed := process.returncode == -signal.SIGKILL:
        assert kept.read_bytes() == before
    done = restore(kept, "2026-01-01", clock=lambda: LATER)
    assert done.answers == (200 if killed and name == "a row changed" else 150)
    assert len(contents(kept)) == done.answers


def test_a_session_that_has_the_damaged_file_open_does_not_write_into_nowhere(kept):
    """An answer acknowledged after the change of places would be lost with the old file."""
    with Store(kept, clock=lambda: NOW) as store:
        store.record(answer("open", NOW))  # the backup of the day is made, so the damage is not seen at the next write
        DAMAGED["a row changed"](kept)
        restore(kept, clock=lambda: LATER)
        with pytest.raises(StoreError, match="was moved or replaced"):
            store.record(answer("late", NOW))

    assert answer("open", NOW) in contents(kept)


def test_a_restore_waits_for_who_is_writing(kept, monkeypatch):
    DAMAGED["a row changed"](kept)
    blocker = sqlite3.connect(kept, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    honest = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *one, **more: honest(*one, **{**more, "timeout": 0.05}))

    with pytest.raises(StoreError, match="in use by another dlquiz"):
        restore(kept)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert restore(kept).answers == 200


def test_the_backups_of_a_restored_file_are_still_its_own(kept):
    DAMAGED["no bytes"](kept)
    restore(kept, clock=lambda: LATER)

    assert backups.kept(kept)[0].name == "2026-01-01.db"


def test_a_link_stays_a_link(kept, tmp_path):
    """People keep such files in a folder that is synchronised, and a link to it where programs look."""
    (real := tmp_path / "synchronised" / "mine.db").parent.mkdir()
    kept.rename(real)
    kept.symlink_to(real)
    DAMAGED["a row changed"](kept)

    assert restore(kept, clock=lambda: LATER).answers == 200
    assert kept.is_symlink()
    assert len(contents(real)) == 200
    assert [one.name for one in real.parent.iterdir()] == ["mine.db"]


def test_two_restores_at_once_are_one(kept, monkeypatch):
    """Else the second would put what the first had restored, and what was answered since, out of reach."""
    DAMAGED["text"](kept)
    honest = backups.copy

    def meanwhile(*paths):
        monkeypatch.setattr(backups, "copy", honest)
        restore(kept, clock=lambda: LATER)
        return honest(*paths)

    monkeypatch.setattr(backups, "copy", meanwhile)
    with pytest.raises(StoreError, match="was restored by another dlquiz meanwhile; nothing was changed"):
        restore(kept, clock=lambda: LATER + 1)
    assert len(contents(kept)) == 150
    assert not [one for one in kept.parent.iterdir() if one.name.startswith(".")]


def test_what_lies_on_both_sides_of_the_damage_is_read(path):
    with Store(path, clock=lambda: NOW) as store:
        store.merge([answer(f"question-{i % 9}", NOW + i * DAY, text=f"<{i:03}>" + "x" * 90) for i in range(200)], [])
    data = bytearray(path.read_bytes())
    start = data.index(b"<100>") // 4096 * 4096
    data[start : start + 4096] = bytes(4096)
    path.write_bytes(data)

    done = restore(path, clock=lambda: LATER)
    kept = sorted(int(one.answer[1:4]) for one in contents(path))
    assert (kept[0], kept[-1]) == (0, 199)
    assert 100 not in kept
    assert len(kept) == done.rescued > 150
