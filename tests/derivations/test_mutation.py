"""A damaged line is refused by the numbers alone. What they let pass is true: the same line, or a weaker bound."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import mpmath
import pytest
import sympy as sp

from derivations.damage import mutants
from dlref.derivations import Derivation, load, names
from dlref.derivations import _numeric as numeric
from dlref.derivations._proof import prove
from dlref.derivations._samples import Space

EACH = 8  # mutants of each line
FEWEST, ALL = 3, 2500  # mutants of each derivation, and of all together
REFUSED = 0.99  # the share of the wrong ones that must be refused
LEFT_TO_THE_EXACT_WITNESS: dict[str, str] = {}  # derivation: why no number refuses its wrong mutant


@functools.cache
def checked(name: str) -> Derivation:
    return load(name).check()


def claims(name: str) -> list[tuple[int, sp.Expr]]:
    """Damaged lines of a derivation, each with its number."""
    lines = enumerate(checked(name).lines[1:], 1)
    return [(number, mutant) for number, line in lines for mutant in mutants(line, f"{name} {number}", EACH)]


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


def is_true(derivation: Derivation, number: int, mutant: sp.Expr) -> bool:
    """Whether the damaged line holds all the same: it is proved, or is a weaker bound than the line it was."""
    step, before = derivation.steps[number], derivation.lines[number - 1]
    if step.relation != "=" and not contradicted(derivation, derivation.lines[number], mutant, step.relation):
        return True
    kinks = [*derivation.space.kinks, *whole_space(derivation, mutant).turns]
    return prove(derivation.claim(before, mutant, step), replace(derivation.space, kinks=kinks)).scope != "none"


@pytest.mark.parametrize("name", names())
def test_what_the_numbers_let_pass_is_true(name: str) -> None:
    derivation = checked(name)
    passed = [
        (number, mutant)
        for number, mutant in claims(name)
        if not contradicted(derivation, derivation.lines[number - 1], mutant, derivation.steps[number].relation)
    ]

    wrong = [(number, mutant) for number, mutant in passed if not is_true(derivation, number, mutant)]
    assert len(wrong) == (name in LEFT_TO_THE_EXACT_WITNESS), wrong


def test_every_derivation_is_damaged() -> None:
    """Mutants that are never built would pass the law above."""
    counts = {name: len(claims(name)) for name in names()}

    assert [name for name, count in counts.items() if count < FEWEST] == []
    assert sum(counts.values()) >= ALL
    assert len(LEFT_TO_THE_EXACT_WITNESS) <= (1 - REFUSED) * sum(counts.values())


def test_a_blind_witness_would_be_seen() -> None:
    """The law above fails for a witness that takes everything: a wrong line is neither proved nor weaker."""
    derivation = checked("regression_losses.huber_grad")

    assert not is_true(derivation, 2, -derivation.lines[2])
