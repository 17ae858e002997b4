"""The exact witness proves nothing that is wrong: offered hundreds of false steps, it takes none."""

import contextlib
import math

import pytest
import sympy as sp

from derivations.claims import Claim, claims
from dlref.derivations import Derivation, Step, WrongStep, _exact, _proof, names
from dlref.derivations._exact import nonnegative, vanishes
from dlref.derivations._proof import prove
from dlref.derivations._samples import Space
from dlref.derivations._sums import nonnegative_for_all_n, vanishes_for_all_n
from dlref.derivations._symbols import (
    between,
    distribution,
    index,
    largest,
    one_hot,
    positive,
    real,
    size,
    total,
    vector,
)
from verified import checked, each_derivation

FEWEST = 200  # false steps in all
EACH = math.ceil(FEWEST / len(names()))  # and of each derivation


def false_steps(name: str) -> list[Claim]:
    """Damaged lines that a sample point contradicts."""
    false = [claim for claim in claims(name) if claim.is_false]
    return false[:: max(1, len(false) // EACH)][:EACH]


@each_derivation
def test_no_false_step_is_proved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    derivation, false = checked(name), false_steps(name)  # before the limits are lowered: they get their full time
    monkeypatch.setattr(_exact, "RUNG_SECONDS", 0.25)  # a proof takes far less; a search that fails takes them all
    monkeypatch.setattr(_proof, "ALL_N_SECONDS", 0.8)

    assert len(false) >= EACH
    for number, mutant, _ in false:
        claim = derivation.claim(derivation.lines[number - 1], mutant, derivation.steps[number])
        assert prove(claim, derivation.space).scope == "none", (number, mutant)


x, y, t = real("x"), real("y"), real("t")
a, b = positive("a"), positive("b")
share = between("p", 0, 1)
n = size()
i, j, k = (index(name, n) for name in "ijk")
far = index("far", n + 1)
z, w = vector(real("z"), n), vector(positive("w"), n)
d, hot = vector(distribution("d"), n), vector(one_hot("h"), n)

FALSE_FOR_SOME = {
    "log of a product of real numbers": sp.log(x * y) - sp.log(x) - sp.log(y),
    "log of a square": sp.log(x**2) - 2 * sp.log(x),
    "root of a square": sp.sqrt(x**2) - x,
    "a power of a power": (x**2) ** sp.Rational(1, 2) - x,
    "root of a product of real numbers": sp.sqrt(x * y) - sp.sqrt(x) * sp.sqrt(y),
    "absolute value of a sum": sp.Abs(x + y) - sp.Abs(x) - sp.Abs(y),
    "exponential of a product": sp.exp(x * y) - sp.exp(x) * sp.exp(y),
    "logarithm of a sum": sp.log(a + b) - sp.log(a) * sp.log(b),
    "tanh and sigmoid with another scale": sp.tanh(x) - (2 / (1 + sp.exp(-x)) - 1),
    "close, but not equal": sp.exp(x) - sp.exp(x + sp.Rational(1, 10**30)),
    "equal at all whole numbers": sp.sin(sp.pi * x),
    "1 - p is p": sp.log(1 - share) - sp.log(share),
}


@pytest.mark.parametrize("claim", FALSE_FOR_SOME.values(), ids=FALSE_FOR_SOME)
def test_what_holds_only_for_some_is_not_proved_for_all(claim: sp.Expr) -> None:
    assert vanishes(claim) is None


FALSE_SUMS = {
    "a sum of products": total(z[i] * w[i], i) - total(z[i], i) * total(w[j], j),
    "the square of a sum": total(z[i], i) ** 2 - total(z[i] ** 2, i),
    "a sum of one is one": total(sp.S.One, i) - 1,
    "any vector sums to one": total(w[i], i) - 1,
    "a distribution's squares sum to one": total(d[i] ** 2, i) - 1,
    "part of a distribution sums to one": sp.Sum(d[i], (i, 1, n - 1)) - 1,
    "another entry": total(sp.KroneckerDelta(i, k) * z[i], i) - z[j],
    "a place outside the sum": total(sp.KroneckerDelta(i, far) * z[i], i) - z[far],
    "the delta is always one": sp.KroneckerDelta(j, k) - 1,
    "softmax does not normalise": sp.exp(z[k]) / total(sp.exp(z[j]), j) - sp.exp(z[k]),
    "the slope of a sum, at every place": sp.Derivative(total(z[i] ** 2, i), z[k]) - 2 * total(z[i], i),
}


@pytest.mark.parametrize("claim", FALSE_SUMS.values(), ids=FALSE_SUMS)
def test_a_false_sum_is_not_proved_for_all_n(claim: sp.Expr) -> None:
    with contextlib.suppress(_proof.UndecidedError):  # which is an answer too
        assert not vanishes_for_all_n(claim)


TRUE_SUMS = {
    "a factor comes out": total(a * z[i], i) - a * total(z[j], j),
    "the sum of a constant": total(a, i) - n * a,
    "a distribution sums to one": total(d[i], i) - 1,
    "a one-hot vector sums to one": total(hot[i], i) - 1,
    "a delta picks an entry": total(sp.KroneckerDelta(i, k) * z[i], i) - z[k],
    "two deltas": sp.KroneckerDelta(i, k) * z[i] - sp.KroneckerDelta(k, i) * z[k],
    "nested sums change places": total(total(z[i] * w[j], i), j) - total(total(z[i] * w[j], j), i),
    "the slope of a sum": sp.Derivative(total(z[i] ** 2, i), z[k]) - 2 * z[k],
    "deviations from the mean": total(z[i] - total(z[j], j) / n, i),
}


@pytest.mark.parametrize("claim", TRUE_SUMS.values(), ids=TRUE_SUMS)
def test_a_true_sum_is_proved_for_all_n(claim: sp.Expr) -> None:
    assert vanishes_for_all_n(claim)


NEGATIVE_SOMEWHERE = {
    "a line": (x, None),
    "a square less something": (x**2 - sp.Rational(1, 10**6), None),
    "a logarithm": (sp.log(a), None),
    "touches, but concave": (-((x - 1) ** 2), (x, sp.S.One)),
    "convex, but below zero": (x**2 - 1, (x, sp.S.Zero)),
    "touches, but crosses": (x**3, (x, sp.S.Zero)),
    "convex on both sides of a pole": (1 / x**2 - 1 + 2 * (x - 1), (x, sp.S.One)),
    "touches outside its domain": ((a + 1) ** 2 * (a - 1), (a, sp.Integer(-1))),
    "cases that jump": (sp.Piecewise((x**2, x > -1), (-5, True)), (x, sp.S.Zero)),
    "log t <= t - 2": (a - 2 - sp.log(a), (a, sp.S.One)),
    "the tangent of another function": (sp.exp(x) - x - 2, (x, sp.S.Zero)),
}


@pytest.mark.parametrize(("claim", "touch"), NEGATIVE_SOMEWHERE.values(), ids=NEGATIVE_SOMEWHERE)
def test_what_is_negative_somewhere_is_not_proved_nonnegative(claim: sp.Expr, touch: tuple | None) -> None:
    assert not nonnegative(claim, touch)


NONNEGATIVE = {
    "log t <= t - 1": (a - 1 - sp.log(a), (a, sp.S.One)),
    "exp x >= 1 + x": (sp.exp(x) - 1 - x, (x, sp.S.Zero)),
    "cosh x >= 1 + x^2 / 2": (sp.cosh(x) - 1 - x**2 / 2, (x, sp.S.Zero)),
    "p (1 - p) <= 1 / 4": (sp.Rational(1, 4) - share * (1 - share), None),
    "p < 1": (1 - share, None),
}


@pytest.mark.parametrize(("claim", "touch"), NONNEGATIVE.values(), ids=NONNEGATIVE)
def test_a_true_bound_is_proved(claim: sp.Expr, touch: tuple | None) -> None:
    assert nonnegative(claim, touch)


@pytest.mark.parametrize(
    "claim",
    [
        total(z[i], i) - z[k],
        total(w[i], i) - 2 * w[k],
        z[k] - largest(z[i], i),
        sp.log(total(sp.exp(z[i]), i)) - z[k] - sp.Rational(1, 10),
        largest(z[i], i) - w[k],
        total(z[i] ** 2, i) - n,
    ],
)
def test_a_false_bound_is_not_proved_for_all_n(claim: sp.Expr) -> None:
    assert not nonnegative_for_all_n(claim)


@pytest.mark.parametrize("claim", [total(w[i], i) - w[k], largest(z[i], i) - z[k], total(z[i] ** 2, i)])
def test_a_true_bound_is_proved_for_all_n(claim: sp.Expr) -> None:
    assert nonnegative_for_all_n(claim)


def test_kinks_that_leave_no_cell_prove_nothing() -> None:
    nowhere = sp.Add((x + 1) ** 2, -(x**2) - 2 * x - 1)  # zero, but it does not look it
    claim = _proof.Claim(sp.Abs(x) - 2 * x, is_equation=True)
    space = Space.of([claim.difference], sizes=(), kinks=[nowhere], poles=())

    assert prove(claim, space).scope == "none"


def test_a_jump_without_a_kink_is_no_identity() -> None:
    """The two differ where z is zero: true on open cells only, and none are declared."""
    jumps = [Step(total(sp.Heaviside(z[i], 0), i)), Step(total(sp.Heaviside(z[i], 1), i), "nearly")]

    with pytest.raises(WrongStep, match="reached 'numeric"):
        Derivation(jumps, sizes=[{n: 2}]).check()
    assert Derivation(jumps, sizes=[{n: 2}], kinks=[z[i]]).check().level == "exact, all n, on open cells"


def test_a_distribution_sums_to_one_at_its_sizes_too() -> None:
    """True for two entries, false for three: the proof must know the sum, and must not reach further."""
    pair = [Step(total(d[i] ** 2, i)), Step(1 - 2 * sp.Product(d[i], (i, 1, n)), "the square of the sum is one")]

    assert Derivation(pair, sizes=[{n: 2}]).check().level == "exact for n = 2"
    with pytest.raises(WrongStep, match="is wrong: at n = 3"):
        Derivation(pair, sizes=[{n: 3}]).check()


def test_a_step_names_the_place_where_its_sides_touch() -> None:
    """Without the place, the proof of log t <= t - 1 has nowhere to start."""
    assert not nonnegative(a - 1 - sp.log(a))
    assert Step(a - 1, touch=(a, sp.S.One)).touch == (a, 1)


def test_indices_that_run_to_different_sizes_differ() -> None:
    """Sympy keeps what it has computed under equal expressions: two that only look equal would share an answer."""
    assert index("i", size()) == index("i", size())
    assert index("i", size()) != index("i", size(tex="d"))
