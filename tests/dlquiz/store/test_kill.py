"""Kills and crowds: what was acknowledged is kept.

DLQUIZ_KILLS=200 and DLQUIZ_WRITES=150 run the long versions: 200 kills at random moments, four writers of 150 answers.
"""

import os
import random
import signal
import sqlite3
import subprocess
import time

import pytest

from dlquiz.failures import StoreError
from dlquiz.store import Store

from .helpers import DAY, NOW, answer, python, raw, writer

KILLS, WRITES = int(os.environ.get("DLQUIZ_KILLS", "6")), int(os.environ.get("DLQUIZ_WRITES", "25"))


def test_kill_9_loses_no_answer_that_was_acknowledged(path):
    moments = random.Random(1)  # the same moments every time
    acknowledged = []
    for round_ in range(KILLS):
        process = writer(path, f"run{round_}", 10**6)
        seen = process.stdout.readline()
        time.sleep(moments.uniform(0, 0.25))
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [line for line in (seen + process.stdout.read()).decode().split("\n")[:-1] if line]
        process.communicate()

        with Store(path, create=False) as store:
            kept = {one.answer for one in store.log()}
            assert not set(acknowledged) - kept
            assert len(kept) - len(acknowledged) <= round_ + 1  # written, and killed before it could say so
            assert store.cards() == store.replayed()
    assert raw(path, "PRAGMA integrity_check") == [("ok",)]
    assert len(acknowledged) >= 2 * KILLS
    print(f"{KILLS} kills, {len(acknowledged)} answers acknowledged, 0 lost")


def test_four_writers_at_once_lose_nothing(path):
    """The file does not exist yet: they create it together."""
    crowd = [writer(path, f"writer{n}", WRITES) for n in range(4)]
    said = [process.communicate(timeout=600) for process in crowd]

    assert [errors for _, errors in said] == [b""] * 4
    with Store(path, create=False) as store:
        assert len({one.answer for one in store.log()}) == 4 * WRITES
        assert store.cards() == store.replayed()


CREATOR = """
import sys, time
from pathlib import Path
from dlquiz.store import Store
print("ready", flush=True)
time.sleep(max(0, float(sys.stdin.readline()) - time.time()))
Store(Path(sys.argv[1])).__exit__()
"""


def test_a_file_may_be_created_by_many_at_once(path):
    crowd = [python(CREATOR, path, stdin=subprocess.PIPE, text=True) for _ in range(6)]
    for process in crowd:
        assert process.stdout.readline() == "ready\n"
    start = f"{time.time() + 0.2}\n"

    assert [process.communicate(start, timeout=60)[1] for process in crowd] == [""] * 6
    with Store(path, create=False) as store:
        assert store.log() == []


WRITING = {
    "record": lambda store: store.record(answer("question-1", NOW + 999 * DAY)),
    "undo": lambda store: store.undo(),
    "flag": lambda store: store.flag("question-1"),
    "forget": lambda store: store.forget("question-1"),
    "merge": lambda store: store.merge([answer("new")], []),
    "rebuild": lambda store: store.rebuild(),
}


@pytest.mark.parametrize("name", WRITING)
def test_nobody_else_writes_between_the_first_read_and_the_last_write(filled, name):
    """Else two programs could each work out a card from the same old state, and one answer would not count."""
    could = []

    def probe(statement):
        if not statement.startswith(("BEGIN", "COMMIT", "PRAGMA")):
            other = sqlite3.connect(filled, timeout=0, isolation_level=None)
            try:
                other.execute("BEGIN IMMEDIATE")
                could.append(statement)
            except sqlite3.OperationalError:
                could.append("")
            finally:
                other.close()

    with Store(filled) as store:
        store.db.set_trace_callback(probe)
        WRITING[name](store)
        store.db.set_trace_callback(None)

    assert set(could) == {""}


def test_a_second_writer_waits_and_a_stuck_one_is_named(filled):
    with Store(filled) as store:
        blocker = sqlite3.connect(filled, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        store.db.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(StoreError, match="in use by another dlquiz"):
            store.record(answer(at=NOW + 999 * DAY))
        blocker.execute("ROLLBACK")
        blocker.close()
        store.record(answer(at=NOW + 999 * DAY))
