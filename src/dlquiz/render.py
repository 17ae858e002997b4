"""What the learner sees. Colour only underlines what the words say already, so nothing is lost without it."""

from dlquiz.code import HOW_TO_WRITE, NO_SANDBOX
from dlquiz.commands import keys, word
from dlquiz.events import Ended, Event, Hint, Judged, Put, Refused, Report, Result, Said, Shown, TryAgain
from dlquiz.paper import Paper
from dlquiz.question import Asked
from dlquiz.words import answer_text, by_concept, exam_summary, feedback, said, summary, time_left, until, where_to_read


class Screen:
    """Prints the events of a session."""

    def __init__(self, paper: Paper | None = None) -> None:
        self.paper = paper or Paper()
        self.line, self.table = self.paper.line, self.paper.table

    def show(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, Shown):
            self.question(event.asked, f"{event.number} of {event.total}")
            if event.changed:
                self.line("The key of this question has changed since you last answered it.", "yellow")
            self.keys(event.asked, keys(event.asked))
        elif isinstance(event, Hint):
            self.line(f"Hint: {event.text}" if event.text else "There is no further hint.", "yellow")
        elif isinstance(event, Refused):
            self.refused(event)
        elif isinstance(event, TryAgain):
            self.line("Not yet. " + event.verdict.message, "yellow")
            self.line("Try once more, or press Enter for the answer.")
        elif isinstance(event, Judged):
            self.judged(event)
        elif isinstance(event, Said):
            self.line(event.text, "yellow")
        elif isinstance(event, Put):
            self.question(event.asked, f"{event.number} of {event.total} · {time_left(event.left)}")
            self.keys(event.asked, f"! later   {word(event.asked, 'quit')} hand in")
        elif isinstance(event, Report):
            self.report(event)
        else:
            self.ended(event)

    def keys(self, asked: Asked, text: str) -> None:
        """What can be typed but an answer; and how to type a function."""
        if asked.kind == "code":
            self.line(f"{HOW_TO_WRITE} {NO_SANDBOX}", "dim")
        self.line(text, "dim")

    def question(self, asked: Asked, counter: str = "", *, answered: bool = False) -> None:
        """The question with everything needed to answer it, or as it was when it was answered."""
        title = filter(None, [counter, asked.concept.replace("_", " "), asked.kind, f"level {asked.level}"])
        self.paper.blank()
        self.line(" · ".join(title), "dim")
        self.line(asked.text, "bold")
        code = [(str(number), line) for number, line in enumerate(asked.code.splitlines(), 1)]
        options = [(option.letter, option.text) for option in asked.choices]
        if rows := options or asked.steps or code:
            self.paper.blank()
            self.table(rows)
        if asked.stub and not answered:
            self.paper.blank()
            self.paper.code(asked.stub)
        symbols = getattr(asked.question, "symbols", {}) if asked.kind in ("formula", "stable") else {}
        if symbols:
            self.line("in " + ", ".join(f"{name} ({said(domain)})" for name, domain in symbols.items()), "dim")
        self.paper.blank()

    def refused(self, event: Refused) -> None:
        if event.column is not None and event.typed:
            self.line(event.typed)
            self.line(" " * min(event.column, len(event.typed)) + "^", "yellow")
        self.line(f"{event.message}. This did not count.", "yellow")

    def judged(self, event: Judged) -> None:
        verdict = event.verdict
        self.line("Right." if verdict.correct else "Wrong.", "bold green" if verdict.correct else "bold red")
        if 0 < verdict.score < 1 and event.asked.kind in ("multiple", "order"):
            self.line(f"Partly right: {verdict.score:.0%}.")
        if verdict.message:
            self.line(verdict.message)
        if not verdict.correct or event.asked.kind == "code":
            self.answer(event.asked)
        self.line(event.asked.explain)
        self.line(where_to_read(event.asked), "dim")
        if event.due_us is not None:
            self.line(f"Comes again {until((event.due_us - event.now_us) // 10**6)}.", "dim")

    def answer(self, asked: Asked) -> None:
        """The key; an order with its steps, for nobody remembers which letter was which."""
        if asked.kind == "code":
            self.line("The reference:", "bold")
            self.paper.code(str(asked.key()))
            return
        self.line(f"Answer: {answer_text(asked)}", "bold")
        texts = dict(asked.steps)
        self.table((letter, texts[letter]) for letter in str(asked.key()) if texts)

    def ended(self, event: Ended) -> None:
        self.paper.blank()
        self.line(summary(event), "bold")

    def report(self, report: Report) -> None:
        """The exam as a whole, by concept, and then question by question."""
        self.paper.blank()
        for text in exam_summary(report):
            self.line(text, "bold")
        self.paper.blank()
        self.table((f"{right} of {all_}", concept.replace("_", " ")) for concept, right, all_ in by_concept(report))
        for number, result in sorted(enumerate(report.results, 1), key=lambda pair: pair[1].asked.concept):
            self.result(number, result, len(report.results))

    def result(self, number: int, result: Result, total: int) -> None:
        asked, verdict = result.asked, result.verdict
        self.question(asked, f"{number} of {total}", answered=True)
        if verdict is None:
            self.line("Not answered.", "bold yellow")
            self.answer(asked)
        else:
            self.line("Right." if verdict.correct else "Wrong.", "bold green" if verdict.correct else "bold red")
            self.typed(result)
            if verdict.message:
                self.line(verdict.message)
            if not verdict.correct or asked.kind == "code":
                self.answer(asked)
        self.line(asked.explain)
        self.line(where_to_read(asked), "dim")

    def typed(self, result: Result) -> None:
        """The learner's answer; a function as it stands."""
        if result.asked.kind != "code":
            self.line(f"You typed: {result.typed}")
            return
        self.line("You typed:", "bold")
        self.paper.code(result.typed)

    def solution(self, asked: Asked, verified: str) -> None:
        """What `dlquiz show` adds to the question: the key, the feedback to each option, how the key is known."""
        self.answer(asked)
        self.table(feedback(asked))
        self.line(asked.explain)
        self.table((f"hint {n}", hint) for n, hint in enumerate(asked.hints, 1))
        self.line(f"Key {verified}", "dim")
        self.line(where_to_read(asked), "dim")
