"""What a learner's function is called with: cases that the bank states, and cases drawn by the reference's annotations.

An annotation says an argument's axes and its law (`dlref._types`); what keeps the law is drawn, well inside it at first
and then at its far ends. Arrays are JSON: ``{"values": [...], "shape": [...], "dtype": "float64"}``.
"""

import inspect
import math
import struct
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from dlquiz.failures import BankError
from dlquiz.registry import reference
from dlquiz.schema import Code
from dlquiz.text import nearest

DRAWN = 12  # cases well inside the laws, and as many at their ends
BATCHES = ((6,), (2, 3))
SIZE = 5  # of every axis that has a name
EXTREMES = (-1e4, -100.0, -30.0, -1.0, -1e-4, -1e-30, 0.0, 1e-30, 1e-4, 0.5, 1.0, 30.0, 100.0, 1e4)

Case = dict[str, Any]


@dataclass(frozen=True)
class Argument:
    """One argument: its axes by name (None for a number), its law, whether it counts, and its default."""

    name: str
    axes: tuple[str, ...] | None
    law: Any
    whole: bool
    default: Any

    @property
    def own_axes(self) -> int:
        """How many axes one example has: those that are not the batch's."""
        return sum("*" not in axis and axis != "..." for axis in self.axes or ())


def cases(question: Code, seed: int) -> list[Case]:
    """Every case of a question: the stated ones first, then those that `seed` draws."""
    taken = arguments(question.ref)
    random = Random(f"{question.id}:{seed}")  # noqa: S311  # no secret
    stated = [_stated(question, taken, case) for case in question.cases]
    if not question.draws:
        return stated
    drawn = [_drawn(question, taken, random, n, extreme=n >= DRAWN) for n in range(2 * DRAWN)]
    return [*stated, *drawn]


def arguments(ref: str) -> list[Argument]:
    """The arguments of a reference function, in order."""
    function = reference(ref)
    hints = typing.get_type_hints(function, include_extras=True)
    return [_argument(each, hints[each.name]) for each in inspect.signature(function).parameters.values()]


def _argument(parameter: inspect.Parameter, annotation: Any) -> Argument:
    law = None
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, law, *_ = typing.get_args(annotation)
    kinds = [kind for kind in typing.get_args(annotation) or (annotation,) if hasattr(kind, "dim_str")]
    axes = tuple(kinds[0].dim_str.split()) if kinds else None
    whole = bool(kinds) and not any("float32" in kind.dtypes for kind in kinds)
    return Argument(parameter.name, axes, law, whole, parameter.default)


# -- stated


def _stated(question: Code, taken: list[Argument], case: dict[str, Any]) -> Case:
    names = [argument.name for argument in taken]
    for name in case:
        if name not in names:
            raise BankError(f"{question.ref} has no argument {name!r}{nearest(name, names)}")
    return {a.name: _given(question, a, case[a.name]) if a.name in case else _default(a) for a in taken}


def _given(question: Code, argument: Argument, value: Any) -> Any:
    if argument.axes is None:
        return value
    flat, shape = [*_flat(value)], _shape(value)
    if len(flat) != math.prod(shape) or any(isinstance(one, str) for one in flat):
        raise BankError(f"{argument.name} is no array of numbers: {value!r}"[:200])
    return _array(question, argument, [float(one) for one in flat], shape)


def _default(argument: Argument) -> Any:
    if argument.default is inspect.Parameter.empty:
        raise BankError(f"a case must say what {argument.name} is")
    return argument.default


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _shape(value: Any) -> tuple[int, ...]:
    return (len(value), *(_shape(value[0]) if value else ())) if isinstance(value, list) else ()


def _array(question: Code, argument: Argument, values: list[float], shape: tuple[int, ...]) -> dict[str, Any]:
    if argument.whole:
        return {"values": [int(value) for value in values], "shape": list(shape), "dtype": "int64"}
    return {"values": [_single(value) for value in values], "shape": list(shape), "dtype": question.dtype}


def _single(value: float) -> float:
    """The nearest number that float32 has, so that both dtypes are asked about the same point."""
    return struct.unpack("f", struct.pack("f", value))[0]


# -- drawn


def _drawn(question: Code, taken: list[Argument], random: Random, n: int, *, extreme: bool) -> Case:
    batch = BATCHES[n % len(BATCHES)]
    case: Case = {}
    for argument in taken:
        if argument.axes is None:
            case[argument.name] = _number(argument, random, as_it_is=n < 4)
        else:
            shape = sum((batch if "*" in axis else (SIZE,) for axis in argument.axes), ())
            values = _values(argument, math.prod(shape), random, extreme=extreme)
            case[argument.name] = _array(question, argument, values, shape)
    return case


def _number(argument: Argument, random: Random, *, as_it_is: bool) -> Any:
    legal = NUMBERS.get(type(argument.law).__name__)
    if legal is None or (as_it_is and argument.default is not inspect.Parameter.empty):
        return _default(argument)
    return random.choice(legal(argument.law))


def _values(argument: Argument, count: int, random: Random, *, extreme: bool) -> list[float]:
    law = type(argument.law).__name__
    if law in ROWS:
        return [value for _ in range(count // SIZE) for value in ROWS[law](random, extreme)]
    if law not in (ENDS if extreme else INSIDE):
        raise BankError(f"nobody knows how to draw {argument.name}, which obeys {law}: state cases, and draws: false")
    if extreme:
        ends = ENDS[law](argument.law)
        return [float(random.choice(ends)) for _ in range(count)]
    return [_readable(INSIDE[law](argument.law, random)) for _ in range(count)]


def _readable(value: float) -> float:
    """A near number of few digits, exact in float32: it may have to be read in a message."""
    return round(value * 64) / 64 or value


def _above(bound: float) -> list[float]:
    return [value for value in EXTREMES if value > bound]


def _softmax(random: Random, extreme: bool) -> list[float]:  # noqa: FBT001  # as ROWS calls it
    powers = [math.exp(min(random.gauss(0, 60 if extreme else 1), 300)) for _ in range(SIZE)]
    return [power / sum(powers) for power in powers]


def _one_hot(random: Random, _: bool) -> list[float]:  # noqa: FBT001  # as ROWS calls it
    right = random.randrange(SIZE)
    return [float(i == right) for i in range(SIZE)]


NUMBERS: dict[str, Callable[[Any], list[float]]] = {
    "Above": lambda law: [law.bound + 0.5, law.bound + 2, law.bound + 1e-3],
    "AtLeast": lambda law: [law.bound + 0.5, law.bound, law.bound + 2],
    "Between": lambda law: [law.low + (law.high - law.low) / 8, law.low, law.high],
}
INSIDE: dict[str, Callable[[Any, Random], float]] = {
    "NoneType": lambda _, random: round(random.gauss(0, 2) * 8) / 8,
    "Above": lambda law, random: law.bound + math.exp(random.gauss(0, 1)) + 2**-6,
    "AtLeast": lambda law, random: law.bound + math.exp(random.gauss(0, 1)),
    "Between": lambda law, random: law.low + (law.high - law.low) * random.uniform(0.05, 0.95),
    "OneOf": lambda law, random: random.choice(law.values),
    "IndexInto": lambda _, random: random.randrange(SIZE),
}
ENDS: dict[str, Callable[[Any], list[float]]] = {
    "NoneType": lambda _: [*EXTREMES],
    "Above": lambda law: [law.bound + 2**-7, *_above(law.bound)],
    "AtLeast": lambda law: [law.bound, *_above(law.bound)],
    "Between": lambda law: [law.low, law.high, law.high - 2**-24, *(e for e in _above(law.low) if e < law.high)],
    "OneOf": lambda law: [*law.values],
    "IndexInto": lambda _: [*range(SIZE)],
}
ROWS: dict[str, Callable[[Random, bool], list[float]]] = {"Distribution": _softmax, "OneHot": _one_hot}
