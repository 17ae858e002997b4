"""Questions, dates and summaries in words; no colour, nothing heavy to import."""

TYPE_CHECKING = False  # typing costs a start 2 ms
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from dlquiz.events import Ended, Report
    from dlquiz.question import Asked

MINUTE, HOUR, DAY = 60, 3600, 86_400


def wanted(asked: "Asked") -> str:
    """What the prompt asks for."""
    unit = getattr(asked.question, "unit", "")
    return {
        "single": "letter",
        "multiple": "letters of all that apply",
        "truefalse": "t or f",
        "number": f"number in {unit}" if unit else "number",
        "order": f"letters in order, as in {''.join(asked.names)}",
        "bug": "number of the wrong line",
        "code": "e to edit, or the function",
    }.get(asked.kind, "formula")


def answer_text(asked: "Asked") -> str:
    """The key as a sentence would have it: the letter and what it stands for."""
    from dlquiz.params import show

    key = asked.key()
    if asked.choices:
        return "; ".join(f"{option.letter}, {option.text}" for option in asked.choices if option.correct)
    if isinstance(key, float):
        return f"{show(key, 6)} {getattr(asked.question, 'unit', '')}".strip()
    return f"line {key}" if asked.kind == "bug" else str(key)


def feedback(asked: "Asked") -> list[tuple[str, str]]:
    """What is said to each answer that the bank foresees."""
    from dlquiz.params import fill

    question: Any = asked.question
    if asked.choices:
        return [(option.letter, option.why) for option in asked.choices]
    if asked.kind == "truefalse":
        return [("if not", fill(question.why_not, asked.values))]
    if asked.kind == "bug":
        return [("", asked.mutant().why)]
    mistakes = getattr(question, "mistakes", [])
    return [("-", f"`{foreseen(mistake)}`: {fill(mistake.say, asked.values)}") for mistake in mistakes]


def foreseen(mistake: "Any") -> str:
    """The wrong answer that a mistake's feedback is for."""
    if getattr(mistake, "value", None) is not None:
        return f"{mistake.value:g}"
    if hasattr(mistake, "mutant"):
        return mistake.mutant
    return mistake.formula or f"{mistake.call}({', '.join(f'{key}={value}' for key, value in mistake.args.items())})"


def where_to_read(asked: "Asked") -> str:
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
    return f"in {times(max(round(number), 1), unit)}"


def times(number: int, what: str) -> str:
    """1 day, 2 days."""
    return f"{number} {what}{'s' * (number != 1)}"


def summary(event: "Ended") -> str:
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
    if event.interrupted and event.saved:
        text += " Every answer is saved; dlquiz review goes on from here."
    if event.flagged:
        text += f" Flagged: {', '.join(event.flagged)}."
    return text


def time_left(seconds: int) -> str:
    """How much of the exam's time is left."""
    if seconds < MINUTE:
        return f"{seconds} seconds left"
    return f"{times(seconds // MINUTE, 'minute')} left"


def exam_summary(report: "Report") -> list[str]:
    """How an exam went, and why it ended if it did before it was done."""
    right = sum(bool(one.verdict and one.verdict.correct) for one in report.results)
    missing = sum(one.verdict is None for one in report.results)
    ends = {"time": "The time is over.", "left": "Handed in.", "interrupted": "Left by Ctrl-C."}
    total, used = len(report.results), max(round(report.used / MINUTE), 1)
    open_ = f", {missing} not answered" if missing else ""
    text = f"{right} of {total} right ({right / total:.0%}){open_}, in {used} of {report.seconds // MINUTE} minutes."
    return [ends[report.end], text] if report.end in ends else [text]


def by_concept(report: "Report") -> list[tuple[str, int, int]]:
    """The concepts of an exam with how many of their questions were right, the weakest first."""
    found: dict[str, list[bool]] = {}
    for one in report.results:
        found.setdefault(one.asked.concept, []).append(bool(one.verdict and one.verdict.correct))
    rows = [(concept, sum(marks), len(marks)) for concept, marks in found.items()]
    return sorted(rows, key=lambda row: row[1] / row[2])


def listing(groups: "Mapping[str, Sequence[Mapping[str, Any]]]", width: int) -> str:
    """The questions of each concept, a line each; two where they are wider than `width`."""
    rows = [row for group in groups.values() for row in group]
    longest = max((len(row["id"]) for row in rows), default=0)
    between = "  " if not width or longest + 26 <= width else "\n    "
    lines = []
    for name, group in groups.items():
        lines.append(name)
        for row in group:
            id_ = f"{row['id']:{longest}}" if between == "  " else row["id"]
            lines.append(f"  {id_}{between}{row['kind']:9}  {row['level']}  {row['verified']}")
    return "".join(f"{line}\n" for line in lines)


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
