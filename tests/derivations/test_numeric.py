"""The numeric witness computes what the expression says, by itself, and looks where the symbols live."""

import mpmath
import pytest
import sympy as sp

from dlref.derivations import Derivation, Step
from dlref.derivations._numeric import DIGITS, UnusableError, disagreement, unreached, value
from dlref.derivations._samples import Space
from dlref.derivations._symbols import (
    between,
    count,
    distribution,
    free,
    index,
    largest,
    one_hot,
    one_of,
    positive,
    real,
    size,
    total,
    vector,
)
from verified import checked, each_derivation

D = sp.Derivative
x, y, a = real("x"), real("y"), positive("a")
n, rows = size(), size("rows")
i, j, k = (index(name, n) for name in "ijk")
r = index("r", rows)
z = vector(real("z"), n)
w = vector(real("w"), rows, n)
AT = {
    x: mpmath.mpf(2), y: mpmath.mpf(-3), a: mpmath.mpf(5), n: mpmath.mpf(3), rows: mpmath.mpf(2), k: mpmath.mpf(2),
    z.label: [mpmath.mpf(1), mpmath.mpf(4), mpmath.mpf(9)], w.label: [[1, 2, 3], [4, 5, 6]],
}  # fmt: skip

VALUES = {
    "a fraction": (sp.Rational(1, 3) * x, sp.Rational(2, 3)),
    "a slope": (D(x**3, x), 12),
    "a second slope": (D(x**4, x, x), 48),
    "a third slope": (D(x**3, (x, 3)), 6),
    "a mixed slope": (D(x**2 * y**3, x, y), 2 * 2 * 3 * 9),
    "a slope of a slope": (D(x * D(x**3, x), x), 36),
    "a slope by an entry": (D(total(z[i] ** 2, i), z[k]), 8),
    "a slope by an entry of a matrix": (D(total(total(w[r, i] ** 2, i), r), w[2, k]), 10),
    "a slope of cases": (D(sp.Piecewise((x**2, x < 1), (5 * x, True)), x), 5),
    "a sum": (total(z[i], i), 14),
    "a sum of sums": (total(total(z[i] * z[j], i), j), 14**2),
    "a sum over two indices": (sp.Sum(z[i] * z[j], (i, 1, n), (j, 1, n)), 14**2),
    "a product": (sp.Product(z[i], (i, 1, n)), 36),
    "the largest": (largest(-z[i], i), -1),
    "an integral": (sp.Integral(x**2, (x, 0, a)), sp.Rational(125, 3)),
    "an integral over the line": (sp.Integral(sp.exp(-(x**2)), (x, -sp.oo, sp.oo)), sp.sqrt(sp.pi)),
    "the sum over a bound index leaves a free one alone": (k + total(k * z[k], k), 2 + 1 + 8 + 27),
    "the same place": (sp.KroneckerDelta(k, 2) + sp.KroneckerDelta(k, 3), 1),
    "a step": (sp.Heaviside(x, 0) + sp.Heaviside(y, 1), 1),
    "a step at its edge": (sp.Heaviside(x - 2 + 0 * y, 0) + 2 * sp.Heaviside(y + 3, 1), 2),
    "extremes": (sp.Max(x, y) + sp.Min(x, y) + sp.Abs(y) + sp.sign(y), 1),
}


@pytest.mark.parametrize(("expression", "expected"), VALUES.values(), ids=VALUES)
def test_an_expression_has_its_value(expression: sp.Expr, expected: int | sp.Expr) -> None:
    with mpmath.workdps(DIGITS):
        assert abs(value(expression, AT) - value(sp.S.One * expected, AT)) < mpmath.mpf(10) ** -20


@pytest.mark.parametrize("nowhere", [sp.log(y), sp.sqrt(y), 1 / (x - 2), sp.log(x - 2), sp.Function("f")(x)])
def test_what_has_no_real_value_is_unusable(nowhere: sp.Expr) -> None:
    with pytest.raises(UnusableError):
        value(nowhere, AT)


def test_forty_digits_see_the_fortieth() -> None:
    with mpmath.workdps(DIGITS):
        tiny = value(sp.exp(x) - sp.exp(x) * (1 + sp.Rational(1, 10**30)), AT)

    assert -(mpmath.mpf(10) ** -29) < tiny < 0


def test_a_disagreement_is_found_whatever_the_scale() -> None:
    one, big = mpmath.mpf(1), mpmath.mpf(10) ** 30

    assert disagreement([one], [one + mpmath.mpf(10) ** -12], "=") == 0
    assert disagreement([one, big], [one, big * (1 + mpmath.mpf(10) ** -12)], "=") == 1
    assert disagreement([one], [one], "=") is None
    assert disagreement([one], [2 * one], "<=") is None
    assert disagreement([one], [2 * one], ">=") == 0


def drawn(*expressions: sp.Expr, **where: object) -> list[dict]:
    return Space.of(expressions, **{"sizes": (), "kinks": (), "poles": (), **where}).points("seed")


def test_every_symbol_is_drawn_from_where_it_lives() -> None:
    share, above, sign, whole = between("p", 0, 1), between("q", -1), one_of("s", -1, 1), count("c")
    points = drawn(x + a + share + above + sign + whole)

    assert len(points) >= 24
    assert {at[sign] for at in points} == {-1, 1}
    assert min(at[x] for at in points) < -1 < 1 < max(at[x] for at in points)
    for at in points:
        assert at[a] > 0
        assert 0 < at[share] < 1
        assert at[above] > -1
        assert at[whole] == int(at[whole]) >= 0


def test_vectors_are_drawn_in_their_sizes() -> None:
    chances, hot = vector(distribution("d"), n), vector(one_hot("h"), n)
    points = drawn(total(z[i] * chances[i] * hot[i], i) + z[k], sizes=[{n: 2}, {n: 5}])

    assert {len(at[z.label]) for at in points} == {2, 5}
    assert {at[k] for at in points} == {1, 2, 3, 4, 5}
    for at in points:
        assert abs(sum(at[chances.label]) - 1) < 1e-12
        assert sorted(at[hot.label])[-2:] == [0, 1]


def test_a_slope_by_the_entry_that_a_sum_runs_over_is_computed() -> None:
    """Sympy forgets the place when it lists the free symbols of such a slope."""
    loss = total(sp.exp(z[j] * x), j)
    weighted = [Step(total(z[i] * D(loss, z[i]), i)), Step(total(x * z[i] * sp.exp(z[i] * x), i), "chain rule")]

    assert free(D(loss, z[i])) >= {x, i}
    assert i not in free(total(D(loss, z[i]), i))
    assert Derivation(weighted, sizes=[{n: 2}, {n: 3}]).check().level == "exact, all n"


def test_the_same_points_are_drawn_each_time() -> None:
    assert drawn(x + y) == drawn(x + y)


def test_samples_keep_away_from_kinks_and_poles_and_lie_on_every_side() -> None:
    points = drawn(x + y, kinks=[x - y], poles=[x])

    assert all(abs(at[x] - at[y]) >= 0.01 <= abs(at[x]) for at in points)
    assert {at[x] > at[y] for at in points} == {True, False}


def test_a_branch_that_is_never_taken_is_reported() -> None:
    part = sp.Max(x, -100)

    assert list(unreached(part, drawn(part))) == [(part, -100)]
    assert list(unreached(sp.Max(x, y), drawn(x + y))) == []


@each_derivation
def test_every_derivation_gets_enough_points(name: str) -> None:
    derivation = checked(name)

    assert len(derivation.points) >= (12 if derivation.space.symbols or derivation.space.vectors else 1)
