"""What a check says, and the draws it looks at."""

from typing import Any, NamedTuple

from dlquiz.params import show
from dlquiz.question import Asked, draw
from dlquiz.tree import Trail

DRAWS, POINTS = 50, 24


class Finding(NamedTuple):
    """What is wrong, and the path of the part that is."""

    message: str
    path: Trail = ()


def draws(question: Any) -> list[Asked]:
    """The question asked with each seed that draws other numbers; once is enough where nothing is drawn."""
    asked: dict[str, Asked] = {}
    for seed in range(DRAWS if question.params else 1):
        one = draw(question, seed)
        asked.setdefault(repr(one.values), one)
    return list(asked.values())


def shown(values: dict[str, Any]) -> str:
    """Drawn numbers for a message."""
    return ", ".join(f"{name} = {show(value)}" for name, value in values.items())
