"""A file that cannot be used is one line with the path and the next step, and no byte of it changes."""

import os
import random
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from dlquiz.failures import StoreError
from dlquiz.store import DamagedError, Store, backups
from dlquiz.store.opened import now_us

from .helpers import DAMAGED, DAY, NOW, REFUSED, answer, fork, python, raw, tree

NOBODY = 65534
SAYS = {**{name: (damage, "is damaged") for name, damage in DAMAGED.items()}, **REFUSED}


def used(path, *, create):
    """Open the file and read all of it, as every verb does."""
    with Store(path, create=create) as store:
        return store.log(), store.flags()


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("name", SAYS)
def test_a_file_that_cannot_be_used_is_one_line_and_left_alone(backed_up, name, create):
    damage, said = SAYS[name]
    damage(backed_up)
    before = tree(backed_up.parent)

    with pytest.raises(StoreError) as refused:
        used(backed_up, create=create)

    message = str(refused.value)
    assert said in message
    assert str(backed_up) in message
    assert "DLQUIZ_DB" in message or "upgrade dlquiz" in message
    assert "\n" not in message
    assert tree(backed_up.parent) == before
    assert isinstance(refused.value, DamagedError) == (name in DAMAGED)
    assert ("dlquiz progress restore" in message) == (name in DAMAGED)


def test_a_write_to_a_file_with_a_wrong_row_is_refused_before_a_backup_of_it_is_made(backed_up):
    DAMAGED["a row changed"](backed_up)
    before = tree(backed_up.parent)

    said = pytest.raises(DamagedError, match=r"answer 77 fails its checksum")
    with Store(backed_up, clock=lambda: NOW + 500 * DAY) as store, said:
        store.record(answer(at=NOW + 500 * DAY))

    assert tree(backed_up.parent) == before


def log_or_error(path):
    try:
        return used(path, create=False)
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

    assert noticed > 60


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


def as_nobody(act):
    """What `act` says in a process that may not write everywhere, as root may."""
    read, write = os.pipe()
    if (child := fork()) == 0:
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        try:
            said = str(act())
        except StoreError as error:
            said = str(error)
        os.write(write, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        return pipe.read()


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_a_read_only_file_or_folder_is_read_and_not_written(history, closed):
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "progress.db"
        shutil.copy(history, path)
        before = path.read_bytes()
        path.chmod(0o444 if closed == "file" else 0o666)
        folder.chmod(0o555 if closed == "folder" else 0o777)
        try:
            read = as_nobody(lambda: len(used(path, create=False)[0]))
            refused = as_nobody(lambda: Store(path).record(answer(at=NOW + 999 * DAY)))
            new = as_nobody(lambda: Store(folder / "new.db").record(answer()))
        finally:
            folder.chmod(0o700)

        assert read == "200"
        assert re.search(rf"cannot (open|save the answer to) {path} .*DLQUIZ_DB", refused)
        assert ("State" in new) if closed == "file" else (f"cannot open {folder / 'new.db'}" in new)
        assert path.read_bytes() == before
        made = {one.name for one in folder.iterdir()}
        assert made == ({"progress.db", "new.db"} if closed == "file" else {"progress.db"})


FULL = """
import os, resource, sys
from pathlib import Path
from dlquiz.failures import StoreError
from dlquiz.store import Answer, Store
path = Path(sys.argv[1])
with Store(path) as store:
    size = path.stat().st_size + 3 * 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # no file may grow beyond: as if the disk were full
    try:
        for i in range(1000):
            store.record(Answer("one", 10**15 + i, 3, True, "x" * 200, i, 0, 5, "key"))
            os.write(1, f"{i}\\n".encode())
    except StoreError as error:
        print(error, file=sys.stderr)
"""


def test_a_full_disk_is_one_line_and_what_was_acknowledged_is_kept(filled):
    backups.make(filled, backups.of_the_day(now_us()))
    out, errors = python(FULL, filled).communicate()

    said = errors.decode()
    assert re.search(rf"cannot save the answer to {filled} \((disk I/O error|.*full)\); set DLQUIZ_DB", said)
    assert said.count("\n") == 1
    log, _ = used(filled, create=False)
    assert 3 < len(out.split()) == len(log) - 200 < 1000
    assert raw(filled, "PRAGMA integrity_check") == [("ok",)]


def test_a_file_that_was_replaced_while_it_was_open_is_not_written(filled):
    """By a program that synchronises folders, say: the answer would go to a file that has no name any more."""
    with Store(filled) as store:
        shutil.copy(filled, other := filled.with_name("other.db"))
        other.replace(filled)
        with pytest.raises(StoreError, match=r"was moved or replaced while it was open; nothing was written"):
            store.record(answer(at=NOW + 999 * DAY))
        filled.unlink()
        with pytest.raises(StoreError, match="was moved or replaced"):
            store.undo()


def test_a_copy_goes_on_where_the_original_stood(filled, tmp_path):
    shutil.copy(filled, copy := tmp_path / "copy.db")

    with Store(copy) as store:
        store.record(answer(at=NOW + 999 * DAY))
        assert len(store.log()) == 201
    assert raw(copy, "PRAGMA integrity_check") == [("ok",)]
