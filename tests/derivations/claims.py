"""Damaged lines of every derivation, and what the sample points say of each."""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import mpmath
import sympy as sp

from derivations.damage import mutants
from dlref.derivations import Derivation
from dlref.derivations import _numeric as numeric
from dlref.derivations._samples import Space
from verified import checked

EACH = 8  # mutants of each line


class Claim(NamedTuple):
    """A damaged line of a derivation, its number, and whether some sample point shows that it does not follow."""

    number: int
    line: sp.Expr
    is_false: bool


def damaged(derivation: Derivation) -> Iterator[tuple[int, sp.Expr]]:
    """Some mutants of each line but the first, with the line's number."""
    for number, line in enumerate(derivation.lines[1:], 1):
        yield from ((number, mutant) for mutant in mutants(line, f"{derivation.name} {number}", EACH))


@functools.cache
def claims(name: str) -> list[Claim]:
    """Every damaged line of a derivation, judged once."""
    derivation = checked(name)
    return [Claim(number, mutant, is_false(derivation, number, mutant)) for number, mutant in damaged(derivation)]


def is_false(derivation: Derivation, number: int, mutant: sp.Expr) -> bool:
    return contradicted(derivation, derivation.lines[number - 1], mutant, derivation.steps[number].relation)


def points(derivation: Derivation, before: sp.Expr, after: sp.Expr) -> Iterator[numeric.Point]:
    """Where the checker looks at a step with this damaged line: also on all sides of a branch that is new."""
    yield from derivation.points
    space = whole_space(derivation, before, after)
    if set(space.turns) - set(derivation.space.turns):
        yield from space.points(derivation.name)


def whole_space(derivation: Derivation, *lines: sp.Expr) -> Space:
    given = derivation.space
    return Space.of(lines, sizes=given.sizes, kinks=given.kinks, poles=given.poles)


def contradicted(derivation: Derivation, before: sp.Expr, after: sp.Expr, relation: str) -> bool:
    """Whether some sample point shows that one line does not follow from the other."""
    with mpmath.workdps(numeric.DIGITS):
        for at in points(derivation, before, after):
            try:
                sides: Sequence = [[numeric.value(side, at)] for side in (before, after)]
            except numeric.UnusableError:
                return True
            if numeric.disagreement(*sides, relation) is not None:
                return True
        return bool(list(numeric.unreached(after, derivation.points)))
