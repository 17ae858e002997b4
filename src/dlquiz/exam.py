"""A mock exam: so many questions, so much time, and no word on right or wrong before the end."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from msgspec import Struct

from dlquiz.code.compose import compose
from dlquiz.commands import QuitError, quits
from dlquiz.events import Event, Put, Refused, Report, Result, Said
from dlquiz.grade import grade
from dlquiz.question import draw, fingerprint
from dlquiz.schedule import in_turn, rate
from dlquiz.schema import Question
from dlquiz.store import Answer
from dlquiz.verdict import UnreadableError
from dlquiz.words import wanted


class TimeOverError(Exception):
    """The time of the exam is over."""


def paper(rows: Sequence[Mapping[str, Any]], number: int, seed: int) -> list[Mapping[str, Any]]:
    """`number` rows of questions drawn from all of them, concepts in turn; the same seed draws the same."""
    drawn = {row["id"]: row for row in Random(seed).sample(rows, len(rows))}  # noqa: S311  # a draw, no secret
    concepts = {id_: row["concept"] for id_, row in drawn.items()}
    return [drawn[id_] for id_ in in_turn(list(concepts), concepts)[:number]]


class Exam(Struct):
    """`read` takes one line and raises `TimeOverError` when `seconds` have gone; `save` takes each answer."""

    seed: int
    seconds: int
    clock: Callable[[], int]
    read: Callable[[str], str]
    show: Callable[[Event], None]
    save: Callable[[Answer], object] | None = None
    edit: Callable[[str], str | None] | None = None
    warned: bool = False
    put_off: set[int] = set()

    def run(self, questions: Sequence[Question]) -> Report:
        """Put every question, those put off once more at the end, until they are done or the time is over."""
        report = Report(self.seed, self.seconds, [Result(draw(question, self.seed)) for question in questions])
        start, todo = self.clock(), deque(range(len(questions)))
        try:
            while todo:
                spot = todo.popleft()
                if self.ask(report, spot, start):
                    todo.append(spot)
        except TimeOverError:
            report.end = "time"
        except (QuitError, EOFError):
            report.end = "left"
        except KeyboardInterrupt:
            report.end = "interrupted"
        report.used = min((self.clock() - start) // 10**6, self.seconds)
        self.show(report)
        return report

    def ask(self, report: Report, spot: int, start: int) -> bool:
        """One question; True if it is put off until the end."""
        result, now = report.results[spot], self.clock()
        left = self.seconds - (now - start) // 10**6
        if left <= 0:
            raise TimeOverError
        self.show(Put(result.asked, spot + 1, len(report.results), left))
        while True:
            line = self.read(f"{wanted(result.asked)} > ").strip()
            if quits(line, result.asked):
                self.hand_in(sum(one.verdict is None for one in report.results))
            elif line == "!":
                return self.later(spot)
            elif self.answer(result, line, now):
                return False

    def hand_in(self, unanswered: int) -> None:
        """Leave, at the second time of asking."""
        if self.warned:
            raise QuitError
        self.warned = True
        self.show(Said(f"{unanswered} not answered yet. Type it once more to hand in."))

    def later(self, spot: int) -> bool:
        again = spot not in self.put_off
        self.put_off.add(spot)
        return again

    def answer(self, result: Result, line: str, start: int) -> bool:
        """Take one answer, and say nothing about it unless nobody can read it."""
        self.warned = False
        if line == "?":
            self.show(Said("There are no hints in an exam."))
            return False
        try:
            if result.asked.kind == "code":
                line = compose(line, result.asked.draft, self.read, self.edit)
            verdict = grade(result.asked, line)
        except UnreadableError as error:
            self.show(Refused(str(error).removesuffix("; ? gives a hint, ! skips"), line, error.column))
            return False
        result.typed, result.verdict = line, verdict
        if self.save is not None:
            self.save(self.saved(result, start))
        return True

    def saved(self, result: Result, start: int) -> Answer:
        """The answer for the log: an exam is a review without help."""
        question, now = result.asked.question, self.clock()
        correct = bool(result.verdict and result.verdict.correct)
        took_ms = max(now - start, 0) // 1000
        rating = rate(correct=correct, hints=0, tries=1)
        key = fingerprint(question)
        return Answer(question.first_id, now, rating, correct, result.typed, self.seed, 0, took_ms, key)
