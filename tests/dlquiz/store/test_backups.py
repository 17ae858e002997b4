"""A copy a day, one before every step that could go wrong, and never a bad one in the place of a good one."""

import os
import sqlite3
import time
from datetime import date, timedelta

import pytest

from dlquiz.failures import StoreError
from dlquiz.store import DamagedError, Store, backups
from dlquiz.store.file import backup_folder

from .helpers import DAY, NOW, answer, backup_names, header, page, row


def at(path, now, *steps):
    with Store(path, clock=lambda: now) as store:
        for step in steps:
            step(store)


def test_the_first_write_of_a_day_makes_a_backup_of_what_was_there(path):
    at(path, NOW, lambda store: store.record(answer(at=NOW)))
    assert backup_names(path) == []  # there was nothing to keep
    for day in (1, 1, 2):
        now = NOW + day * DAY
        at(path, now, lambda store, now=now: store.record(answer(at=now)))

    assert backup_names(path) == ["2025-10-10.db", "2025-10-11.db"]
    assert [backups.verify(backup) for backup in backups.kept(path)] == [3, 1]


def test_reading_makes_no_backup(filled):
    with Store(filled, clock=lambda: NOW + 900 * DAY) as store:
        assert len(store.log()) == 200
    with Store(filled, create=False) as store:
        assert len(store.due()) == 9

    assert backup_names(filled) == []


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (lambda store: store.rebuild(), "before-rebuild-"),
        (lambda store: store.merge([answer("new")], []), "before-import-"),
        (lambda store: store.forget("question-1"), "before-forget-"),
    ],
    ids=["rebuild", "import", "forget"],
)
def test_a_step_that_could_go_wrong_has_a_backup_of_its_own(filled, step, name):
    at(filled, NOW, step)

    assert [one[: len(name)] for one in backup_names(filled)] == ["2025-10-09.db"[: len(name)], name]
    assert {backups.verify(backup) for backup in backups.kept(filled)} == {200}


def days(*offsets):
    return [f"{date(2026, 11, 21) - timedelta(offset)}.db" for offset in offsets]


def test_seven_days_and_four_weeks_are_kept():
    have: list[str] = []
    for offset in range(100, -1, -1):
        made = days(offset)[0]
        have.append(made)
        have = [name for name in have if name not in backups.surplus(have, made)]

    mondays = [offset for offset in range(7, 60) if (date(2026, 11, 21) - timedelta(offset)).weekday() == 0][:4]
    assert sorted(have) == sorted(days(*range(7), *mondays))


def test_backups_of_a_clock_that_was_wrong_push_no_other_out():
    future = days(*range(-900, -910, -1))
    good = days(0, 1, 2, 3)

    gone = backups.surplus([*future, *good], good[0])
    assert gone == set(sorted(future)[:3]) - set(backups.surplus(future, "")) or not gone & set(good)
    assert not gone & set(good)
    assert not backups.surplus(["before-v2.db", "before-v2-2.db", "mine.db"], "x.db")


def test_four_of_each_kind_are_kept():
    names = [backups.before("import", NOW + i) for i in range(9)]

    assert backups.surplus([*names, backups.before("forget", NOW)], names[-1]) == set(names[:5])
    assert names[0] not in backups.surplus(names, names[0])


@pytest.mark.parametrize("damage", [page, row, header])
def test_a_backup_of_a_damaged_file_is_not_made(filled, damage):
    damage(filled)

    with pytest.raises(DamagedError) as refused:
        backups.make(filled, "mine.db")

    assert str(filled) in str(refused.value)
    assert backup_names(filled) == []


def test_a_backup_that_cannot_be_written_stops_the_step(filled):
    backup_folder(filled).write_text("in the way")

    with Store(filled) as store:
        with pytest.raises(StoreError, match=r"cannot write the backup to .*progress\.db-backups"):
            store.forget("question-1")
        assert len(store.log()) == 200


def test_the_copy_is_verified_before_it_has_its_name(filled, monkeypatch):
    """A disk that writes something else than it was told."""
    honest = backups.transfer

    def broken(source, target):
        honest(source, target)
        target.execute("UPDATE review SET grade = 4 WHERE id = 5")
        target.commit()

    monkeypatch.setattr(backups, "transfer", broken)
    with pytest.raises(DamagedError):
        backups.make(filled, "mine.db")
    assert backup_names(filled) == []


def test_a_backup_waits_for_a_writer_but_not_for_ever(filled, monkeypatch):
    monkeypatch.setattr(backups, "PATIENCE", 0.2)
    blocker = sqlite3.connect(filled, isolation_level=None)
    source, target = (sqlite3.connect(where, timeout=0) for where in (filled, ":memory:"))
    blocker.execute("BEGIN EXCLUSIVE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        backups.transfer(source, target)
    blocker.execute("ROLLBACK")
    backups.transfer(source, target)
    assert target.execute("SELECT count(*) FROM review").fetchone() == (200,)
    for db in (blocker, source, target):
        db.close()


def test_what_a_killed_backup_left_is_cleared_away_when_it_is_nobodys(filled):
    backup_folder(filled).mkdir()
    for name, age in (("old", backups.STALE + 9), ("young", 0)):
        (half := backup_folder(filled) / f".{name}.db.1.tmp").touch()
        os.utime(half, (time.time() - age,) * 2)
    backups.make(filled, "mine.db")

    assert backup_names(filled) == [".young.db.1.tmp", "mine.db"]


def test_two_files_in_one_folder_do_not_share_their_backups(tmp_path):
    assert backup_folder(tmp_path / "a.db") != backup_folder(tmp_path / "b.db")
