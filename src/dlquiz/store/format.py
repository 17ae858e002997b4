"""The format of the file: its tables, and how an older one becomes this one."""

import sqlite3
from collections.abc import Iterator

from dlquiz.store import APPLICATION, VERSION
from dlquiz.store.rows import CRCS, Answer, Flag, tidy

REVIEW = """CREATE TABLE review(id INTEGER PRIMARY KEY, question TEXT NOT NULL, at_us INTEGER NOT NULL,
    grade INTEGER NOT NULL CHECK(grade BETWEEN 1 AND 4), correct INTEGER NOT NULL CHECK(correct IN (0, 1)),
    answer TEXT NOT NULL, seed INTEGER NOT NULL, hints INTEGER NOT NULL, took_ms INTEGER NOT NULL,
    key_sha TEXT NOT NULL, undone INTEGER NOT NULL DEFAULT 0, crc INTEGER NOT NULL) STRICT"""
FLAG = """CREATE TABLE flag(id INTEGER PRIMARY KEY, question TEXT NOT NULL, at_us INTEGER NOT NULL,
    note TEXT NOT NULL, raised INTEGER NOT NULL CHECK(raised IN (0, 1)), crc INTEGER NOT NULL) STRICT"""
PUT_CARD = """INSERT INTO card(question, due_us, fsrs) VALUES(?, ?, ?)
    ON CONFLICT(question) DO UPDATE SET due_us = excluded.due_us, fsrs = excluded.fsrs"""
TABLES = (
    REVIEW,
    "CREATE INDEX review_question ON review(question, id)",
    FLAG,
    "CREATE TABLE card(question TEXT PRIMARY KEY, due_us INTEGER NOT NULL, fsrs TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)
READ_ANSWERS = f"SELECT id, crc, {', '.join(Answer._fields)} FROM review ORDER BY id"  # noqa: S608  # our own names
READ_FLAGS = f"SELECT id, crc, {', '.join(Flag._fields)} FROM flag ORDER BY id"  # noqa: S608  # our own names
INSERT_ANSWER = f"INSERT INTO review({', '.join(Answer._fields)}, crc) VALUES({', '.join('?' * 11)})"
INSERT_FLAG = f"INSERT INTO flag({', '.join(Flag._fields)}, crc) VALUES(?, ?, ?, ?, ?)"


def version_of(db: sqlite3.Connection) -> int:
    """The format a file is in; 0 is a file without tables."""
    return db.execute("PRAGMA user_version").fetchone()[0]


def read_answers(db: sqlite3.Connection, version: int = VERSION) -> Iterator[tuple[int, Answer]]:
    """Every answer with its number, oldest first; a row that fails its checksum is an error."""
    for id_, sum_, *fields in db.execute(READ_ANSWERS):
        if CRCS[version](fields) != sum_:
            raise sqlite3.DatabaseError(f"answer {id_} fails its checksum")
        yield id_, _answer(fields)


def read_flags(db: sqlite3.Connection, version: int = VERSION) -> Iterator[tuple[int, Flag]]:
    """Every flag with its number, oldest first."""
    for id_, sum_, question, at_us, note, raised in db.execute(READ_FLAGS) if version > 1 else ():
        flag = Flag(question, at_us, note, bool(raised))
        if CRCS[version](flag) != sum_:
            raise sqlite3.DatabaseError(f"flag {id_} fails its checksum")
        yield id_, flag


def _answer(fields: list) -> Answer:
    question, at_us, grade, correct, answer, seed, hints, took_ms, key_sha, undone = fields
    return Answer(question, at_us, grade, bool(correct), answer, seed, hints, took_ms, key_sha, bool(undone))


def upgrade(db: sqlite3.Connection, version: int) -> None:
    """Bring a file of an older format, or an empty one, to this format; the caller holds the lock."""
    if version == 0:
        for statement in TABLES:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
    if version == 1:
        _from_1(db)
    db.execute(f"PRAGMA user_version = {VERSION}")


def _from_1(db: sqlite3.Connection) -> None:
    """Checksums that every Python computes alike, answers without control characters, flags in a log of their own."""
    crc = CRCS[2]
    for id_, answer in list(read_answers(db, 1)):
        answer = answer._replace(answer=tidy(answer.answer))
        db.execute("UPDATE review SET answer = ?, crc = ? WHERE id = ?", (answer.answer, crc(answer), id_))
    db.execute(FLAG)
    flagged = "SELECT question, coalesce((SELECT max(at_us) FROM review WHERE question = card.question), 0) FROM card"
    for question, at_us in db.execute(f"{flagged} WHERE flagged").fetchall():
        flag = Flag(question, at_us, "")
        db.execute(INSERT_FLAG, (*flag, crc(flag)))
    db.execute("ALTER TABLE card DROP COLUMN flagged")
