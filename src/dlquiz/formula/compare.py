"""Whether two formulas are the same function: evaluated at many points, in many digits.

The honest limit: formulas that differ only where no sample falls (a bump of width 1e-9, a tail beyond 1e6) are
taken for equal. A point at which a number passes 2**40000, or an angle 10**9, tells nothing; where fewer than eight
points tell anything, two formulas are called neither equal nor different.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import mpmath
from mpmath import mpf

from dlquiz.formula.parser import Formula
from dlquiz.formula.values import LimitError, UndefinedError, in_floats, value

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


AGREED = Verdict(equal=True, why="agrees")
UNTOLD = Verdict(equal=False, why="tells nothing", undecided=True)


def same(got: Formula, want: Formula, domain: Domains, *, ties: bool = False, seed: int = 0) -> Verdict:
    """Compare `got` with the key `want`; a difference only at a zero or a tie is a note unless `ties` is set."""
    if got.node == want.node:
        return Verdict(equal=True, why="identical")
    agreed, note = 0, ""
    for special, point in samples(domain, seed=seed):
        expected = _try(want, point)
        if isinstance(expected, UndefinedError):
            continue
        here = _compare(got, want, point, expected)
        if here.equal:
            agreed += 1
        elif not here.undecided and special and _forgiven(here, point, ties):
            note = note or f"yours differs from the key only at {show(point)}: {here.got}, not {here.want}"
        elif not here.undecided:
            return _readable(here, got, want, domain)
    if agreed < NEEDED:
        return Verdict(equal=False, why=f"only {agreed} points could be compared", undecided=True)
    return Verdict(equal=True, why=f"equal at {agreed} points to 25 digits", note=note)


def unstable(got: Formula, key: Formula, points: "list[dict[str, Any]]", dtype: str, rel: float) -> list[Verdict]:
    """Each of `points` at which `got`, run in `dtype` as typed, misses the key."""
    missed = []
    for point in points:
        want = value(key, point)
        result = in_floats(got, point, dtype)
        if not abs(result - want) <= rel * abs(want):
            why, wanted = f"fails in {dtype}", _digits(want, 6)
            missed.append(Verdict(equal=False, why=why, point=dict(point), got=f"{result:.6g}", want=wanted))
    return missed


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
            rounder = _compare(got, want, point, expected)
            if rounder.why == difference.why:
                return rounder
    return difference


def _inside(number: float, kind: Domain) -> bool:
    if isinstance(kind, str):
        return kind == "real" or (number > 0 if kind == "positive" else 0 < number < 1)
    return kind[0] <= number <= kind[1]


def _try(formula: Formula, point: Mapping[str, float], digits: int = 50, *, strict: bool = False) -> Any:
    try:
        return value(formula, point, digits, strict=strict)
    except (UndefinedError, ArithmeticError, ValueError) as error:
        return error if isinstance(error, UndefinedError) else UndefinedError(str(error))


def _compare(got: Formula, want: Formula, point: dict[str, float], expected: Any) -> Verdict:
    """Equal or different at one point; undecided where the point tells nothing."""
    result = _try(got, point)
    nothing = isinstance(result, UndefinedError)
    if (nothing or result == expected == 0) and _at_a_limit(got, want, point):
        return UNTOLD
    if nothing:
        return Verdict(equal=False, why=f"no value: {result}", point=point, got="no value", want=_digits(expected))
    if _agree(result, expected):
        return AGREED
    # Is the difference real, or did 50 digits cancel?
    result, expected = _try(got, point, 120), _try(want, point, 120)
    if isinstance(result, UndefinedError) or isinstance(expected, UndefinedError):
        return UNTOLD
    if _agree(result, expected):
        return AGREED
    shown = ((_digits(result, count), _digits(expected, count)) for count in (6, 12, 26))
    got_text, want_text = next((pair for pair in shown if pair[0] != pair[1]), ("", ""))
    return Verdict(equal=False, why="differs", point=point, got=got_text, want=want_text)


def _at_a_limit(got: Formula, want: Formula, point: dict[str, float]) -> bool:
    """Whether a number too large or too small to compute with comes up here."""
    return any(isinstance(_try(one, point, strict=True), LimitError) for one in (got, want))


def _agree(a: Any, b: Any) -> bool:
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b), mpf(10) ** -30)


def _forgiven(difference: Verdict, point: Mapping[str, float], ties: bool) -> bool:  # noqa: FBT001  # same's own
    if difference.got == "no value":
        return True
    values = list(point.values())
    return not ties and (0 in values or len(set(values)) < len(values))


def _digits(number: Any, count: int = 6) -> str:
    return str(mpmath.nstr(number, count))
