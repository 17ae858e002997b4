"""An open file: created, migrated, backed up and written to in transactions. What it holds is said elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Connection, sqlite_version, sqlite_version_info
from typing import Self

from dlquiz.failures import StoreError
from dlquiz.store import VERSION, backups
from dlquiz.store.file import connect, errors, refuse_read_only, transaction
from dlquiz.store.format import upgrade, version_of
from dlquiz.store.rows import LATEST_US


def now_us() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


class Opened:
    """An open progress file. With `create=False` it is only read, and one that does not exist is an empty history."""

    def __init__(self, path: Path, *, create: bool = True, clock: Callable[[], int] = now_us) -> None:
        self.path, self.clock = path, clock
        self.db: Connection | None = None
        if not create and not path.exists():
            return
        if sqlite_version_info < (3, 37):
            raise StoreError(f"progress needs SQLite 3.37 or newer, this Python has {sqlite_version}")
        with errors(path, "open"):
            if create:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                refuse_read_only(path)
            self.db = connect(path, "rwc" if create else "rw")
            try:
                self.version = self._prepare(self.db) if create else version_of(self.db)
                self.inode = path.stat().st_ino
            except BaseException:
                self.db.close()
                raise
        if not self.version:  # created by another process, which has not got further yet
            self.db.close()
            self.db = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.db is not None:
            self.db.close()

    def _prepare(self, db: Connection) -> int:
        """Make ready to write: a durable journal, and today's format."""
        # One file and no shared memory: it works on a network home, and EXTRA survives a power cut.
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA synchronous = EXTRA")
        with transaction(db):
            version = version_of(db)  # inside the lock: another process may have created or migrated it meanwhile
            if 0 < version < VERSION:
                backups.make(self.path, backups.unused(self.path, f"before-v{VERSION}"))
            if version < VERSION:
                upgrade(db, version)
        return VERSION

    @contextlib.contextmanager
    def _writing(self, doing: str, before: str | None = None) -> Iterator[Connection]:
        """One transaction; a backup comes first on a new day, and `before` a step that could go wrong ("": none)."""
        assert self.db is not None  # noqa: S101  # for the type checker: a store opened to write has a file
        with errors(self.path, doing), transaction(self.db):
            if not self._in_place():
                raise StoreError(
                    f"{self.path} was moved or replaced while it was open; nothing was written. Start again"
                )
            if before != "" and self.db.execute("SELECT 1 FROM review UNION ALL SELECT 1 FROM flag LIMIT 1").fetchone():
                self._back_up(before)
            yield self.db

    def _in_place(self) -> bool:
        """Whether the open file is still the one that has the name; what goes to another would be lost."""
        return self.path.exists() and self.path.stat().st_ino == self.inode

    def _back_up(self, before: str | None) -> None:
        now = self._refuse_clock(self.clock())
        day = backups.of_the_day(now)
        if not (backups.backup_folder(self.path) / day).exists():
            backups.make(self.path, day)
        if before:
            backups.make(self.path, backups.before(before, now))

    def _refuse_clock(self, at_us: int) -> int:
        if not 0 <= at_us <= LATEST_US:
            raise StoreError(f"the clock of this machine is far off, so {self.path} was not written; set the clock")
        return at_us
