"""Asking questions one after the other. Clock, seed, input, output and saving are arguments: no terminal is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dlquiz.grade import UnreadableError, Verdict, grade
from dlquiz.question import Asked, draw, fingerprint
from dlquiz.schedule import State, rate
from dlquiz.schema import Question
from dlquiz.store import Answer

SECOND_TRY = ("number", "formula", "stable", "order")  # a second guess at a letter would teach nothing


@dataclass(frozen=True)
class Shown:
    """A question is put."""

    asked: Asked
    number: int
    total: int


@dataclass(frozen=True)
class Hint:
    """A hint was wanted; `text` is empty when there are no more."""

    text: str
    left: int


@dataclass(frozen=True)
class Refused:
    """An answer that nobody can read; it does not count."""

    message: str
    typed: str
    column: int | None


@dataclass(frozen=True)
class TryAgain:
    """Wrong, and one try is left."""

    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """The last word on a question; `due_us` is when it comes again, if that was saved."""

    asked: Asked
    verdict: Verdict
    now_us: int
    due_us: int | None


@dataclass
class Ended:
    """How it went. `interrupted` is set by Ctrl-C."""

    right: int = 0
    wrong: int = 0
    skipped: int = 0
    left: int = 0
    interrupted: bool = False
    soon: list[str] = field(default_factory=list)


Event = Shown | Hint | Refused | TryAgain | Judged | Ended


class _QuitError(Exception):
    """The learner typed q."""


@dataclass
class Session:
    """`clock` gives microseconds, `read` one line for a prompt, `show` takes each event, `save` each answer."""

    seed: int
    clock: Callable[[], int]
    read: Callable[[str], str]
    show: Callable[[Event], None]
    save: Callable[[Answer], State] | None = None
    ended: Ended = field(default_factory=Ended)

    def run(self, questions: Sequence[Question]) -> Ended:
        """Ask every question, or as many as the learner wants; an answer is saved before it is judged aloud."""
        done = 0
        try:
            for number, question in enumerate(questions, 1):
                self.ask(draw(question, self.seed), number, len(questions))
                done = number
        except (_QuitError, EOFError):
            pass
        except KeyboardInterrupt:
            self.ended.interrupted = True
        finally:
            self.ended.left = len(questions) - done
            self.show(self.ended)
        return self.ended

    def ask(self, asked: Asked, number: int, total: int) -> None:
        """One question, until it is answered or skipped."""
        self.show(Shown(asked, number, total))
        start, hints, tries = self.clock(), 0, 0
        first: Verdict | None = None
        typed = ""
        while True:
            try:
                line = self.line(asked)
            except (_QuitError, EOFError, KeyboardInterrupt):
                if first is not None:  # a wrong answer counts, also for who leaves after it
                    self.finish(asked, replace(first, message=""), typed, hints=hints, tries=tries, start=start)
                raise
            if line == "?":
                hints += self.hint(asked, hints)
                continue
            if line == "!" and first is None:
                self.ended.skipped += 1
                return
            if not line and first is not None:
                self.finish(asked, replace(first, message=""), typed, hints=hints, tries=tries, start=start)
                return
            try:
                verdict = grade(asked, line)
            except UnreadableError as error:
                self.show(Refused(str(error), line, error.column))
                continue
            tries, typed = tries + 1, line
            if not verdict.correct and tries == 1 and asked.kind in SECOND_TRY:
                first = verdict
                self.show(TryAgain(verdict))
                continue
            self.finish(asked, verdict, typed, hints=hints, tries=tries, start=start)
            return

    def line(self, asked: Asked) -> str:
        """One line from the learner; q leaves, unless q is a symbol of this question."""
        line = self.read(f"{wanted(asked)} > ").strip()
        if line.lower() in (leave_word(asked), "quit"):
            raise _QuitError
        return line

    def hint(self, asked: Asked, given: int) -> int:
        """Show the next hint; 1 if there was one."""
        more = asked.hints[given:]
        self.show(Hint(more[0] if more else "", max(len(more) - 1, 0)))
        return min(len(more), 1)

    def finish(self, asked: Asked, verdict: Verdict, typed: str, *, hints: int, tries: int, start: int) -> None:
        """Save the answer, then say what it was worth."""
        now = self.clock()
        due = None
        if self.save is not None:
            rating = rate(correct=verdict.correct, hints=hints, tries=tries)
            key = fingerprint(asked.question)
            took = max(now - start, 0) // 1000
            answer = Answer(asked.question.first_id, now, rating, verdict.correct, typed, self.seed, hints, took, key)
            due = self.save(answer).due_us
            if due - now < 3600 * 10**6:
                self.ended.soon.append(asked.id)
        self.ended.right += verdict.correct
        self.ended.wrong += not verdict.correct
        self.show(Judged(asked, verdict, now, due))


def leave_word(asked: Asked) -> str:
    """What to type to leave: q, but quit where q could be an answer."""
    return "quit" if "q" in getattr(asked.question, "symbols", {}) else "q"


def wanted(asked: Asked) -> str:
    """What the prompt asks for."""
    unit = getattr(asked.question, "unit", "")
    return {
        "single": "letter",
        "multiple": "letters of all that apply",
        "truefalse": "t or f",
        "number": f"number in {unit}" if unit else "number",
        "order": f"letters in order, as in {''.join(asked.names)}",
        "bug": "number of the wrong line",
    }.get(asked.kind, "formula")
