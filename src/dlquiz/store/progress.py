"""Writing the file: what a session and the verbs do with it."""

from collections.abc import Callable, Iterable
from sqlite3 import Connection
from typing import NamedTuple

from dlquiz.schedule import State, review
from dlquiz.store.format import INSERT_ANSWER, INSERT_FLAG, PUT_CARD, read_answers, read_flags
from dlquiz.store.history import History, histories, replayed
from dlquiz.store.rows import LATEST_US, Answer, Flag, crc, tidy


class Merged(NamedTuple):
    """What an import brought."""

    answers: int
    undone: int
    flags: int


class Store(History):
    """Progress, to read and to write."""

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
