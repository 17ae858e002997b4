"""A damaged line is refused by the numbers alone. What they let pass is true: the same line, or a weaker bound."""

import functools
from collections.abc import Sequence

import mpmath
import pytest
import sympy as sp

from derivations.damage import mutants
from dlref.derivations import Derivation, load, names
from dlref.derivations import _numeric as numeric
from dlref.derivations._proof import prove

EACH = 8  # mutants of each line
ALL = 1000  # the mutants of all derivations are more than this
LEFT_TO_THE_EXACT_WITNESS = {
    "activations.leaky_relu_is_a_maxout": "the damage moves the kink to x = 1, and no sample lies between 0 and 1",
    "gradient_flow.clip_by_global_norm_caps": "min(r, max_norm) is a bound too; its kink is not declared",
    "classification_losses.squared_hinge_grad": "the damage adds a kink at y s = 0, for which no cell is sampled",
}


@functools.cache
def checked(name: str) -> Derivation:
    return load(name).check()


def claims(name: str) -> list[tuple[int, sp.Expr]]:
    """Damaged lines of a derivation, each with its number."""
    lines = enumerate(checked(name).lines[1:], 1)
    return [(number, mutant) for number, line in lines for mutant in mutants(line, f"{name} {number}", EACH)]


def contradicted(derivation: Derivation, before: sp.Expr, after: sp.Expr, relation: str) -> bool:
    """Whether some sample point shows that one line does not follow from the other."""
    with mpmath.workdps(numeric.DIGITS):
        for at in derivation.points:
            try:
                sides: Sequence = [[numeric.value(side, at)] for side in (before, after)]
            except numeric.UnusableError:
                return True
            if numeric.disagreement(*sides, relation) is not None:
                return True
        return bool(list(numeric.unreached(after, derivation.points)))


def is_true(derivation: Derivation, number: int, mutant: sp.Expr) -> bool:
    """Whether the damaged line holds all the same: it is proved, or is a weaker bound than the line it was."""
    step = derivation.steps[number]
    if step.relation != "=" and not contradicted(derivation, derivation.lines[number], mutant, step.relation):
        return True
    claim = derivation.claim(derivation.lines[number - 1], mutant, step)
    return prove(claim, derivation.space).scope != "none"


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

    assert sum(count >= 3 for count in counts.values()) >= 0.9 * len(counts), "some end on a single entry"
    assert sum(counts.values()) > ALL


def test_a_blind_witness_would_be_seen() -> None:
    """The law above fails for a witness that takes everything: a wrong line is neither proved nor weaker."""
    derivation = checked("regression_losses.huber_grad")

    assert not is_true(derivation, 2, -derivation.lines[2])
