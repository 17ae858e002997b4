"""What gives an answer away to someone who knows nothing: length, place, and "all of the above"."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dlquiz import schema

ENOUGH = 8  # questions below which a rate says nothing
MARGIN = 0.10
ALL_OF_THEM = re.compile(
    r"\b(all|none|both|neither) of (the above|these|them|the others)\b|\ball the above\b", re.IGNORECASE
)

Pick = Callable[[Sequence[schema.Choice]], list[schema.Choice]]


@dataclass(frozen=True)
class Strategy:
    """How often a guesser who always picks the same way is right, beside one who picks blindly."""

    name: str
    rate: float
    chance: float
    asked: int

    @property
    def gives_away(self) -> bool:
        return self.asked >= ENOUGH and self.rate > self.chance + MARGIN

    def __str__(self) -> str:
        return f"always {self.name} is right {self.rate:.0%} of the time, chance is {self.chance:.0%}"


def strategies(questions: Sequence[schema.Question]) -> list[Strategy]:
    """Every guessing strategy, measured on these questions."""
    asked = [
        question.choices for question in questions if isinstance(question, schema.Choices) and not question.retired
    ]
    picks: dict[str, Pick] = {"the longest option": _longest, "the shortest option": _shortest}
    widest = max(map(len, asked), default=0)
    picks |= {f"option {i + 1} of the file": _at(i) for i in range(widest)}
    picks["the last option of the file"] = _at(-1)
    measured = [_measure(name, pick, asked) for name, pick in picks.items()]
    truths = [q.answer for q in questions if isinstance(q, schema.TrueFalse) and not q.retired]
    for name, value in (("true", True), ("false", False)):
        rate = truths.count(value) / len(truths) if truths else 0.0
        measured.append(Strategy(f"{name!r}", rate, 0.5, len(truths)))
    return measured


def giveaways(questions: Sequence[schema.Question]) -> Iterator[str]:
    """One line for each strategy that beats chance by more than ten points."""
    yield from (str(strategy) for strategy in strategies(questions) if strategy.gives_away)


def speaks_of_others(text: str) -> bool:
    """Whether an option speaks of the other options: shuffling breaks it, and it is right too often."""
    return bool(ALL_OF_THEM.search(text))


def _measure(name: str, pick: Pick, asked: Sequence[Sequence[schema.Choice]]) -> Strategy:
    """A tie is broken blindly, so each of the picked options counts its share."""
    picked = [(pick(choices), choices) for choices in asked]
    picked = [(some, choices) for some, choices in picked if some]
    rates = [_share(some) for some, _ in picked]
    chances = [_share(choices) for _, choices in picked]
    count = len(picked)
    return Strategy(name, sum(rates) / max(count, 1), sum(chances) / max(count, 1), count)


def _share(choices: Sequence[schema.Choice]) -> float:
    return sum(choice.correct for choice in choices) / len(choices)


def _longest(choices: Sequence[schema.Choice]) -> list[schema.Choice]:
    most = max(len(choice.text) for choice in choices)
    return [choice for choice in choices if len(choice.text) == most]


def _shortest(choices: Sequence[schema.Choice]) -> list[schema.Choice]:
    least = min(len(choice.text) for choice in choices)
    return [choice for choice in choices if len(choice.text) == least]


def _at(position: int) -> Pick:
    return lambda choices: list(choices[position:][:1]) if position >= 0 else [choices[position]]
