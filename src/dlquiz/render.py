"""What the learner sees. Colour only underlines what the words say already, so nothing is lost without it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dlquiz.question import Asked
from dlquiz.session import Ended, Event, Hint, Judged, Refused, Shown, TryAgain
from dlquiz.text import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Screen:
    """Prints the events of a session with rich; foreign text goes through `plain` and is never read as markup."""

    def __init__(self, console: "Console | None" = None) -> None:
        if console is None:
            from rich.console import Console

            console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
        self.console = console
        self.coloured = console.color_system is not None and not console.no_color

    def show(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, Shown):
            self.question(event.asked, f"{event.number} of {event.total}")
        elif isinstance(event, Hint):
            self.line(f"Hint: {event.text}" if event.text else "There is no further hint.", "yellow")
        elif isinstance(event, Refused):
            self.refused(event)
        elif isinstance(event, TryAgain):
            self.line("Not yet. " + event.verdict.message, "yellow")
            self.line("Try once more, or press Enter for the answer.")
        elif isinstance(event, Judged):
            self.judged(event)
        else:
            self.ended(event)

    def question(self, asked: Asked, counter: str = "") -> None:
        """The question with everything needed to answer it."""
        title = " · ".join(filter(None, [counter, asked.concept.replace("_", " "), asked.kind, f"level {asked.level}"]))
        self.console.print()
        self.line(title, "dim")
        self.line(asked.text, "bold")
        if asked.choices:
            self.table((option.letter, option.text) for option in asked.choices)
        if asked.steps:
            self.table(asked.steps)
        if asked.code:
            self.table((str(n), line) for n, line in enumerate(asked.code.splitlines(), 1))
        symbols = getattr(asked.question, "symbols", {}) if asked.kind in ("formula", "stable") else {}
        if symbols:
            self.line("in " + ", ".join(f"{name} ({said(domain)})" for name, domain in symbols.items()), "dim")

    def refused(self, event: Refused) -> None:
        if event.column is not None and event.typed:
            self.line(event.typed)
            self.console.print(" " * min(event.column, len(event.typed)) + "^", style="yellow")
        self.line(f"{event.message}. This did not count.", "yellow")

    def judged(self, event: Judged) -> None:
        verdict = event.verdict
        self.line("Right." if verdict.correct else "Wrong.", "bold green" if verdict.correct else "bold red")
        if 0 < verdict.score < 1:
            self.line(f"Partly right: {verdict.score:.0%}.")
        if verdict.message:
            self.line(verdict.message)
        if not verdict.correct:
            self.line(f"Answer: {answer_text(event.asked)}", "bold")
        self.line(event.asked.explain)
        self.line(where_to_read(event.asked), "dim")
        if event.due_us is not None:
            self.line(f"Comes again {until((event.due_us - event.now_us) // 10**6)}.", "dim")

    def ended(self, event: Ended) -> None:
        self.console.print()
        self.line(summary(event), "bold")

    def solution(self, asked: Asked, verified: str) -> None:
        """What `dlquiz show` adds to the question: the key, the feedback to each option, how the key is known."""
        self.line(f"Answer: {answer_text(asked)}", "bold green")
        if asked.choices:
            self.table((option.letter, option.why) for option in asked.choices)
        self.line(asked.explain)
        self.table((f"hint {n}", hint) for n, hint in enumerate(asked.hints, 1))
        self.line(f"Key {verified}", "dim")
        self.line(where_to_read(asked), "dim")

    def line(self, text: str, style: str = "") -> None:
        self.console.print(self.prose(text, style))

    def table(self, rows: Iterable[tuple[str, str]]) -> None:
        """A label and a text beside it, which wraps under itself."""
        from rich.table import Table

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold", justify="right", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, text in rows:
            grid.add_row(f"  {plain(label)}", self.prose(text))
        self.console.print(grid)

    def prose(self, text: str, style: str = "") -> "Text":
        """Text with its `code` set off: by colour where there is colour, by the backticks where there is none."""
        from rich.text import Text

        text = plain(text)
        shown = Text(style=style)
        for i, part in enumerate(text.split("`")):
            if i % 2 and self.coloured:
                shown.append(part, "cyan")
            else:
                shown.append(f"`{part}`" if i % 2 else part)
        return shown


def answer_text(asked: Asked) -> str:
    """The key as a sentence would have it: the letter and what it stands for."""
    from dlquiz.params import show

    key = asked.key()
    if asked.choices:
        return "; ".join(f"{option.letter}, {option.text}" for option in asked.choices if option.correct)
    if isinstance(key, float):
        return f"{show(key, 6)} {getattr(asked.question, 'unit', '')}".strip()
    return f"line {key}" if asked.kind == "bug" else str(key)


def where_to_read(asked: Asked) -> str:
    """The page of the concept, and the function on it."""
    concept, _, function = asked.ref.partition(".")
    return f"Read: docs/concepts/{concept}.md, {function}"


def said(domain: object) -> str:
    """A symbol's domain in words."""
    words = {"real": "any real number", "positive": "above 0", "unit": "between 0 and 1"}
    if isinstance(domain, str):
        return words[domain]
    low, high = domain  # type: ignore[misc]  # the schema allows words or a pair
    return f"{low:g} to {high:g}"


def until(seconds: int) -> str:
    """A time from now in words: in 10 minutes, tomorrow, in 3 weeks."""
    if seconds <= 0:
        return "now"
    if seconds < HOUR:
        return _in(seconds / MINUTE, "minute")
    if seconds < DAY:
        return _in(seconds / HOUR, "hour")
    days = seconds / DAY
    if days < 1.5:
        return "tomorrow"
    if days < 14:
        return _in(days, "day")
    return _in(days / 7, "week") if days < 60 else _in(days / 30.44, "month")


def _in(number: float, unit: str) -> str:
    count = max(round(number), 1)
    return f"in {count} {unit}{'s' * (count > 1)}"


def summary(event: Ended) -> str:
    """How a session went, in a line or two."""
    answered = event.right + event.wrong
    parts = [f"{event.right} of {answered} right" if answered else "Nothing answered"]
    if event.skipped:
        parts.append(f"{event.skipped} skipped")
    if event.left:
        parts.append(f"{event.left} not reached")
    text = ", ".join(parts) + "."
    if event.soon:
        count = len(event.soon)
        text += f" {count} come{'s' * (count == 1)} again within the hour: type dlquiz review."
    return text


def home(rows: list[tuple[str, int, int, int]]) -> str:
    """Due, new and known questions of each concept, and what to type next."""
    width = max(len(name) for name, *_ in rows)
    lines = [f"{'':{width}}  {'due':>4} {'new':>4} {'known':>5}"]
    lines += [f"{name.replace('_', ' '):{width}}  {due:>4} {new:>4} {known:>5}" for name, due, new, known in rows]
    due, new = sum(row[1] for row in rows), sum(row[2] for row in rows)
    if due or new:
        what = f"{due} due" if due else "the first new ones" if not any(row[3] for row in rows) else "new ones"
        step = f"Type: dlquiz review   ({what})"
    else:
        step = "Nothing is due. Type: dlquiz list   (every question, dlquiz ask ID to try one)"
    return "\n".join([*lines, "", step])
