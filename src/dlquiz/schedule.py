"""When a question comes again, by FSRS, and which questions come now.

Time is an argument, in microseconds since 1970; a card's state is FSRS' own JSON. No fuzz, no spreading: replaying the
same answers gives the same dates.
"""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from fsrs import Scheduler

AGAIN, HARD, GOOD = 1, 2, 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Item = TypeVar("Item")


class State(NamedTuple):
    """When a card is due, and what FSRS remembers of it."""

    due_us: int
    fsrs: str


def rate(*, correct: bool, hints: int, tries: int) -> int:
    """The FSRS rating of an answer: wrong is Again, right with help or at the second try Hard, else Good."""
    if not correct:
        return AGAIN
    return HARD if hints or tries > 1 else GOOD


def review(state: str | None, grade: int, at_us: int) -> State:
    """The state after an answer; `None` is a card never seen."""
    from fsrs import Card, Rating

    card = Card.from_json(state) if state else Card(card_id=0, due=EPOCH)
    card, _ = _scheduler().review_card(card, Rating(grade), EPOCH + timedelta(microseconds=at_us))
    return State((card.due - EPOCH) // timedelta(microseconds=1), card.to_json())


def replay(answers: Iterable[tuple[int, int]]) -> State | None:
    """The state after a whole history of (grade, time)."""
    state: State | None = None
    for grade, at_us in answers:
        state = review(state.fsrs if state else None, grade, at_us)
    return state


def days_left(day: date, now_us: int) -> int:
    """The whole days until `day` begins where the learner lives."""
    return (datetime.combine(day, time()).astimezone() - moment(now_us)).days


def within(state: State, days: int) -> int:
    """When a card is due if it may not wait longer than `days`: what FSRS' maximum_interval would have given it."""
    last = datetime.fromisoformat(json.loads(state.fsrs)["last_review"])
    return min(state.due_us, (last + timedelta(days=days) - EPOCH) // timedelta(microseconds=1))


def moment(at_us: int) -> datetime:
    """A time in microseconds as a date and time of this place."""
    return (EPOCH + timedelta(microseconds=at_us)).astimezone()


def queue(
    questions: Sequence[Item], concept_of: Mapping[Item, str], due_us: Mapping[Item, int], now_us: int, new: int
) -> list[Item]:
    """What to ask now: the due ones, longest overdue first, then `new` unseen ones, concepts in turn within each."""
    due = sorted((one for one in questions if due_us.get(one, now_us + 1) <= now_us), key=lambda one: due_us[one])
    unseen = [one for one in questions if one not in due_us]
    return [*in_turn(due, concept_of), *in_turn(unseen, concept_of)[:new]]


def in_turn(items: Sequence[Item], group_of: Mapping[Item, str]) -> list[Item]:
    """One of each group, then the second of each, and so on; the order inside a group is kept."""
    seen: dict[str, int] = {}
    turns: list[tuple[int, Item]] = []
    for item in items:
        turn = seen.get(group_of[item], 0)
        seen[group_of[item]] = turn + 1
        turns.append((turn, item))
    return [item for _, item in sorted(turns, key=lambda pair: pair[0])]


@functools.cache
def _scheduler() -> "Scheduler":
    from fsrs import Scheduler

    return Scheduler(enable_fuzzing=False)
