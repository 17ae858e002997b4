"""Induction proves what holds for one and passes from each n to the next, and nothing that lacks either half."""

import pytest
import sympy as sp

from dlref.derivations import Derivation, Step
from dlref.derivations._induction import holds_by_induction
from dlref.derivations._symbols import between, distribution, index, positive, real, size, total, vector

n, k = size(), index("k", size())
i, before = index("i", n), index("j", n - 1)
x, d = vector(real("x"), n), vector(distribution("d"), n)
beta, c, q = between("beta", 0, 1), positive("c"), real("q")

EQUATIONS = {
    "the first n numbers": total(i, i) - n * (n + 1) / 2,
    "the first n odd numbers": total(2 * i - 1, i) - n**2,
    "the first n squares": total(i**2, i) - n * (n + 1) * (2 * n + 1) / 6,
    "a geometric sum": total((1 - beta) * beta ** (n - i), i) - (1 - beta**n),
    "a telescope": total(1 / i - 1 / (i + 1), i) - 1 + 1 / (n + 1),
    "the last one apart": total(x[i], i) - total(x[before], before) - x[n],
    "a product of equal factors": sp.Product(c, (i, 1, n)) - c**n,
}
BOUNDS = {
    "the inverse squares": 2 - 1 / n - total(1 / i**2, i),
}
NOT_FOR_ONE = {
    "the step alone": total(i, i) - n * (n + 1) / 2 - 1,
    "a shifted telescope": total(1 / i - 1 / (i + 1), i) + 1 / (n + 1),
}
NOT_THE_NEXT = {
    "n is n squared": total(sp.S.One, i) - n**2,
    "true for one and two": total(sp.S.One, i) - n - (n - 1) * (n - 2),
    "a sum of anything": total(x[i], i) - n * x[1],
    "powers are multiples": c**n - n * c,
}
NOT_ITS_BUSINESS = {
    "the first n shares of n + 1 sum to less than one": total(d[i], i) - 1,
    "one entry is all": x[k] - total(x[i], i),
}


@pytest.mark.parametrize("claim", EQUATIONS.values(), ids=EQUATIONS)
def test_what_starts_and_steps_is_proved(claim: sp.Expr) -> None:
    assert holds_by_induction(claim, n, is_equation=True)


@pytest.mark.parametrize("claim", BOUNDS.values(), ids=BOUNDS)
def test_a_bound_that_starts_and_grows_is_proved(claim: sp.Expr) -> None:
    assert holds_by_induction(claim, n, is_equation=False)


FALSE = NOT_FOR_ONE | NOT_THE_NEXT | NOT_ITS_BUSINESS


@pytest.mark.parametrize("claim", FALSE.values(), ids=FALSE)
def test_what_lacks_its_start_or_its_step_is_not(claim: sp.Expr) -> None:
    assert not holds_by_induction(claim, n, is_equation=True)


def test_a_bound_needs_both_halves_too() -> None:
    assert not holds_by_induction(n - 2, n, is_equation=False)
    assert not holds_by_induction(2 - n, n, is_equation=False)


def test_a_derivation_says_that_it_is_by_induction() -> None:
    gauss = Derivation([Step(total(i**2, i)), Step(n * (n + 1) * (2 * n + 1) / 6, "add the next")], sizes=[{n: 3}])

    assert gauss.check().level == "exact, all n, by induction"


def test_a_hypothesis_that_may_say_nothing_is_not_used() -> None:
    """For n = 1 the factor is zero, so that nothing is known of the sum; divided by it, the claim would step."""
    claim = (n - 1) * (total(i, i) - n * (n + 1) / 2 + 1)

    assert not holds_by_induction(claim, n, is_equation=True)
    assert holds_by_induction(q * (total(i, i) - n * (n + 1) / 2), n, is_equation=True)
