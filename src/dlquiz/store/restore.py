"""Going back to a backup. A sound file is backed up first, a damaged one kept, and what it still says is taken over."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dlquiz.failures import StoreError
from dlquiz.store import backups
from dlquiz.store.file import DamagedError, backup_folder, connect, errors
from dlquiz.store.format import READ_ANSWERS, READ_FLAGS
from dlquiz.store.opened import now_us
from dlquiz.store.progress import Store
from dlquiz.store.rows import CRCS, Answer, Flag, tidy


class Restored(NamedTuple):
    """Which backup was taken, how many answers there are now, how many of them the damaged file still had."""

    backup: Path | None
    answers: int
    rescued: int
    damaged: Path | None


def restore(path: Path, name: str | None = None, clock: Callable[[], int] = now_us) -> Restored:
    """Put the backup `name`, or the newest sound one, in the place of the file; nothing is thrown away."""
    backup = backups.choose(path, name)
    if is_damaged(path):
        return _replace(path, backup, clock)
    if backup is None:
        raise StoreError(f"there is no sound backup in {backup_folder(path)}; {path} stays as it is")
    return _go_back(path, backup, clock)


def is_damaged(path: Path) -> bool:
    """Whether the file cannot be trusted; one that is another program's, newer or busy raises."""
    try:
        with Store(path, create=False) as store:
            store.log()
            store.flags()
    except DamagedError:
        return True
    return False


def _go_back(path: Path, backup: Path, clock: Callable[[], int]) -> Restored:
    """Copy the backup into the file in one transaction: who has it open sees the old content or the new."""
    with errors(path, "restore"):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size:
            backups.make(path, backups.before("restore", clock()))
        target = sqlite3.connect(path, isolation_level=None)
        with contextlib.closing(target), contextlib.closing(connect(backup, "ro")) as source:
            target.execute("PRAGMA synchronous = EXTRA")
            backups.transfer(source, target)
    return Restored(backup, backups.verify(path), 0, None)


def _replace(path: Path, backup: Path | None, clock: Callable[[], int]) -> Restored:
    """Build a new file beside the damaged one, keep that one among the backups, then change places at once."""
    place = path.resolve()  # where the name is a link, it stays one
    new, inode = place.with_name(f".{place.name}.{os.getpid()}.restored"), place.stat().st_ino
    with errors(path, "restore"), contextlib.closing(sqlite3.connect(path, isolation_level=None)) as old:
        try:
            if place.stat().st_size:  # where there is nothing, a lock would only leave a journal
                _lock(old)
            rescued, answers = _build(new, backup, old)
            if not answers:
                raise StoreError(f"{path} has no backup and no readable answer; move it away and start anew")
            if place.stat().st_ino != inode:
                raise StoreError(f"{path} was restored by another dlquiz meanwhile; nothing was changed")
            damaged = backup_folder(path) / backups.before("restore", clock()).replace(".db", ".damaged")
            _keep(place, damaged)
            backups.settle(new, place)
        finally:
            new.unlink(missing_ok=True)
    return Restored(backup, answers, rescued, damaged)


def _build(new: Path, backup: Path | None, old: sqlite3.Connection) -> tuple[int, int]:
    """The backup, and what the old file still says: how many answers that is, and how many there are then."""
    if backup:
        backups.copy(backup, new)
    with Store(new) as store:
        # Reading uses the old journal up, also that of an emptied file: it must never be applied to the new one.
        rescued = store.merge(*_readable(old), back_up=False).answers
        return rescued, len(store.log())


def _lock(old: sqlite3.Connection) -> None:
    """Nobody writes to the damaged file any more; who had it open finds another in its place."""
    try:
        old.execute("BEGIN IMMEDIATE")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise


def _keep(place: Path, damaged: Path) -> None:
    """A second name for the damaged file."""
    damaged.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        damaged.hardlink_to(place)
    except OSError:  # not every file system has links
        shutil.copy2(place, damaged)


def _readable(old: sqlite3.Connection) -> tuple[list[Answer], list[Flag]]:
    """The rows of a damaged file whose checksums are right."""
    old.text_factory = lambda text: text.decode(errors="replace")
    answers = [Answer(*fields) for fields in _rows(old, READ_ANSWERS)]
    flags = [Flag(*fields) for fields in _rows(old, READ_FLAGS)]
    return [answer._replace(answer=tidy(answer.answer)) for answer in answers], flags


def _rows(old: sqlite3.Connection, query: str) -> list[tuple]:
    """From the first on and from the last back, each as far as the damage lets it."""
    found: dict[int, tuple] = {}
    for direction in ("", " DESC"):
        with contextlib.suppress(sqlite3.Error):
            for id_, crc, *fields in old.execute(query + direction):
                if any(sum_(fields) == crc for sum_ in CRCS.values()):
                    found[id_] = tuple(fields)
    return [found[id_] for id_ in sorted(found)]
