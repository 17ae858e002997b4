"""Answers to keep, programs that write them, and ways to damage a file."""

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import warnings

from dlquiz.store import Answer
from dlquiz.store.file import backup_folder

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


def python(code, *arguments, **options):
    """A process of its own that runs `code`."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], **pipes)


def writer(path, name, count):
    return python(WRITER, path, name, count)


def fork():
    """Fork without Python's warning about threads: the child only writes to a file of its own, or dies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def raw(path, *statements):
    """Do something to the file that dlquiz never does."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        return [db.execute(statement).fetchall() for statement in statements][-1]


def backup_names(path):
    return sorted(one.name for one in backup_folder(path).glob("*"))


def tree(folder):
    """Every file below a folder with its bytes, but for what was only computed and kept."""
    files = (one for one in folder.rglob("*") if one.is_file())
    return {one.relative_to(folder): one.read_bytes() for one in files if folder / "cache" not in one.parents}


# -- ways to damage a file


def noise(path):
    path.write_bytes(random.Random(1).randbytes(8192))


def text(path):
    path.write_text("my notes\n" * 100)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def page(path):
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 3] = random.Random(3).randbytes(4096)
    path.write_bytes(data)


def header(path):
    path.write_bytes(bytes(100) + path.read_bytes()[100:])


def row(path):
    raw(path, "UPDATE review SET grade = 4 WHERE id = 77")


def empty(path):
    path.write_bytes(b"")


def foreign(path):
    path.unlink()
    raw(path, "CREATE TABLE recipes(name)")


def foreign_with_id(path):
    foreign(path)
    raw(path, "PRAGMA application_id = 77")


def newer(path):
    raw(path, "PRAGMA user_version = 99")


def folder(path):
    path.unlink()
    path.mkdir()


# How, and whether it is seen when the file is opened; a wrong row is seen when the log is read.
DAMAGED = {
    "random bytes": noise,
    "text": text,
    "cut in half": cut,
    "a page overwritten": page,
    "no header": header,
    "a row changed": row,
    "no bytes": empty,
}
REFUSED = {
    "another program's": (foreign, "is a database of another program"),
    "another program's, with its mark": (foreign_with_id, "is a database of another program"),
    "a newer format": (newer, "newer dlquiz (format 99, this one reads 2); upgrade dlquiz"),
    "a folder": (folder, "cannot open"),
}
