"""Opening the file: whose it is, whether it is whole, and what to say when it cannot be used."""

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from dlquiz.failures import StoreError
from dlquiz.store import APPLICATION, VERSION, glance
from dlquiz.store.format import version_of

ELSEWHERE = "set DLQUIZ_DB to another file, or review with --no-save"
PATIENCE = 10.0  # seconds to wait for another dlquiz that is writing


class DamagedError(StoreError):
    """The file is ours, or was, and cannot be trusted; `dlquiz progress restore` is the next step."""


def default_path() -> Path:
    """DLQUIZ_DB, else in the data folder of this system's user."""
    return Path(glance.default_path())


def backup_folder(path: Path) -> Path:
    """Where the backups of this file are; two files in one folder do not share theirs."""
    return path.with_name(f"{path.name}-backups")


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open `path` with SQLite's `ro`, `rw` or `rwc`, after looking whether it is ours and whole."""
    refuse_emptied(path)
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        inspect(db, path)
        check(db, "quick_check")
    except BaseException:
        db.close()
        raise
    return db


def refuse_emptied(path: Path) -> None:
    """SQLite takes a file of no bytes for a new one; where there are backups it is one that lost its content."""
    # The backups first: another process that is creating the file makes none before the file has its tables.
    if any(backup_folder(path).glob("*.db")) and path.is_file() and path.stat().st_size == 0:
        raise sqlite3.DatabaseError("it is empty, and it has backups")


def refuse_read_only(path: Path) -> None:
    """SQLite would find out at the first write only; the folder is written too, it holds the journal."""
    for place in (path, path.parent):
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only" if place == path else "its folder is read-only")


def inspect(db: sqlite3.Connection, path: Path) -> None:
    """Refuse the file of another program or of a newer dlquiz before anything is written."""
    db.execute("BEGIN")  # three reads of one moment: another process may be creating the file
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = version_of(db)
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    db.execute("COMMIT")
    if application != APPLICATION and (application or version or tables):
        raise StoreError(f"{path} is a database of another program; {ELSEWHERE}")
    if version > VERSION:
        newer = f"format {version}, this one reads {VERSION}"
        raise StoreError(f"{path} was written by a newer dlquiz ({newer}); upgrade dlquiz")


def check(db: sqlite3.Connection, how: str) -> None:
    """Find a damaged page before anything is read from it; `how` is quick_check or integrity_check."""
    if (found := db.execute(f"PRAGMA {how}(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(found)


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; nobody else writes from the first read to the last write."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def errors(path: Path, doing: str) -> Iterator[None]:
    """What SQLite and the system say, in one line that names the file and the next step."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {doing} {path} ({error.strerror}); {ELSEWHERE}") from None
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged page can surface as undecodable text
        raise _explained(path, " ".join(str(error).replace("*** in database main ***", "").split()), doing) from None


def _explained(path: Path, message: str, doing: str) -> StoreError:
    if "locked" in message or "busy" in message:
        return StoreError(f"{path} is in use by another dlquiz; try again when that one has finished")
    if any(word in message for word in ("readonly", "unable to open", "disk is full", "disk I/O")):
        return StoreError(f"cannot {doing} {path} ({message}); {ELSEWHERE}")
    next_step = "Type dlquiz progress restore, or set DLQUIZ_DB to another file"
    return DamagedError(f"{path} is damaged ({message}); nothing was changed. {next_step}")
