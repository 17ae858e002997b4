"""Numbers drawn for one asking of a question, and what the names in its formulas mean."""

import functools
import re
from collections.abc import Mapping
from random import Random
from typing import Any

from dlquiz.parts import PLACEHOLDER, Param

Value = float | list[Any]


def draw(params: Mapping[str, Param], random: Random) -> dict[str, Value]:
    """One value for each param."""
    return {name: _draw(param, random) for name, param in params.items()}


def _draw(param: Param, random: Random) -> Any:
    if param.choice:
        return random.choice(param.choice)
    if param.range:
        return random.randint(*param.range)
    low, high = param.uniform or (0.0, 1.0)
    return round(random.uniform(low, high), param.digits)


def fill(text: str, values: Mapping[str, Value]) -> str:
    """Put the drawn numbers into a text. Never `str.format`: ``{x.__class__}`` stays text."""
    return PLACEHOLDER.sub(lambda match: show(values[match[1]]) if match[1] in values else match[0], text)


def show(value: Value, digits: int = 10) -> str:
    """A number or list as a person writes it."""
    if isinstance(value, list):
        return "[" + ", ".join(show(item, digits) for item in value) + "]"
    return f"{value:.{digits}g}"


def components(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values, and ``z0``, ``z1``, ... for each vector ``z``."""
    parts = {
        f"{name}{i}": part for name, value in values.items() if isinstance(value, list) for i, part in enumerate(value)
    }
    return {**parts, **values}


def evaluate(argument: Any, env: Mapping[str, Value]) -> Any:
    """An argument as numbers: a text is a name or a formula, a list is taken item by item."""
    if isinstance(argument, list):
        return [evaluate(item, env) for item in argument]
    if not isinstance(argument, str):
        return argument
    name = re.sub(r"^\{(\w+)\}$", r"\1", argument.strip())
    if name in env:
        return env[name]
    return number(PLACEHOLDER.sub(r"(\1)", name), env)


def number(text: str, env: Mapping[str, Value]) -> float:
    """The value of a formula in the names of `env`."""
    from dlquiz.formula import value

    scalars = {name: part for name, part in env.items() if not isinstance(part, list)}
    return float(value(_parsed(text, frozenset(scalars)), scalars))


@functools.lru_cache(4096)
def _parsed(text: str, names: frozenset[str]) -> Any:
    from dlquiz.formula import parse

    return parse(text, names)
