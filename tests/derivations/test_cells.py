"""Piecewise claims: a proof visits every cell, and a cell is called empty only when it is."""

import pytest
import sympy as sp

from dlref.derivations import Derivation, Step
from dlref.derivations._cells import Cell, UndecidedError, cells, feasible
from dlref.derivations._proof import Claim, prove
from dlref.derivations._samples import Space
from dlref.derivations._symbols import between, one_of, positive, real

x, y, z = map(real, "xyz")
a, share = positive("a"), between("p", 0, 1)

EMPTY = {
    "above and below": ([x, -x], []),
    "above, and at most": ([x], [-x]),
    "a circle": ([x - y, y - z, z - x], []),
    "a sum": ([x, y, -x - y], []),
    "a fraction": ([3 * x - 1], [1 - 4 * x]),
    "between two bounds that cross": ([x - 2, 1 - x], []),
}
NOT_EMPTY = {
    "far away": ([x - 10**12], []),
    "one point": ([], [x, -x]),
    "a thin slice": ([x - y, 10**9 * (y - x) + 1], []),
    "no inequality": ([], []),
    "what is not affine is left out": ([x * y, -x * y], []),
}


@pytest.mark.parametrize(("above", "at_least"), EMPTY.values(), ids=EMPTY)
def test_what_has_no_point_is_empty(above: list[sp.Expr], at_least: list[sp.Expr]) -> None:
    assert not feasible(above, at_least)


@pytest.mark.parametrize(("above", "at_least"), NOT_EMPTY.values(), ids=NOT_EMPTY)
def test_what_has_a_point_is_not_empty(above: list[sp.Expr], at_least: list[sp.Expr]) -> None:
    assert feasible(above, at_least)


def test_three_values_are_ordered_in_six_ways() -> None:
    assert len(cells([x - y, y - z, x - z], [x, y, z])) == 6


def test_the_domain_empties_cells() -> None:
    assert len(cells([share - 2, a + 1, x], [share, a, x])) == 2


def test_a_kink_and_its_negative_are_one() -> None:
    assert len(cells([x * y - z, z - x * y], [x, y, z])) == 2


@pytest.mark.parametrize("wall", [x - a, a - x])
def test_an_even_power_is_positive_on_both_sides(wall: sp.Expr) -> None:
    assert Cell([wall, y]).sign(y * (x - a) ** 2) == 1


TRUE_IN_ONE_CELL = {
    "right of the kink": (sp.Abs(x) - x, [x]),
    "left of the kink": (sp.Abs(x) + x, [x]),
    "in the middle": (sp.Max(-1, sp.Min(x, 1)) - x, [x - 1, x + 1]),
    "in both tails": (sp.Max(-1, sp.Min(x, 1)) - sp.sign(x), [x - 1, x + 1, x]),
    "for one sign": (sp.Abs(one_of("s", -1, 1) * x) - one_of("s", -1, 1) * sp.Abs(x), [x]),
}


@pytest.mark.parametrize(("difference", "kinks"), TRUE_IN_ONE_CELL.values(), ids=TRUE_IN_ONE_CELL)
def test_what_holds_in_one_cell_is_not_proved(difference: sp.Expr, kinks: list[sp.Expr]) -> None:
    space = Space.of([difference], sizes=(), kinks=kinks, poles=())

    assert prove(Claim(difference, is_equation=True), space).scope == "none"


def test_a_bound_must_hold_in_every_cell() -> None:
    kinks = {"sizes": (), "kinks": [x], "poles": ()}

    assert prove(Claim(sp.Abs(x) + x, is_equation=False), Space.of([x], **kinks)).scope == "plain"
    assert prove(Claim(sp.Abs(x) - 2 * x, is_equation=False), Space.of([x], **kinks)).scope == "none"


def test_inside_a_cell_every_branch_is_settled() -> None:
    cell = Cell([x - a, y, a])
    cases = sp.Piecewise((x, sp.And(x > a, y > 0)), (y, True))

    assert cell.resolve(sp.Abs(x) + sp.Max(x, a) + sp.Heaviside(y, 0) + cases) == 3 * x + 1
    assert cell.resolve(sp.Derivative(sp.Abs(x * y), x)) == y
    with pytest.raises(UndecidedError):
        cell.resolve(sp.Abs(x - 2 * a))
    with pytest.raises(UndecidedError):
        cell.resolve(sp.sign((x - 2 * a) ** 2))


def test_a_rare_branch_gets_its_samples() -> None:
    """Left to chance, one point in a thousand would fall between the two kinks."""
    thin = sp.Rational(1, 10)
    derivation = Derivation(
        [
            Step(sp.Max(0, x) - sp.Max(0, x - thin)),
            Step(sp.Piecewise((0, x < 0), (x, x < thin), (thin, True)), "by cases"),
        ],
        kinks=[x, x - thin],
    ).check()

    between_them = [at for at in derivation.points if 0 < at[x] < 0.1]
    assert len(between_them) >= 3
