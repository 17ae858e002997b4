"""Copies of the file: one a day, and one before every step that could go wrong. Each is verified when it is made."""

import contextlib
import os
import re
import sqlite3
import time
from datetime import UTC, date, datetime
from pathlib import Path

from dlquiz.failures import StoreError
from dlquiz.store.file import PATIENCE, backup_folder, check, connect, errors
from dlquiz.store.format import read_answers, read_flags, version_of
from dlquiz.text import plain

DAILY, WEEKLY, PER_KIND = 7, 4, 4
STALE = 3600  # seconds after which a half-made copy is nobody's


def kept(path: Path) -> list[Path]:
    """The backups of this file, newest first."""
    return sorted(backup_folder(path).glob("*.db"), key=lambda one: (one.stat().st_mtime_ns, one.name), reverse=True)


def of_the_day(now_us: int) -> str:
    """The name of a day's backup."""
    return f"{datetime.fromtimestamp(now_us / 10**6, UTC):%Y-%m-%d}.db"


def before(step: str, now_us: int) -> str:
    """The name of the backup made before a step."""
    return f"before-{step}-{datetime.fromtimestamp(now_us / 10**6, UTC):%Y-%m-%dT%H%M%S-%f}.db"


def unused(path: Path, stem: str) -> str:
    """A name that no backup has yet, for one that is never let go."""
    names = (f"{stem}{end}.db" for end in ("", *(f"-{n}" for n in range(2, 10**6))))
    return next(name for name in names if not (backup_folder(path) / name).exists())


def make(path: Path, name: str) -> Path:
    """Copy the file as it stands into its folder of backups; old ones are let go only when the new one is sound."""
    folder = backup_folder(path)
    with errors(folder, "write the backup to"):
        folder.mkdir(mode=0o700, exist_ok=True)
        copy(path, folder / name)
        prune(folder, name)
    return folder / name


def copy(source: Path, target: Path) -> None:
    """Make `target` a verified copy of the database `source`: whole, or not there at all."""
    half = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with errors(source, "read"):
            db = connect(source, "rw")
        with contextlib.closing(db), contextlib.closing(sqlite3.connect(half)) as new:
            transfer(db, new)
        verify(half, source)
        settle(half, target)
    finally:
        half.unlink(missing_ok=True)


def transfer(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """SQLite's own backup, of one moment, in one transaction of the target; it waits for a writer, not for ever."""
    limit = time.monotonic() + PATIENCE

    def waited(status: int, *_: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > limit:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, progress=waited, sleep=0.05)


def verify(copied: Path, source: Path | None = None) -> int:
    """The number of answers in a backup, after reading all of it; damage is said of the file it was copied from."""
    with errors(source or copied, "read"), contextlib.closing(connect(copied, "ro")) as db:
        check(db, "integrity_check")
        if not (version := version_of(db)):
            raise sqlite3.DatabaseError("it has no tables")
        list(read_flags(db, version))
        return sum(1 for _ in read_answers(db, version))


def settle(half: Path, target: Path) -> None:
    """Onto the disk, then under its name, then the name onto the disk."""
    with half.open("rb+") as file:
        os.fsync(file.fileno())
    half.replace(target)
    with contextlib.suppress(OSError):  # Windows cannot sync a folder
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def prune(folder: Path, made: str) -> None:
    """Let go what is beyond 7 days and 4 weeks, or beyond 4 of a kind; never the one just made."""
    names = [one.name for one in folder.glob("*.db")]
    for name in surplus(names, made):
        (folder / name).unlink(missing_ok=True)
    for half in folder.glob(".*.tmp*"):
        if time.time() - half.stat().st_mtime > STALE:
            half.unlink(missing_ok=True)


def surplus(names: list[str], made: str) -> set[str]:
    """Which of these backups to let go. One dated after today, by a clock that was wrong, pushes no other out."""
    days = {name: date.fromisoformat(name[:-3]) for name in names if re.fullmatch(r"\d{4}-\d\d-\d\d\.db", name)}
    today = days.get(made, date.max)
    gone = _beyond([name for name in days if days[name] <= today], days)
    gone |= _beyond([name for name in days if days[name] > today], days)
    kinds = [match for name in names if (match := re.fullmatch(r"(before-[a-z]+)-\d{4}-.*", name))]
    for kind in {match[1] for match in kinds}:
        gone |= set(sorted(match[0] for match in kinds if match[1] == kind)[:-PER_KIND])
    return gone - {made}


def _beyond(names: list[str], days: dict[str, date]) -> set[str]:
    newest = sorted(names, key=days.__getitem__, reverse=True)
    weeks: dict[tuple[int, int], str] = {}
    for name in newest[DAILY:]:  # the first day of each week is written last, and stays
        weeks[days[name].isocalendar()[:2]] = name
    return set(newest[DAILY:]) - set(list(weeks.values())[:WEEKLY])


def choose(path: Path, name: str | None) -> Path | None:
    """The backup called `name` (or the file of that name), else the newest that is sound."""
    backups = kept(path)
    if name is None:
        return next((one for one in backups if sound(one)), None)
    given = next((one for one in backups if name in (one.name, one.stem)), Path(name).expanduser())
    if not given.is_file():
        raise StoreError(f"no backup {plain(name)} in {backup_folder(path)}; dlquiz progress restore --list names them")
    verify(given)
    return given


def sound(backup: Path) -> bool:
    """Whether a backup can be read to its end."""
    try:
        verify(backup)
    except StoreError:
        return False
    return True
