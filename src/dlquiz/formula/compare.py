"""Whether two formulas are the same function: evaluated at many points, in many digits.

The honest limit: formulas that differ only where no sample falls (a bump of width 1e-9, a tail beyond 1e6) are
taken for equal.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import mpmath
from mpmath import mpf

from dlquiz.formula.parser import Formula
from dlquiz.formula.values import UndefinedError, in_floats, value

Domain = str | tuple[float, float] | list[float]
Domains = Mapping[str, Domain]

POINTS, NEEDED, TOLERANCE = 24, 8, mpf(10) ** -25
SPECIAL = {"real": (0, 1, -1, 30, -30), "positive": (1, 2, 1e-6, 1e3), "unit": (0.5,)}


@dataclass(frozen=True)
class Verdict:
    """`equal`, and where it is False the `point` with what was `got` and `want`ed there."""

    equal: bool
    why: str
    point: dict[str, float] | None = None
    got: str = ""
    want: str = ""
    note: str = ""
    undecided: bool = field(default=False, kw_only=True)


def same(got: Formula, want: Formula, domain: Domains, *, ties: bool = False, seed: int = 0) -> Verdict:
    """Compare `got` with the key `want`; a difference only at a zero or a tie is a note unless `ties` is set."""
    if got.node == want.node:
        return Verdict(equal=True, why="identical")
    agreed, note = 0, ""
    for special, point in samples(domain, seed=seed):
        expected = _try(want, point)
        if isinstance(expected, UndefinedError):
            continue
        difference = _difference(got, want, point, expected)
        if difference is None:
            agreed += 1
        elif special and _forgiven(difference, point, ties):
            note = note or f"yours differs from the key only at {show(point)}: {difference.got}, not {difference.want}"
        else:
            return _readable(difference, got, want, domain)
    if agreed < NEEDED:
        return Verdict(equal=False, why=f"only {agreed} points could be compared", undecided=True)
    return Verdict(equal=True, why=f"equal at {agreed} points to 25 digits", note=note)


def unstable(got: Formula, key: Formula, points: "list[dict[str, Any]]", dtype: str, rel: float) -> Verdict | None:
    """The first of `points` at which `got`, run in `dtype` as typed, misses the key; None if it never does."""
    for point in points:
        want = value(key, point)
        result = in_floats(got, point, dtype)
        if not abs(result - want) <= rel * abs(want):
            return Verdict(
                equal=False, why=f"fails in {dtype}", point=dict(point), got=f"{result:.6g}", want=_digits(want, 6)
            )
    return None


def samples(domain: Domains, *, count: int = POINTS, seed: int = 0) -> Iterator[tuple[bool, dict[str, float]]]:
    """Points as (special, point): first drawn ones, then zeros, ones and large values, then ties of two names."""
    random = Random(seed)  # noqa: S311  # points to compare at, no secrets
    for _ in range(count):
        yield False, {name: _draw(kind, random) for name, kind in domain.items()}
    for turn in range(5):
        yield True, {name: _special(kind, turn) for name, kind in domain.items()}
    reals = [name for name, kind in domain.items() if kind == "real"]
    for first, second in itertools.pairwise(reals):
        point = {name: _draw(kind, random) for name, kind in domain.items()}
        yield True, {**point, second: point[first]}


def show(point: Mapping[str, float]) -> str:
    """A point as a person reads it: x = 2.5, d = 1."""
    return ", ".join(f"{name} = {float(number):.4g}" for name, number in point.items())


def _draw(kind: Domain, random: Random) -> float:
    if kind == "real":
        return random.choice((-1, 1)) * 10 ** random.uniform(-2, 1.2)
    if kind == "positive":
        return 10 ** random.uniform(-2, 1.5)
    if kind == "unit":
        return random.uniform(0.01, 0.99)
    low, high = kind
    return random.uniform(float(low), float(high))


def _special(kind: Domain, turn: int) -> float:
    if isinstance(kind, str):
        return SPECIAL[kind][min(turn, len(SPECIAL[kind]) - 1)]
    low, high = kind
    return (float(low) + float(high)) / 2


def _readable(difference: Verdict, got: Formula, want: Formula, domain: Domains) -> Verdict:
    """The same verdict at a point of one or two figures, if the formulas differ there too."""
    for figures in (1, 2):
        point = {name: float(f"{number:.{figures}g}") for name, number in (difference.point or {}).items()}
        expected = _try(want, point)
        if all(map(_inside, point.values(), domain.values())) and not isinstance(expected, UndefinedError):
            rounder = _difference(got, want, point, expected)
            if rounder and rounder.why == difference.why:
                return rounder
    return difference


def _inside(number: float, kind: Domain) -> bool:
    if isinstance(kind, str):
        return kind == "real" or (number > 0 if kind == "positive" else 0 < number < 1)
    return kind[0] <= number <= kind[1]


def _try(formula: Formula, point: Mapping[str, float], digits: int = 50) -> Any:
    try:
        return value(formula, point, digits)
    except (UndefinedError, ArithmeticError, ValueError) as error:
        return error if isinstance(error, UndefinedError) else UndefinedError(str(error))


def _agree(a: Any, b: Any) -> bool:
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b), mpf(10) ** -30)


def _difference(got: Formula, want: Formula, point: dict[str, float], expected: Any) -> Verdict | None:
    result = _try(got, point)
    if isinstance(result, UndefinedError):
        return Verdict(equal=False, why=f"no value: {result}", point=point, got="no value", want=_digits(expected))
    if _agree(result, expected):
        return None
    # Is the difference real, or did 50 digits cancel?
    result, expected = _try(got, point, 120), _try(want, point, 120)
    if isinstance(result, UndefinedError) or isinstance(expected, UndefinedError) or _agree(result, expected):
        return None
    shown = ((_digits(result, count), _digits(expected, count)) for count in (6, 12, 26))
    got_text, want_text = next((pair for pair in shown if pair[0] != pair[1]), ("", ""))
    return Verdict(equal=False, why="differs", point=point, got=got_text, want=want_text)


def _forgiven(difference: Verdict, point: Mapping[str, float], ties: bool) -> bool:  # noqa: FBT001  # same's own
    if difference.got == "no value":
        return True
    values = list(point.values())
    return not ties and (0 in values or len(set(values)) < len(values))


def _digits(number: Any, count: int = 6) -> str:
    return str(mpmath.nstr(number, count))
