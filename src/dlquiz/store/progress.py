"""The store: what a session, the statistics and the verbs do with the file."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from sqlite3 import Connection, sqlite_version, sqlite_version_info
from typing import TYPE_CHECKING, NamedTuple, Self

from dlquiz.failures import StoreError
from dlquiz.schedule import State, replay, review
from dlquiz.store import backups
from dlquiz.store.file import connect, errors, refuse_read_only, transaction
from dlquiz.store.format import (
    INSERT_ANSWER,
    INSERT_FLAG,
    PUT_CARD,
    VERSION,
    read_answers,
    read_flags,
    upgrade,
    version_of,
)
from dlquiz.store.rows import LATEST_US, Answer, Flag, crc, tidy

if TYPE_CHECKING:
    from dlquiz.schema import Question


class Merged(NamedTuple):
    """What an import brought."""

    answers: int
    undone: int
    flags: int


def now_us() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


class Store:
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

    # -- reading

    def due(self) -> dict[str, int]:
        """When each question that was ever answered is due, in microseconds."""
        return {question: state.due_us for question, state in self.cards().items()}

    def cards(self) -> dict[str, State]:
        """The cached state of every card."""
        if self.db is None:
            return {}
        with errors(self.path, "read"):
            rows = self.db.execute("SELECT question, due_us, fsrs FROM card")
            return {question: State(due, fsrs) for question, due, fsrs in rows}

    def log(self) -> list[Answer]:
        """Every answer in the order in which it was written, the undone ones too."""
        if self.db is None:
            return []
        with errors(self.path, "read"):
            return [answer for _, answer in read_answers(self.db, self.version)]

    def history(self) -> dict[str, list[Answer]]:
        """The answers to each question that count, oldest first."""
        return histories(self.log())

    def flags(self) -> list[Flag]:
        """Every flag that was ever raised or taken back, in the order in which it was written."""
        if self.db is None:
            return []
        with errors(self.path, "read"):
            return [flag for _, flag in read_flags(self.db, self.version)]

    def flagged(self) -> dict[str, Flag]:
        """The questions that are flagged now, with the newest flag of each."""
        newest = {flag.question: flag for flag in sorted(self.flags())}
        return {question: flag for question, flag in newest.items() if flag.raised}

    def changed_keys(self, questions: "Iterable[Question]") -> set[str]:
        """The first ids of the questions whose key is not the one it was when they were last answered."""
        from dlquiz.question import fingerprint

        if self.db is None:
            return set()
        with errors(self.path, "read"):
            newest = "SELECT question, key_sha, max(at_us) FROM review WHERE NOT undone GROUP BY question"
            last = {question: key for question, key, _ in self.db.execute(newest) if key}
        known = [question for question in questions if question.first_id in last]
        return {question.first_id for question in known if last[question.first_id] != fingerprint(question)}

    def replayed(self) -> dict[str, State]:
        """The state of every card as the log has it."""
        return {question: state for question, answers in self.history().items() if (state := replayed(answers))}

    # -- writing

    def record(self, answer: Answer) -> State:
        """Write one answer and the card's new state; when this returns, both are on the disk."""
        self._refuse_clock(answer.at_us)
        with self._writing("save the answer to") as db:
            # A clock that was set back must not make history run backwards.
            last = "SELECT max(at_us) FROM review WHERE question = ? AND NOT undone"
            at = max(answer.at_us, (db.execute(last, (answer.question,)).fetchone()[0] or 0) + 1)
            while db.execute("SELECT 1 FROM review WHERE question = ? AND at_us = ?", (answer.question, at)).fetchone():
                at += 1
            seed = answer.seed if abs(answer.seed) <= LATEST_US else 0
            answer = answer._replace(at_us=at, answer=tidy(answer.answer), seed=seed)
            card = db.execute("SELECT fsrs FROM card WHERE question = ?", (answer.question,)).fetchone()
            state = review(card and card[0], answer.grade, at)
            db.execute(INSERT_ANSWER, (*answer, crc(answer)))
            db.execute(PUT_CARD, (answer.question, *state))
        return state

    def undo(self) -> Answer | None:
        """Take back the answer that was written last, of those not taken back yet."""
        undone = self.undo_all(lambda answers: answers[-1:])
        return undone[0] if undone else None

    def undo_all(self, choose: Callable[[list[Answer]], list[Answer]]) -> list[Answer]:
        """Take back the answers that `choose` picks from those that count, and give them as they were."""
        with self._writing("undo an answer in") as db:
            ids = {answer: id_ for id_, answer in read_answers(db) if not answer.undone}
            chosen = choose(list(ids))
            for answer in chosen:
                self._mark(db, ids[answer], answer._replace(undone=True))
            self._replay(db, {answer.question for answer in chosen})
        return chosen

    def flag(self, question: str, note: str = "", *, raised: bool = True) -> Flag:
        """Flag a question as bad, or with `raised=False` take that back."""
        with self._writing("save the flag to") as db:
            last = db.execute("SELECT max(at_us) FROM flag WHERE question = ?", (question,)).fetchone()[0]
            flag = Flag(question, max(self._refuse_clock(self.clock()), (last or 0) + 1), tidy(note), raised)
            db.execute(INSERT_FLAG, (*flag, crc(flag)))
        return flag

    def forget(self, question: str) -> int:
        """Delete all answers to a question, and its flags; the number of answers deleted."""
        with self._writing("forget a question in", before="forget") as db:
            gone = db.execute("DELETE FROM review WHERE question = ?", (question,)).rowcount
            db.execute("DELETE FROM flag WHERE question = ?", (question,))
            db.execute("DELETE FROM card WHERE question = ?", (question,))
        return gone

    def merge(self, answers: Iterable[Answer], flags: Iterable[Flag], *, back_up: bool = True) -> Merged:
        """Add what is not there yet; an answer that was undone on either side is undone. Twice is as good as once."""
        with self._writing("import into", before="import" if back_up else "") as db:
            known = {answer.identity: (id_, answer) for id_, answer in read_answers(db)}
            fresh: dict[Answer, Answer] = {}
            undone: dict[Answer, Answer] = {}
            for answer in answers:
                if answer.identity not in known:
                    fresh[answer.identity] = max(answer, fresh.get(answer.identity, answer))
                elif answer.undone and not known[answer.identity][1].undone:
                    undone[answer.identity] = answer
            for answer in sorted(fresh.values(), key=lambda one: (one.at_us, one)):
                db.execute(INSERT_ANSWER, (*answer, crc(answer)))
            for identity, answer in undone.items():
                self._mark(db, known[identity][0], answer)
            raised = sorted({*flags} - {flag for _, flag in read_flags(db)}, key=lambda one: (one.at_us, one))
            db.executemany(INSERT_FLAG, [(*flag, crc(flag)) for flag in raised])
            self._replay(db, {answer.question for answer in (*fresh, *undone)})
        return Merged(len(fresh), len(undone), len(raised))

    def rebuild(self) -> None:
        """Throw the cached states away and compute them again from the log."""
        with self._writing("rebuild", before="rebuild") as db:
            states = self.replayed()
            db.execute("DELETE FROM card")
            db.executemany(PUT_CARD, [(question, *state) for question, state in states.items()])

    def _mark(self, db: Connection, id_: int, answer: Answer) -> None:
        db.execute("UPDATE review SET undone = ?, crc = ? WHERE id = ?", (answer.undone, crc(answer), id_))

    def _replay(self, db: Connection, questions: set[str]) -> None:
        """Compute the cached state of these questions again."""
        kept = histories(answer for _, answer in read_answers(db))
        for question in questions:
            if state := replayed(kept.get(question, [])):
                db.execute(PUT_CARD, (question, *state))
            else:
                db.execute("DELETE FROM card WHERE question = ?", (question,))

    def _refuse_clock(self, at_us: int) -> int:
        if not 0 <= at_us <= LATEST_US:
            raise StoreError(f"the clock of this machine is far off, so {self.path} was not written; set the clock")
        return at_us

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


def histories(log: Iterable[Answer]) -> dict[str, list[Answer]]:
    """The answers to each question that count, in order of time whatever the order in which they were written."""
    found: dict[str, list[Answer]] = {}
    for answer in sorted(answer for answer in log if not answer.undone):
        found.setdefault(answer.question, []).append(answer)
    return found


def replayed(history: list[Answer]) -> State | None:
    """The state of a card after these answers."""
    return replay((answer.grade, answer.at_us) for answer in history)
