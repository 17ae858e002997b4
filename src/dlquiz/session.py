"""Asking questions one after the other. Clock, seed, input, output and saving are arguments: no terminal is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dlquiz.grade import UnreadableError, Verdict, grade
from dlquiz.question import Asked, draw, fingerprint
from dlquiz.schedule import State, rate
from dlquiz.schema import Question
from dlquiz.store import Answer

SOON = 3600 * 10**6
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
        """One question, until it is answered, skipped or left."""
        self.show(Shown(asked, number, total))
        turn = _Turn(asked, self.clock())
        try:
            while not self.step(turn):
                pass
        except (_QuitError, EOFError, KeyboardInterrupt):
            if turn.verdict is not None:  # a wrong answer counts, also for who leaves after it
                self.give_up(turn)
            raise

    def step(self, turn: "_Turn") -> bool:
        """Take one line from the learner; True when the question is over."""
        line = self.read(f"{wanted(turn.asked)} > ").strip()
        if line.lower() in (leave_word(turn.asked), "quit"):
            raise _QuitError
        if line == "?":
            self.hint(turn)
            return False
        if line in ("", "!") and turn.verdict is not None:
            self.give_up(turn)
            return True
        if line == "!":
            self.ended.skipped += 1
            return True
        return self.answer(turn, line)

    def answer(self, turn: "_Turn", line: str) -> bool:
        """Grade one answer; True unless there is another try."""
        try:
            verdict = grade(turn.asked, line)
        except UnreadableError as error:
            self.show(Refused(str(error), line, error.column))
            return False
        turn.verdict, turn.typed, turn.tries = verdict, line, turn.tries + 1
        if not verdict.correct and turn.tries == 1 and turn.asked.kind in SECOND_TRY:
            self.show(TryAgain(verdict))
            return False
        self.finish(turn, verdict)
        return True

    def hint(self, turn: "_Turn") -> None:
        """Show the next hint; only one that was there makes the answer hard."""
        more = turn.asked.hints[turn.hints :]
        self.show(Hint(more[0] if more else "", max(len(more) - 1, 0)))
        turn.hints += bool(more)

    def give_up(self, turn: "_Turn") -> None:
        """The wrong answer stands; what was said about it was said already."""
        assert turn.verdict is not None  # noqa: S101  # for the type checker: nobody gives up before a first try
        self.finish(turn, replace(turn.verdict, message=""))

    def finish(self, turn: "_Turn", verdict: Verdict) -> None:
        """Save the answer, then say what it was worth."""
        now, due = self.clock(), None
        if self.save is not None:
            due = self.save(turn.saved(verdict, self.seed, now)).due_us
            if due - now < SOON:
                self.ended.soon.append(turn.asked.id)
        self.ended.right += verdict.correct
        self.ended.wrong += not verdict.correct
        self.show(Judged(turn.asked, verdict, now, due))


@dataclass
class _Turn:
    """How far the learner has come with one question; `verdict` is set once there was an answer."""

    asked: Asked
    start: int
    hints: int = 0
    tries: int = 0
    typed: str = ""
    verdict: Verdict | None = None

    def saved(self, verdict: Verdict, seed: int, now: int) -> Answer:
        question, took_ms = self.asked.question, max(now - self.start, 0) // 1000
        rating = rate(correct=verdict.correct, hints=self.hints, tries=self.tries)
        key = fingerprint(question)
        return Answer(question.first_id, now, rating, verdict.correct, self.typed, seed, self.hints, took_ms, key)


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
