"""The exact witness for piecewise claims: on each open cell between the kinks, every branch is one smooth function."""

import functools
import itertools
import math
from collections.abc import Sequence

import sympy as sp

from ._symbols import Variable

BRANCHING = (sp.Abs, sp.sign, sp.Max, sp.Min, sp.Heaviside, sp.Piecewise)
MOST_ROWS = 600


class UndecidedError(Exception):
    """A sign that the cell does not settle."""


def feasible(above: Sequence[sp.Expr], at_least: Sequence[sp.Expr] = ()) -> bool:
    """Whether some real point makes the first expressions positive and the others nonnegative.

    Exact and without bounds on the point: Fourier's elimination of one symbol after the other. An expression that is
    not affine is left out: what remains is weaker, so that an answer of False is still true.
    """
    rows = {
        (sp.expand(e), strict) for part, strict in ((above, True), (at_least, False)) for e in part if _is_affine(e)
    }
    for x in sorted(set().union(*(e.free_symbols for e, _ in rows)), key=str):
        slopes = {row: row[0].coeff(x) for row in rows}
        rising, falling = ([(e / abs(c), s) for (e, s), c in slopes.items() if c * way > 0] for way in (1, -1))
        pairs = itertools.product(rising, falling)
        rows = {row for row, slope in slopes.items() if slope == 0}
        rows |= {(sp.expand(e + f).primitive()[1], s or t) for (e, s), (f, t) in pairs}  # equal rows look equal
        if len(rows) > MOST_ROWS:
            raise UndecidedError("too many inequalities")
    return all(e > 0 or (e == 0 and not strict) for e, strict in rows)


def _is_affine(e: sp.Expr) -> bool:
    return all(part.is_Symbol or part == 1 for part in sp.expand(e).as_coefficients_dict())


class Cell:
    """One open cell: what is positive in it, by the signs of the kinks and by the domains of the symbols."""

    def __init__(self, positive: Sequence[sp.Expr]) -> None:
        self.positive = positive
        self.sign = functools.cache(self._sign)

    def nonnegative(self, e: sp.Expr) -> bool:
        """Whether an affine expression is at least zero on the whole cell."""
        return _is_affine(e) and not feasible([*self.positive, -e])

    def _sign(self, u: sp.Expr) -> int:
        """The sign of an expression throughout the cell: the product of the signs of its factors."""
        if _is_affine(u):
            return self._sign_of_factor(u)
        powers = (factor.as_base_exp() for factor in sp.Mul.make_args(sp.factor(u)))
        whole = ((base, n) if n.is_integer else (base**n, sp.S.One) for base, n in powers)
        return math.prod(self._sign_of_factor(base) ** (2 if n.is_even else 1) for base, n in whole)

    def _sign_of_factor(self, u: sp.Expr) -> int:
        if u == 0:
            return 0
        for sign in (1, -1):
            if (sign * u).is_positive or self._is_positive(sign * u):
                return sign
        raise UndecidedError(u)

    def _is_positive(self, u: sp.Expr) -> bool:
        """Whether the cell makes it so: by linear programming, or as a multiple of a wall."""
        if _is_affine(u):
            return not feasible(self.positive, [-u])
        return any(sp.cancel(u / wall).is_positive for wall in self.positive)

    def holds(self, condition: sp.Basic) -> bool:
        """Whether a condition is true throughout the cell."""
        sides = {e: self.resolve(e.lhs) - self.resolve(e.rhs) for e in condition.atoms(sp.Rel)}
        return condition.xreplace({e: e.func(self.sign(side), 0) for e, side in sides.items()}) == sp.true

    def resolve(self, e: sp.Expr) -> sp.Expr:
        """The one smooth function that the expression is inside this cell."""
        if not e.has(*BRANCHING):
            return e
        if isinstance(e, sp.Piecewise):
            return self.resolve(next((value for value, condition in e.args if self.holds(condition)), sp.nan))
        if isinstance(e, sp.Derivative):  # the cell is open: what holds inside holds for the slope
            return e.func(self.resolve(e.expr), *e.variable_count).doit()
        parts = [self.resolve(part) for part in e.args]
        if isinstance(e, sp.Abs):
            return self.sign(parts[0]) * parts[0]
        if isinstance(e, sp.sign | sp.Heaviside):
            return e.func(self.sign(parts[0]), *parts[1:])
        if isinstance(e, sp.Max | sp.Min):
            extreme = max if isinstance(e, sp.Max) else min
            return extreme(parts, key=functools.cmp_to_key(lambda a, b: self.sign(a - b)))
        return e.func(*parts)


def cells(kinks: Sequence[sp.Expr], symbols: Sequence[sp.Symbol]) -> list[Cell]:
    """Every cell between the kinks, but for those that are shown to be empty."""
    grown = [[fact for symbol in symbols for fact in domain_facts(symbol)]]
    for kink in kinks:
        longer = ([*known, wall] for known in grown for wall in (kink, -kink) if -wall not in known)
        grown = list(filter(feasible, longer))
    return [Cell(known) for known in grown]


def domain_facts(symbol: sp.Symbol) -> list[sp.Expr]:
    """Expressions that are positive because of where a symbol lives."""
    if not isinstance(symbol, Variable) or not symbol.domain.is_interval:
        return []
    edges = (symbol - symbol.domain.lower, symbol.domain.upper - symbol)
    return [edge for edge in edges if edge.is_finite is not False]
