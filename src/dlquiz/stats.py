"""What the log says about a learner, as numbers. Answers to a key that has changed since count as activity only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from dlquiz.store import Answer

DAY_US = 86_400 * 10**6
ONE = timedelta(days=1)
LEECH = 4  # wrong answers


class Share(NamedTuple):
    """How many of how many."""

    right: int
    total: int


class Stats(NamedTuple):
    """`retention` is of answers that came a day or more after the one before: what was remembered, not just read."""

    today: date
    answers: int
    known: int
    questions: int
    days: dict[date, int]
    streak: int
    longest: int
    retention: Share
    retention_month: Share
    forecast: list[tuple[date, int]]
    later: int
    concepts: dict[str, Share]
    leeches: list[tuple[str, int, int]]
    flagged: list[str]
    changed: int

    def weak(self) -> list[tuple[str, Share]]:
        """The concepts of which a fifth or more was wrong at the last answer, the weakest first."""
        rows = [(name, share) for name, share in self.concepts.items() if share.right < 0.8 * share.total]
        return sorted(rows, key=lambda row: row[1].right / row[1].total)

    def data(self) -> dict[str, Any]:
        """The same for `--json`."""
        lists = {
            "days": {str(day): number for day, number in sorted(self.days.items())},
            "forecast": [{"day": str(day), "due": number} for day, number in self.forecast],
            "leeches": [{"id": id_, "wrong": wrong, "answers": total} for id_, wrong, total in self.leeches],
            "concepts": {name: share._asdict() for name, share in self.concepts.items()},
            "weak": [name for name, _ in self.weak()],
        }
        shares = {"retention": self.retention._asdict(), "retention_month": self.retention_month._asdict()}
        return {**self._asdict(), "today": str(self.today), **lists, **shares, "version": 1}


def stats(
    rows: Sequence[Mapping[str, Any]],
    log: Iterable[Answer],
    due: Mapping[str, int],
    flagged: Iterable[str],
    now_us: int,
) -> Stats:
    """The numbers of a learner at this moment; `rows` are the questions that are still asked."""
    asked = {row["first_id"]: row for row in rows}
    done = sorted((answer for answer in log if not answer.undone), key=lambda one: one.at_us)
    today = _day(now_us)
    days = dict(Counter(_day(answer.at_us) for answer in done))
    counted = [one for one in done if one.question in asked and one.key_sha in ("", asked[one.question]["key_sha"])]
    histories: dict[str, list[Answer]] = {}
    for answer in counted:
        histories.setdefault(answer.question, []).append(answer)
    waits = [max((_day(at) - today).days, 0) for question, at in due.items() if question in asked]
    return Stats(
        today=today,
        answers=len(done),
        known=len(waits),
        questions=len(rows),
        days=days,
        streak=_streak(days, today),
        longest=max((_streak(days, day) for day in days if day + ONE not in days), default=0),
        retention=_retention(histories, 0),
        retention_month=_retention(histories, now_us - 30 * DAY_US),
        forecast=[(today + timedelta(days=n), waits.count(n)) for n in range(7)],
        later=sum(wait > 6 for wait in waits),
        concepts=_concepts(histories, asked),
        leeches=_leeches(histories, asked),
        flagged=[asked[one]["id"] if one in asked else one for one in flagged],
        changed=sum(one.question in asked for one in done) - len(counted),
    )


def _day(at_us: int) -> date:
    """The day of this place on which a moment falls."""
    return date.fromtimestamp(at_us // 10**6)  # the learner's own calendar


def _streak(days: Mapping[date, int], last: date) -> int:
    """Days in a row up to `last`, or up to the day before while `last` may still come."""
    if last not in days:
        last -= ONE
    length = 0
    while last - length * ONE in days:
        length += 1
    return length


def _retention(histories: Mapping[str, list[Answer]], since_us: int) -> Share:
    pairs = [pair for history in histories.values() for pair in pairwise(history)]
    later = [b.correct for a, b in pairs if b.at_us - a.at_us >= DAY_US and b.at_us >= since_us]
    return Share(sum(later), len(later))


def _concepts(histories: Mapping[str, list[Answer]], asked: Mapping[str, Any]) -> dict[str, Share]:
    """Of each concept, how many questions were right when they were last answered."""
    last: dict[str, list[bool]] = {}
    for question, history in histories.items():
        last.setdefault(asked[question]["concept"], []).append(history[-1].correct)
    return {name: Share(sum(marks), len(marks)) for name, marks in sorted(last.items())}


def _leeches(histories: Mapping[str, list[Answer]], asked: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Questions that were wrong again and again, and not right the last two times."""
    rows = []
    for question, history in histories.items():
        wrong = sum(not answer.correct for answer in history)
        if wrong >= LEECH and not all(answer.correct for answer in history[-2:]):
            rows.append((asked[question]["id"], wrong, len(history)))
    return sorted(rows, key=lambda row: -row[1])
