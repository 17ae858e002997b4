"""From format 1 to format 2: with a backup, all or nothing, once."""

import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from dlquiz.store import VERSION, DamagedError, Flag, Store, backups
from dlquiz.store.file import backup_folder
from dlquiz.store.format import INSERT_ANSWER, PUT_CARD
from dlquiz.store.restore import restore
from dlquiz.store.rows import crc_1

from .helpers import DAY, NOW, answer, backup_names, python, raw

FORMAT_1 = (
    """CREATE TABLE review(id INTEGER PRIMARY KEY, question TEXT NOT NULL, at_us INTEGER NOT NULL,
    grade INTEGER NOT NULL CHECK(grade BETWEEN 1 AND 4), correct INTEGER NOT NULL CHECK(correct IN (0, 1)),
    answer TEXT NOT NULL, seed INTEGER NOT NULL, hints INTEGER NOT NULL, took_ms INTEGER NOT NULL,
    key_sha TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0, crc INTEGER NOT NULL) STRICT""",
    "CREATE INDEX review_question ON review(question, id)",
    """CREATE TABLE card(question TEXT PRIMARY KEY, due_us INTEGER NOT NULL, fsrs TEXT NOT NULL,
    flagged INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID""",
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "PRAGMA application_id = 1684828538",
    "PRAGMA user_version = 1",
)


@pytest.fixture(scope="session")
def format_1(history, tmp_path_factory):
    """The history of 200 answers as the first dlquiz wrote it, one card flagged, one answer with an escape in it."""
    path = tmp_path_factory.mktemp("format_1") / "progress.db"
    raw(path, *FORMAT_1)
    with Store(history, create=False) as store, sqlite3.connect(path) as db:
        log = store.log()
        log[9] = log[9]._replace(answer="\x1b[2J")
        db.executemany(INSERT_ANSWER, [(*one, crc_1(one)) for one in log])
        db.executemany(PUT_CARD, [(question, *state) for question, state in store.cards().items()])
        db.execute("UPDATE card SET flagged = 1 WHERE question = 'question-4'")
    db.close()
    return path


@pytest.fixture
def old(format_1, path):
    shutil.copy(format_1, path)
    return path


def test_an_old_file_is_read_as_it_is(old):
    before = old.read_bytes()
    with Store(old, create=False) as store:
        assert len(store.log()) == 200
        assert store.cards() == store.replayed()
        assert store.flagged() == {}

    assert old.read_bytes() == before
    assert backup_names(old) == []


def test_the_first_write_brings_it_to_this_format_after_a_backup(old):
    with Store(old, create=False) as store:
        log = store.log()
    with Store(old) as store:
        assert store.log() == [one._replace(answer=one.answer.replace("\x1b", "\\x1b")) for one in log]
        assert store.cards() == store.replayed()
        last = max(one.at_us for one in log if one.question == "question-4")
        assert store.flagged() == {"question-4": Flag("question-4", last, "")}
        store.record(answer(at=NOW + 999 * DAY))

    assert backup_names(old)[-1] == f"before-v{VERSION}.db"
    assert raw(backup_folder(old) / "before-v2.db", "PRAGMA user_version") == [(1,)]
    assert backups.verify(backup_folder(old) / "before-v2.db") == 200


def test_a_migrated_file_has_the_tables_of_a_new_one(old, tmp_path):
    for path in (old, tmp_path / "new.db"):
        Store(path).__exit__()
    for table in ("review", "flag", "card", "meta"):
        columns = [raw(path, f"PRAGMA table_xinfo({table})") for path in (old, tmp_path / "new.db")]
        assert columns[0] == columns[1] != []


def test_an_earlier_backup_is_not_written_over(old, format_1):
    Store(old).__exit__()
    before = (backup_folder(old) / "before-v2.db").read_bytes()
    shutil.copy(format_1, old)
    Store(old).__exit__()

    assert backup_names(old) == ["before-v2-2.db", "before-v2.db"]
    assert (backup_folder(old) / "before-v2.db").read_bytes() == before


def test_the_old_file_can_be_gone_back_to_and_migrated_again(old):
    with Store(old) as store:
        store.record(answer(at=NOW + 999 * DAY))
    assert restore(old, "before-v2").answers == 200

    with Store(old, create=False) as store:
        assert (len(store.log()), store.version) == (200, 1)
    with Store(old) as store:
        store.record(answer(at=NOW + 999 * DAY))
        assert len(store.log()) == 201
        assert store.cards() == store.replayed()


def test_a_damaged_row_is_not_given_a_new_checksum(old):
    raw(old, "UPDATE review SET grade = 4 WHERE id = 77")
    before = old.read_bytes()

    with pytest.raises(DamagedError, match="answer 77 fails its checksum"):
        Store(old)
    assert old.read_bytes() == before
    assert backup_names(old) == []


# Kills itself at the n-th statement of the migration; so small a cache that pages reach the file before the commit.
SUICIDE = """
import os, signal, sqlite3, sys
from pathlib import Path
from dlquiz.store import Store, opened
upgrade, left = opened.upgrade, int(sys.argv[2])
def count(statement):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
def dying(db, version):
    db.execute("PRAGMA cache_size = 1")
    db.set_trace_callback(count)
    upgrade(db, version)
opened.upgrade = dying
Store(Path(sys.argv[1])).__exit__()
"""


@pytest.mark.parametrize("moment", [0, 1, 2, 50, 200, 201, 202, 203, 204, 205])
def test_a_migration_killed_in_the_middle_leaves_the_old_file_or_the_new(old, moment):
    with Store(old, create=False) as store:
        cards = store.cards()
    process = python(SUICIDE, old, moment)
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    with Store(old, create=False) as store:
        assert (len(store.log()), store.version) == (200, 1)
    assert backup_names(old) == ["before-v2.db"]
    with Store(old) as store:
        assert store.cards() == store.replayed() == cards
        assert len(store.log()) == 200
    assert raw(old, "PRAGMA integrity_check") == [("ok",)]


def test_a_hot_journal_was_among_them(old):
    """Else the kills above would prove little: pages of the new format were in the file when its writer died."""
    before = old.read_bytes()
    python(SUICIDE, old, 205, stderr=subprocess.DEVNULL).communicate()

    assert old.with_name("progress.db-journal").exists()
    assert old.read_bytes() != before


OPENER = """
import sys, time
from pathlib import Path
from dlquiz.store import Store
import dlquiz.schedule, fsrs
print("ready", flush=True)
time.sleep(max(0, float(sys.stdin.readline()) - time.time()))
with Store(Path(sys.argv[1])) as store:
    print(len(store.log()), store.version)
"""


def test_four_at_once_migrate_once(old):
    crowd = [python(OPENER, old, stdin=subprocess.PIPE, text=True) for _ in range(4)]
    for process in crowd:
        assert process.stdout.readline() == "ready\n"
    start = f"{time.time() + 0.2}\n"

    assert [process.communicate(start, timeout=60) for process in crowd] == [("200 2\n", "")] * 4
    assert backup_names(old) == ["before-v2.db"]
