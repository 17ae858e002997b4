"""A damaged line is refused by the numbers alone. What they let pass is true: the same line, or a weaker bound."""

from dataclasses import replace

import sympy as sp

from derivations.claims import claims, contradicted, damaged, whole_space
from dlref.derivations import Derivation, load, names
from dlref.derivations._proof import prove
from verified import checked, each_derivation

FEWEST, ALL = 3, 2500  # mutants of each derivation, and of all together
REFUSED = 0.99  # the share of the wrong ones that must be refused
LEFT_TO_THE_EXACT_WITNESS: dict[str, str] = {}  # derivation: why no number refuses its wrong mutant


def is_true(derivation: Derivation, number: int, mutant: sp.Expr) -> bool:
    """Whether the damaged line holds all the same: it is proved, or is a weaker bound than the line it was."""
    step, before = derivation.steps[number], derivation.lines[number - 1]
    if step.relation != "=" and not contradicted(derivation, derivation.lines[number], mutant, step.relation):
        return True
    kinks = [*derivation.space.kinks, *whole_space(derivation, mutant).turns]
    return prove(derivation.claim(before, mutant, step), replace(derivation.space, kinks=kinks)).scope != "none"


@each_derivation
def test_what_the_numbers_let_pass_is_true(name: str) -> None:
    passed = [claim for claim in claims(name) if not claim.is_false]

    wrong = [claim for claim in passed if not is_true(checked(name), claim.number, claim.line)]
    assert len(wrong) == (name in LEFT_TO_THE_EXACT_WITNESS), wrong


def test_every_derivation_is_damaged() -> None:
    """Mutants that are never built would pass the law above."""
    counts = {name: len(list(damaged(load(name)))) for name in names()}

    assert [name for name, count in counts.items() if count < FEWEST] == []
    assert sum(counts.values()) >= ALL
    assert len(LEFT_TO_THE_EXACT_WITNESS) <= (1 - REFUSED) * sum(counts.values())


def test_a_blind_witness_would_be_seen() -> None:
    """The law above fails for a witness that takes everything: a wrong line is neither proved nor weaker."""
    derivation = checked("regression_losses.huber_grad")

    assert not is_true(derivation, 2, -derivation.lines[2])
