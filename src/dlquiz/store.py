"""Progress: one SQLite file, one transaction per answer.

The log of answers is the truth, a card's state a cache of it that replays to the same value. A file that is damaged,
foreign, newer or unwritable is an error of one line that names it and the next step; nothing is ever overwritten.
"""

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from dlquiz.failures import StoreError
from dlquiz.schedule import State, replay, review

APPLICATION, VERSION = 0x646C717A, 1
SCHEMA = (
    """CREATE TABLE review(id INTEGER PRIMARY KEY, question TEXT NOT NULL, at_us INTEGER NOT NULL,
    grade INTEGER NOT NULL CHECK(grade BETWEEN 1 AND 4), correct INTEGER NOT NULL CHECK(correct IN (0, 1)),
    answer TEXT NOT NULL, seed INTEGER NOT NULL, hints INTEGER NOT NULL, took_ms INTEGER NOT NULL,
    key_sha TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0, crc INTEGER NOT NULL) STRICT""",
    "CREATE INDEX review_question ON review(question, id)",
    """CREATE TABLE card(question TEXT PRIMARY KEY, due_us INTEGER NOT NULL, fsrs TEXT NOT NULL,
    flagged INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID""",
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)
COLUMNS = "question, at_us, grade, correct, answer, seed, hints, took_ms, key_sha, undone"
INSERT = f"INSERT INTO review({COLUMNS}, crc) VALUES(?,?,?,?,?,?,?,?,?,?,?)"  # our own names
ELSEWHERE = "set DLQUIZ_DB to another file, or review with --no-save"


class Answer(NamedTuple):
    """One row of the log."""

    question: str
    at_us: int
    grade: int
    correct: bool
    answer: str
    seed: int
    hints: int
    took_ms: int
    key_sha: str
    undone: bool = False

    @property
    def crc(self) -> int:
        """A checksum over every field: SQLite itself does not notice a flipped bit inside a value."""
        return zlib.crc32(repr([int(field) if isinstance(field, bool) else field for field in self]).encode())


def default_path() -> Path:
    """DLQUIZ_DB, else the data folder of this system's user."""
    if chosen := os.environ.get("DLQUIZ_DB"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("dlquiz", appauthor=False)) / "progress.db"


class Store:
    """An open progress file. With `create=False` a file that does not exist is an empty history."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self.db: sqlite3.Connection | None = None
        if not create and not path.exists():
            return
        if sqlite3.sqlite_version_info < (3, 37):
            raise StoreError(f"progress needs SQLite 3.37 or newer, this Python has {sqlite3.sqlite_version}")
        with self._errors("open"):
            if create:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.db = self._connect("rwc" if create else "rw")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.db is not None:
            self.db.close()

    def record(self, answer: Answer) -> State:
        """Write one answer and the card's new state; when this returns, both are on the disk."""
        with self._errors("save the answer to"), self._transaction() as db:
            question = (answer.question,)
            last = db.execute("SELECT max(at_us) FROM review WHERE question = ? AND NOT undone", question).fetchone()[0]
            # A clock that was set back must not make history run backwards.
            answer = answer._replace(at_us=max(answer.at_us, (last or 0) + 1))
            card = db.execute("SELECT fsrs FROM card WHERE question = ?", question).fetchone()
            state = review(card and card[0], answer.grade, answer.at_us)
            db.execute(INSERT, (*answer, answer.crc))
            self._put_card(answer.question, state)
        return state

    def due(self) -> dict[str, int]:
        """When each question that was ever answered is due, in microseconds."""
        if self.db is None:
            return {}
        with self._errors("read"):
            return dict(self.db.execute("SELECT question, due_us FROM card"))

    def cards(self) -> dict[str, State]:
        """The cached state of every card."""
        if self.db is None:
            return {}
        with self._errors("read"):
            rows = self.db.execute("SELECT question, due_us, fsrs FROM card")
            return {question: State(due, fsrs) for question, due, fsrs in rows}

    def log(self) -> list[Answer]:
        """Every answer, oldest first; a row that fails its checksum is an error."""
        if self.db is None:
            return []
        answers = []
        with self._errors("read"):
            for id_, crc, *row in self.db.execute(f"SELECT id, crc, {COLUMNS} FROM review ORDER BY id"):  # noqa: S608  # our own names
                answer = Answer(*row)
                if answer.crc != crc:
                    raise sqlite3.DatabaseError(f"answer {id_} fails its checksum")
                answers.append(answer)
        return answers

    def replayed(self) -> dict[str, State]:
        """The state of every card as the log has it."""
        histories: dict[str, list[tuple[int, int]]] = {}
        for answer in self.log():
            if not answer.undone:
                histories.setdefault(answer.question, []).append((answer.grade, answer.at_us))
        states = {question: replay(history) for question, history in histories.items()}
        return {question: state for question, state in states.items() if state}

    def rebuild(self) -> None:
        """Throw the cached states away and compute them again from the log."""
        with self._errors("rebuild"), self._transaction() as db:
            states = self.replayed()
            gone = [(question,) for question in self.cards().keys() - states.keys()]
            db.executemany("DELETE FROM card WHERE question = ?", gone)
            for question, state in states.items():
                self._put_card(question, state)

    def _put_card(self, question: str, state: State) -> None:
        assert self.db is not None  # noqa: S101  # for the type checker: only called inside a transaction
        self.db.execute(
            "INSERT INTO card(question, due_us, fsrs) VALUES(?, ?, ?) "
            "ON CONFLICT(question) DO UPDATE SET due_us = excluded.due_us, fsrs = excluded.fsrs",
            (question, *state),
        )

    # -- opening

    def _connect(self, mode: str) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        db = sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None)
        try:
            self._inspect(db)
            if mode == "rwc":
                # One file and no shared memory: it works on a network home, and EXTRA survives a power cut.
                db.execute("PRAGMA journal_mode = DELETE")
                db.execute("PRAGMA synchronous = EXTRA")
                self._create(db)
            self._check(db)
        except BaseException:
            db.close()
            raise
        return db

    def _inspect(self, db: sqlite3.Connection) -> None:
        """Refuse the file of another program or of a newer dlquiz before anything is written."""
        db.execute("BEGIN")  # three reads of one moment: another process may be creating the file
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        db.execute("COMMIT")
        if application != APPLICATION and (application or version or tables):
            raise StoreError(f"{self.path} is a database of another program; {ELSEWHERE}")
        if version > VERSION:
            newer = f"format {version}, this one reads {VERSION}"
            raise StoreError(f"{self.path} was written by a newer dlquiz ({newer}); upgrade dlquiz")

    def _check(self, db: sqlite3.Connection) -> None:
        """Find a damaged page before anything is read from it."""
        if (found := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)

    def _create(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            # Read again inside the lock: another process may have created the tables meanwhile.
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in SCHEMA:
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {APPLICATION}")
                db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        assert self.db is not None  # noqa: S101  # a store opened only to read is never written
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"cannot {doing} {self.path} ({error.strerror}); {ELSEWHERE}") from None
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged page can surface as undecodable text
            brief = " ".join(str(error).replace("*** in database main ***", "").split())
            raise StoreError(self._explained(brief, doing)) from None

    def _explained(self, message: str, doing: str) -> str:
        if "locked" in message or "busy" in message:
            return f"{self.path} is in use by another dlquiz; try again when that one has finished"
        if any(word in message for word in ("readonly", "unable to open", "disk is full", "disk I/O")):
            return f"cannot {doing} {self.path} ({message}); {ELSEWHERE}"
        return f"{self.path} is damaged ({message}); nothing was changed. Move it away and start anew, or {ELSEWHERE}"
