"""What is wrong with the progress file, if anything, and what to type about it."""

import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from dlquiz.failures import StoreError
from dlquiz.store import VERSION, backups
from dlquiz.store.file import backup_folder, check, connect, errors
from dlquiz.store.progress import Store
from dlquiz.words import times

GOOD, NOTE, BAD = "good", "note", "bad"
HOUR = 3600 * 10**6


class Finding(NamedTuple):
    """One thing that was looked at; `bad` is what has to be repaired, `note` what one may want to know."""

    name: str
    status: str
    message: str


def examine(path: Path, now_us: int, known: Iterable[str] | None) -> list[Finding]:
    """Everything there is to say of the file; `known` are the ids that banks have, None where no bank could be read."""
    findings = [_versions(), _place(path)]
    if not path.exists():
        found = backups.kept(path)
        said = "; dlquiz progress restore brings the newest backup back" if found else "; the first answer creates it"
        return [*findings, Finding("file", NOTE, f"there is none yet{said}"), *_backups(path, now_us)]
    try:
        findings.append(_whole(path))
        with Store(path, create=False) as store:
            findings += _contents(store, now_us, known)
    except StoreError as error:
        findings.append(Finding("file", BAD, str(error)))
    return [*findings, *_backups(path, now_us)]


def _versions() -> Finding:
    import importlib.metadata

    names = ("dlref", "click", "fsrs", "msgspec")
    said = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return Finding("versions", GOOD, f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {said}")


def _place(path: Path) -> Finding:
    """Whether an answer could be saved there, and who else could write one."""
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    closed = [one for one in (path, nearest) if one.exists() and not os.access(one, os.W_OK)]
    if closed:
        return Finding("permissions", BAD, f"{closed[0]} is read-only; make it writable, or set DLQUIZ_DB")
    if path.exists() and os.name == "posix" and path.stat().st_mode & 0o022:
        return Finding("permissions", NOTE, f"others can write {path}; chmod go-w keeps it yours")
    return Finding("permissions", GOOD, f"{path} can be written")


def _whole(path: Path) -> Finding:
    with errors(path, "read"), closing(connect(path, "rw")) as db:
        check(db, "integrity_check")
    return Finding("integrity", GOOD, "SQLite finds every page in order")


def _contents(store: Store, now_us: int, known: Iterable[str] | None) -> Iterator[Finding]:
    log, flags = store.log(), store.flags()
    undone = sum(answer.undone for answer in log)
    said = f"{times(len(log), 'answer')} ({undone} undone) and {times(len(flags), 'flag')}"
    version = f", format {store.version}" if store.db else ""
    older = f"; the next answer brings it to {VERSION}, after a backup" if version and store.version < VERSION else ""
    yield Finding("rows", GOOD, f"{said}, every checksum right{version}{older}")
    yield _cache(store)
    yield _future([answer.at_us for answer in log if not answer.undone], now_us)
    if known is not None:
        yield _orphans({row.question for row in (*log, *flags)} - {*known})


def _cache(store: Store) -> Finding:
    cached, true = store.cards(), store.replayed()
    if wrong := sorted(id_ for id_ in cached.keys() | true.keys() if cached.get(id_) != true.get(id_)):
        said = f"{times(len(wrong), 'card')} not as the log has it, {wrong[0]} first; type dlquiz progress rebuild"
        return Finding("cards", BAD, said)
    return Finding("cards", GOOD, f"{times(len(true), 'card')}, each what the log replays to")


def _future(dates: list[int], now_us: int) -> Finding:
    late = [at for at in dates if at > now_us + HOUR]
    if not late:
        return Finding("dates", GOOD, "no answer is dated in the future")
    day = f"{datetime.fromtimestamp(max(late) / 10**6, UTC):%Y-%m-%d}"
    said = f"{times(len(late), 'answer')} dated in the future, up to {day}"
    return Finding("dates", NOTE, f"{said}; if a clock was wrong: dlquiz progress undo --future")


def _orphans(lost: set[str]) -> Finding:
    if not lost:
        return Finding("questions", GOOD, "every answered question is in a bank")
    said = f"{times(len(lost), 'answered question')} in no bank, {min(lost)} first"
    return Finding("questions", NOTE, f"{said}; that is kept, until dlquiz progress forget ID")


def _backups(path: Path, now_us: int) -> Iterator[Finding]:
    found = backups.kept(path)
    broken = [one for one in found if not backups.sound(one)]
    if broken:
        yield Finding("backups", BAD, f"{broken[0]} is damaged; delete it, it cannot help")
    if found[len(broken) :]:
        newest = max(one.stat().st_mtime for one in found if one not in broken)
        days = max(int(now_us / 10**6 - newest), 0) // 86400
        when = "today" if not days else "yesterday" if days == 1 else f"{days} days ago"
        yield Finding("backups", GOOD, f"{len(found) - len(broken)} in {backup_folder(path)}, the newest from {when}")
    elif not broken:
        yield Finding("backups", NOTE, "none yet; the first is made when a second day, or a second answer, comes")
