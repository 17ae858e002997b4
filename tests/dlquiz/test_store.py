import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlquiz.failures import StoreError
from dlquiz.store import APPLICATION, VERSION, Answer, Store, default_path

NOW = 1_760_000_000 * 10**6
DAY = 86_400 * 10**6

# Answers until it is killed; what it prints is on the disk by then.
WRITER = """
import os, sys
from pathlib import Path
from dlquiz.store import Answer, Store
name, count = sys.argv[2], int(sys.argv[3])
with Store(Path(sys.argv[1])) as store:
    for i in range(count):
        store.record(Answer(f"question-{i % 7}", 10**15 + i, 1 + i % 4, bool(i % 4), f"{name}:{i}", i, 0, 5, "key"))
        os.write(1, f"{name}:{i}\\n".encode())
"""


def answer(question="one", at=NOW, grade=3, **fields):
    return Answer(question, at, grade, grade > 1, fields.pop("text", "typed"), 7, 0, 1500, "key", **fields)


def writer(path, name, count):
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress.db"


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    """A file of 200 answers, made once: every one of them is synced to the disk."""
    path = tmp_path_factory.mktemp("history") / "progress.db"
    with Store(path) as store:
        for i in range(200):
            store.record(answer(f"question-{i % 9}", NOW + i * DAY, 1 + i % 3, text="x" * 50))
    return path


@pytest.fixture
def filled(history, path):
    shutil.copy(history, path)
    return path


def test_an_answer_is_kept_with_its_date(path):
    with Store(path) as store:
        state = store.record(answer())

    with Store(path, create=False) as store:
        assert store.due() == {"one": state.due_us}
        assert store.log() == [answer()]
        assert state.due_us > NOW


def test_a_file_that_does_not_exist_is_an_empty_history_and_stays_away(path):
    with Store(path, create=False) as store:
        assert (store.due(), store.log(), store.cards()) == ({}, [], {})

    assert not path.exists()


def test_the_file_says_whose_it_is(path):
    with Store(path):
        pass

    db = sqlite3.connect(path)
    assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
    assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    db.close()


def test_every_answer_is_synced_to_the_disk(path):
    """EXTRA: the directory entry of the journal is synced too, so a power cut loses nothing that was acknowledged."""
    with Store(path) as store:
        assert store.db.execute("PRAGMA synchronous").fetchone()[0] == 3


def test_a_clock_set_back_does_not_make_history_run_backwards(path):
    with Store(path) as store:
        store.record(answer(at=NOW))
        store.record(answer(at=NOW - 400 * DAY))
        first, second = store.log()

        assert second.at_us == first.at_us + 1
        assert store.cards() == store.replayed()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4), st.integers(-DAY, 30 * DAY)), max_size=15))
def test_the_cache_is_what_the_log_replays_to(tmp_path, history):
    path = tmp_path / "any.db"
    path.unlink(missing_ok=True)
    now = NOW
    with Store(path) as store:
        for question, grade, wait in history:
            now += wait
            store.record(answer(question, now, grade))
        cached = store.cards()

        assert cached == store.replayed()
        store.db.execute("DELETE FROM card WHERE question = 'a'")
        store.db.execute("UPDATE card SET due_us = 1")
        store.db.execute("INSERT INTO card VALUES('ghost', 1, '{}', 0)")
        store.rebuild()
        assert store.cards() == cached


def test_an_undone_answer_is_as_if_it_had_not_been_given(path):
    with Store(path) as store:
        before = store.record(answer(at=NOW))
        wrong = answer(at=NOW + DAY, grade=1)
        store.record(wrong)
        undone = wrong._replace(undone=True)
        store.db.execute("UPDATE review SET undone = 1, crc = ? WHERE id = 2", (undone.crc,))
        store.rebuild()

        assert store.cards() == {"one": before}
        assert len(store.log()) == 2


# -- kills and crowds


def test_kill_9_loses_no_answer_that_was_acknowledged(path):
    moments = random.Random(1)  # the same moments every time
    acknowledged = []
    for round_ in range(6):
        process = writer(path, f"run{round_}", 10**6)
        seen = process.stdout.readline()
        time.sleep(moments.uniform(0, 0.25))
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [line for line in (seen + process.stdout.read()).decode().split("\n")[:-1] if line]
        process.communicate()

        with Store(path, create=False) as store:
            log = store.log()
            kept = {one.answer for one in log}
            assert not set(acknowledged) - kept
            assert len(kept) - len(acknowledged) <= round_ + 1  # written, and killed before it could say so
            assert store.cards() == store.replayed()
    assert len(acknowledged) >= 12


def test_four_writers_at_once_lose_nothing(path):
    crowd = [writer(path, f"writer{n}", 25) for n in range(4)]
    said = [process.communicate(timeout=120) for process in crowd]

    assert [errors for _, errors in said] == [b""] * 4
    with Store(path, create=False) as store:
        assert len({one.answer for one in store.log()}) == 100
        assert store.cards() == store.replayed()


CREATOR = """
import sys, time
from pathlib import Path
from dlquiz.store import Store
print("ready", flush=True)
time.sleep(max(0, float(sys.stdin.readline()) - time.time()))
Store(Path(sys.argv[1])).__exit__()
"""


def test_a_file_may_be_created_by_many_at_once(tmp_path):
    command = [sys.executable, "-c", CREATOR]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    crowd = [subprocess.Popen([*command, str(tmp_path / "new.db")], **pipes) for _ in range(6)]
    for process in crowd:
        assert process.stdout.readline() == "ready\n"
    start = f"{time.time() + 0.2}\n"

    assert [process.communicate(start, timeout=60)[1] for process in crowd] == [""] * 6
    with Store(tmp_path / "new.db", create=False) as store:
        assert store.log() == []


# -- files that cannot be used


def corrupt_middle(path):
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 3] = random.Random(3).randbytes(4096)  # noise, no secret
    path.write_bytes(data)


def foreign(path):
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE recipes(name)")
    db.commit()
    db.close()


def foreign_with_id(path):
    foreign(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA application_id = 77")
    db.commit()
    db.close()


def newer(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()


def folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = {
    "random bytes": (lambda path: path.write_bytes(random.Random(1).randbytes(8192)), "is damaged"),
    "text": (lambda path: path.write_text("my notes\n" * 100), "is damaged"),
    "cut in half": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "is damaged"),
    "a page overwritten": (corrupt_middle, "is damaged"),
    "another program's": (foreign, "is a database of another program"),
    "another program's, with its mark": (foreign_with_id, "is a database of another program"),
    "a newer format": (newer, "newer dlquiz (format 99, this one reads 1); upgrade dlquiz"),
    "a folder": (folder, "cannot open"),
}


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_file_that_cannot_be_used_is_one_line_and_left_alone(filled, name, create):
    damage, said = DAMAGES[name]
    damage(filled)
    before = filled.read_bytes() if filled.is_file() else b""

    with pytest.raises(StoreError) as refused:
        Store(filled, create=create)

    message = str(refused.value)
    assert said in message
    assert str(filled) in message
    assert "\n" not in message
    assert (filled.read_bytes() if filled.is_file() else b"") == before
    assert [child.name for child in filled.parent.iterdir()] == ["progress.db"]


def log_or_error(path):
    try:
        with Store(path, create=False) as store:
            return store.log()
    except StoreError as error:
        return str(error)


def test_no_flipped_bit_changes_an_answer_unnoticed(filled):
    data, flips = filled.read_bytes(), random.Random(0)  # the same bits every time
    true = log_or_error(filled)
    noticed = 0
    for _ in range(150):
        damaged = bytearray(data)
        damaged[flips.randrange(100, len(data))] ^= 1 << flips.randrange(8)
        filled.write_bytes(damaged)
        found = log_or_error(filled)
        noticed += isinstance(found, str)
        assert found == true or "is damaged" in found

    assert noticed > 75


def test_a_folder_that_is_a_file_names_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match=r"cannot open .*file.*progress\.db.*DLQUIZ_DB"):
        Store(tmp_path / "file" / "progress.db")


def test_a_file_that_became_read_only_says_that_the_answer_is_not_saved(filled):
    with Store(filled) as store:
        store.db.execute("PRAGMA query_only = 1")
        with pytest.raises(StoreError, match=r"cannot save the answer to .*DLQUIZ_DB"):
            store.record(answer(at=NOW + 999 * DAY))
        assert len(store.log()) == 200


def test_a_second_writer_waits_and_a_stuck_one_is_named(filled, monkeypatch):
    blocker = sqlite3.connect(filled, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with Store(filled, create=False) as store:
        store.db.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(StoreError, match="in use by another dlquiz"):
            store.record(answer(at=NOW + 999 * DAY))
    blocker.execute("ROLLBACK")
    blocker.close()


def test_an_empty_file_becomes_a_new_one(path):
    path.write_bytes(b"")

    with Store(path) as store:
        store.record(answer())
        assert len(store.log()) == 1


def test_a_copy_goes_on_where_the_original_stood(filled, tmp_path):
    copy = tmp_path / "copy.db"
    shutil.copy(filled, copy)

    with Store(copy) as store:
        store.record(answer(at=NOW + 999 * DAY))
        assert len(store.log()) == 201


def test_the_place_is_chosen_by_the_environment(monkeypatch):
    monkeypatch.setenv("DLQUIZ_DB", "~/mine.db")
    assert default_path() == Path("~/mine.db").expanduser()
    monkeypatch.delenv("DLQUIZ_DB")
    assert default_path().name == "progress.db"
    assert default_path().parent.name == "dlquiz"
