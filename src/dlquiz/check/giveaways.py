"""What gives an answer away to someone who knows nothing: length, place, wording, grammar, "all of the above"."""

import re
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from dlquiz import schema

ENOUGH = 8  # questions below which a rate says nothing
MARGIN = 0.10
ALL_OF_THEM = re.compile(
    r"\b(all|none|both|neither) of (the above|these|them|the others)\b|\ball the above\b", re.IGNORECASE
)

ABSOLUTE = re.compile(r"\b(always|never|only|every|all|none|nothing|no|any|must|exactly|impossible)\b", re.IGNORECASE)
HEDGED = re.compile(
    r"\b(usually|often|mostly|may|might|can|could|some|sometimes|about|nearly|roughly)\b", re.IGNORECASE
)
WORD = re.compile(r"[a-z]{4,}")
ARTICLE = re.compile(r"\b(an?)\s*(?:\.{3}|…|_+|:)?\s*$", re.IGNORECASE)
MANY = re.compile(
    r"\b(?:which|what) (?:of (?:these|them|the following) )?(?:are|hold|apply)\b|\ball that\b", re.IGNORECASE
)

Pick = Callable[[schema.Choices], list[schema.Choice]]


class Strategy(Struct, frozen=True):
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
    asked = [question for question in questions if isinstance(question, schema.Choices) and not question.retired]
    picks: dict[str, Pick] = {
        "the longest option": _longest,
        "the shortest option": _shortest,
        "an option without 'always', 'never' and the like": _wording(ABSOLUTE, has=False),
        "an option with 'usually', 'may' and the like": _wording(HEDGED, has=True),
        "the option with most words of the question": _echo,
        "the only option that ends otherwise": _odd_end,
    }
    widest = max((len(question.choices) for question in asked), default=0)
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


def misfits(question: schema.Choices) -> Iterator[tuple[str, int | None]]:
    """What the grammar of a question gives away, and at which option."""
    if isinstance(question, schema.Single) and (said := MANY.search(question.text)):
        yield f"the question says {said[0]!r}, and one option is right", None
    if ending := ARTICLE.search(question.text):
        for i, choice in enumerate(question.choices):
            if (choice.text.lstrip("`*_ ")[:1].lower() in "aeiou") != (ending[1].lower() == "an"):
                yield f"the question ends in {ending[1]!r}, which this option does not fit", i


def _measure(name: str, pick: Pick, asked: Sequence[schema.Choices]) -> Strategy:
    """A tie is broken blindly, so each of the picked options counts its share; who cannot pick does not count."""
    picked = [(pick(question), question.choices) for question in asked]
    picked = [(some, choices) for some, choices in picked if some]
    rates = [_share(some) for some, _ in picked]
    chances = [_share(choices) for _, choices in picked]
    count = len(picked)
    return Strategy(name, sum(rates) / max(count, 1), sum(chances) / max(count, 1), count)


def _share(choices: Sequence[schema.Choice]) -> float:
    return sum(choice.correct for choice in choices) / len(choices)


def _best(question: schema.Choices, score: Callable[[schema.Choice], int]) -> list[schema.Choice]:
    most = max(map(score, question.choices))
    return [choice for choice in question.choices if score(choice) == most]


def _some(question: schema.Choices, chosen: list[schema.Choice]) -> list[schema.Choice]:
    """A pick that leaves something out, or none."""
    return chosen if len(chosen) < len(question.choices) else []


def _longest(question: schema.Choices) -> list[schema.Choice]:
    return _best(question, lambda choice: len(choice.text))


def _shortest(question: schema.Choices) -> list[schema.Choice]:
    return _best(question, lambda choice: -len(choice.text))


def _wording(words: re.Pattern[str], *, has: bool) -> Pick:
    return lambda question: _some(question, [c for c in question.choices if bool(words.search(c.text)) is has])


def _echo(question: schema.Choices) -> list[schema.Choice]:
    asked = set(WORD.findall(question.text.lower()))
    return _some(question, _best(question, lambda choice: len(asked & set(WORD.findall(choice.text.lower())))))


def _odd_end(question: schema.Choices) -> list[schema.Choice]:
    stopped = [choice.text.endswith(".") for choice in question.choices]
    alone = [choice for choice, stop in zip(question.choices, stopped, strict=True) if stopped.count(stop) == 1]
    return alone if len(question.choices) > 2 else []


def _at(position: int) -> Pick:
    return lambda question: question.choices[position:][:1] if position >= 0 else [question.choices[position]]
