"""Asking questions one after the other. Clock, seed, input, output and saving are arguments: no terminal is needed."""

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from dlquiz.code.compose import compose
from dlquiz.commands import QuitError, UndoError, command, quits, word
from dlquiz.events import Ended, Event, Hint, Judged, Refused, Said, Shown, TryAgain
from dlquiz.grade import grade
from dlquiz.question import Asked, draw, fingerprint
from dlquiz.schedule import State, rate
from dlquiz.schema import Question
from dlquiz.store import Answer
from dlquiz.verdict import UnreadableError, Verdict
from dlquiz.words import wanted

SOON = 3600 * 10**6
SECOND_TRY = ("number", "formula", "stable", "order", "code")  # a second guess at a letter would teach nothing
PAUSE = "Enter next   u undo   f flag   q quit > "


class Session(Struct):
    """`clock` gives microseconds, `read` one line for a prompt, `show` takes each event, `save` each answer.

    `undo` takes back the last answer to a question, `flag` keeps why it is bad, `changed` holds the first ids of the
    questions whose key has changed; with `pause` a learner is asked to go on after each question. `edit` opens a text
    in the learner's editor, and gives None if it was not saved.
    """

    seed: int
    clock: Callable[[], int]
    read: Callable[[str], str]
    show: Callable[[Event], None]
    save: Callable[[Answer], State] | None = None
    undo: Callable[[str], object] | None = None
    flag: Callable[[str, str], object] | None = None
    changed: Collection[str] = ()
    pause: bool = False
    edit: Callable[[str], str | None] | None = None
    ended: Ended = field(default_factory=Ended)
    past: list["_Past"] = []

    def run(self, questions: Sequence[Question]) -> Ended:
        """Ask every question, or as many as the learner wants; an answer is saved before it is judged aloud."""
        plan = list(enumerate(questions, 1))[::-1]
        self.ended.saved = self.save is not None
        try:
            while plan:
                try:
                    self.put(plan, len(questions))
                except UndoError:
                    plan.append(self.take_back())
        except (QuitError, EOFError):
            pass
        except KeyboardInterrupt:
            self.ended.interrupted = True
        finally:
            done = self.ended.right + self.ended.wrong + self.ended.skipped
            self.ended.left = len(questions) - done
            self.show(self.ended)
        return self.ended

    def put(self, plan: list[tuple[int, Question]], total: int) -> None:
        """The question on top of the plan, and a pause after it."""
        number, question = plan[-1]
        judged = self.ask(draw(question, self.seed), number, total)
        plan.pop()
        if judged and self.pause:
            self.rest(judged)

    def ask(self, asked: Asked, number: int, total: int) -> Asked | None:
        """One question, until it is answered, skipped or left; what was asked, if it was answered."""
        self.show(Shown(asked, number, total, asked.question.first_id in self.changed))
        turn = _Turn(asked, number, self.clock())
        try:
            while not self.step(turn):
                pass
        except (QuitError, EOFError, KeyboardInterrupt):
            if turn.verdict is not None:  # a wrong answer counts, also for who leaves after it
                self.give_up(turn)
            raise
        return asked if turn.verdict else None

    def step(self, turn: "_Turn") -> bool:
        """Take one line from the learner; True when the question is over."""
        line = self.read(f"{wanted(turn.asked)} > ").strip()
        if self.obeyed(line, turn):
            return False
        if line in ("", "!") and turn.verdict is not None:
            self.give_up(turn)
            return True
        if line == "!":
            self.ended.skipped += 1
            return True
        return self.answer(turn, line)

    def obeyed(self, line: str, turn: "_Turn") -> bool:
        """Whether the line was a command that leaves the question open."""
        if quits(line, turn.asked):
            raise QuitError
        if line == "?":
            self.hint(turn)
        elif command(line, "undo", turn.asked) is not None:
            self.undo_in(turn)
        elif (note := command(line, "flag", turn.asked)) is not None:
            self.raise_flag(turn.asked, note)
        else:
            return False
        return True

    def answer(self, turn: "_Turn", line: str) -> bool:
        """Grade one answer; True unless there is another try."""
        try:
            if turn.asked.kind == "code":
                turn.draft = line = compose(line, turn.draft or turn.asked.draft, self.read, self.edit)
            verdict = grade(turn.asked, line)
        except UnreadableError as error:
            self.show(Refused(str(error), line, error.column))
            return False
        turn.verdict, turn.typed, turn.tries = verdict, line, turn.tries + 1
        if not verdict.correct and (turn.tries == 1 or turn.asked.kind == "code") and turn.asked.kind in SECOND_TRY:
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
        self.past.append(_Past(turn.number, turn.asked, verdict.correct))
        self.show(Judged(turn.asked, verdict, now, due))

    # -- second thoughts

    def rest(self, asked: Asked) -> None:
        """Wait until the learner has read what was said."""
        while line := self.read(PAUSE).strip():
            if line.lower() in ("q", "quit"):
                raise QuitError
            if line.lower() in ("u", "undo"):
                raise UndoError
            first, _, note = line.partition(" ")
            if first.lower() in ("f", "flag"):
                self.raise_flag(asked, note)
            else:
                self.show(Refused("press Enter for the next question, and answer then", line, None))

    def undo_in(self, turn: "_Turn") -> None:
        """Take back the try at this question, or else the answer before it."""
        if turn.verdict is not None:
            turn.verdict, turn.typed, turn.tries = None, "", 0
            self.show(Said("That try is taken back."))
        elif self.past:
            raise UndoError
        else:
            self.show(Said("No answer was given in this session; dlquiz progress undo takes back older ones."))

    def take_back(self) -> tuple[int, Question]:
        """Forget the last answer; the question is to be asked again."""
        last = self.past.pop()
        if self.undo is not None:
            self.undo(last.asked.question.first_id)
        self.ended.right -= last.correct
        self.ended.wrong -= not last.correct
        self.ended.soon = [id_ for id_ in self.ended.soon if id_ != last.asked.id]
        self.show(Said("The last answer is taken back; here is its question again."))
        return last.number, last.asked.question

    def raise_flag(self, asked: Asked, note: str) -> None:
        """Keep that the learner finds the question bad, and why."""
        if self.flag is None:
            self.show(Said("Nothing is saved here, flags neither."))
            return
        self.flag(asked.question.first_id, note)
        if asked.id not in self.ended.flagged:
            self.ended.flagged.append(asked.id)
        why = "" if note else f" {word(asked, 'flag')} and a few words say why."
        self.show(Said(f"Flagged.{why}"))


class _Past(Struct, frozen=True):
    """An answer of this session."""

    number: int
    asked: Asked
    correct: bool


class _Turn(Struct):
    """How far the learner has come with one question; `verdict` is set once there was an answer."""

    asked: Asked
    number: int
    start: int
    hints: int = 0
    tries: int = 0
    typed: str = ""
    draft: str = ""
    verdict: Verdict | None = None

    def saved(self, verdict: Verdict, seed: int, now: int) -> Answer:
        question, took_ms = self.asked.question, max(now - self.start, 0) // 1000
        rating = rate(correct=verdict.correct, hints=self.hints, tries=self.tries)
        key = fingerprint(question)
        return Answer(question.first_id, now, rating, verdict.correct, self.typed, seed, self.hints, took_ms, key)
