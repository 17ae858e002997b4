"""Reading the file: the log, what it replays to, and the cache of that."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dlquiz.schedule import State, replay
from dlquiz.store.file import errors
from dlquiz.store.format import read_answers, read_flags
from dlquiz.store.opened import Opened
from dlquiz.store.rows import Answer, Flag

if TYPE_CHECKING:
    from dlquiz.schema import Question


class History(Opened):
    """What was answered and flagged, and when each question is due."""

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


def histories(log: Iterable[Answer]) -> dict[str, list[Answer]]:
    """The answers to each question that count, in order of time whatever the order in which they were written."""
    found: dict[str, list[Answer]] = {}
    for answer in sorted(answer for answer in log if not answer.undone):
        found.setdefault(answer.question, []).append(answer)
    return found


def replayed(history: list[Answer]) -> State | None:
    """The state of a card after these answers."""
    return replay((answer.grade, answer.at_us) for answer in history)
