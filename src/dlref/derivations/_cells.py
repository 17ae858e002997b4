"""The exact witness for piecewise claims: on each open cell between the kinks, every branch is one smooth function."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import sympy as sp

from ._symbols import Variable

BRANCHING = (sp.Abs, sp.sign, sp.Max, sp.Min, sp.Heaviside, sp.Piecewise)
MOST_ROWS = 600

Row = tuple[tuple[Fraction, ...], Fraction, bool]  # coefficients, constant, strict: a·x + b > 0 or >= 0


class UndecidedError(Exception):
    """A sign that the cell does not settle."""


def _eliminate(rows: set[Row], place: int) -> set[Row]:
    """Fourier's step: the rows without one variable, feasible exactly when the given ones are."""
    lower = [row for row in rows if row[0][place] > 0]
    upper = [row for row in rows if row[0][place] < 0]
    kept = {row for row in rows if row[0][place] == 0}
    for (a, c, s), (b, d, t) in itertools.product(lower, upper):
        p, q = -b[place], a[place]
        kept.add(_scaled(tuple(p * x + q * y for x, y in zip(a, b, strict=True)), p * c + q * d, s or t))
    if len(kept) > MOST_ROWS:
        raise UndecidedError("too many inequalities")
    return kept


def _scaled(coefficients: tuple[Fraction, ...], constant: Fraction, strict: bool) -> Row:  # noqa: FBT001 (a row, not a switch)
    size = max((abs(c) for c in coefficients), default=Fraction(0)) or Fraction(1)
    return tuple(c / size for c in coefficients), constant / size, strict


def feasible(above: Sequence[sp.Expr], at_least: Sequence[sp.Expr] = ()) -> bool:
    """Whether some real point makes the first expressions positive and the others nonnegative.

    Exact and without bounds on the point. An expression that is not affine is left out: what remains is weaker,
    so that an answer of False is still true.
    """
    symbols = sorted(set().union(*(e.free_symbols for e in (*above, *at_least))), key=str)
    rows = set()
    for e, strict in [*((e, True) for e in above), *((e, False) for e in at_least)]:
        if (row := _affine(e, symbols)) is not None:
            rows.add(_scaled(*row, strict))
    for place in range(len(symbols)):
        rows = _eliminate(rows, place)
    return all(constant > 0 or (constant == 0 and not strict) for _, constant, strict in rows)


def _affine(e: sp.Expr, symbols: Sequence[sp.Symbol]) -> tuple[tuple[Fraction, ...], Fraction] | None:
    parts = sp.expand(e).as_coefficients_dict()
    if not set(parts) <= {*symbols, sp.S.One} or not all(c.is_Rational for c in parts.values()):
        return None
    numbers = {part: Fraction(int(c.p), int(c.q)) for part, c in parts.items()}
    zero = Fraction(0)
    return tuple(numbers.get(s, zero) for s in symbols), numbers.get(sp.S.One, zero)


def _is_affine(e: sp.Expr) -> bool:
    return _affine(e, list(e.free_symbols)) is not None


class Cell:
    """One open cell: the signs of the kinks, and what the domains of the symbols add."""

    def __init__(self, walls: Sequence[sp.Expr], facts: Sequence[sp.Expr]) -> None:
        self.walls = list(walls)  # each positive in the cell
        self.facts = list(facts)
        self._signs: dict[sp.Expr, int] = {}

    def nonnegative(self, e: sp.Expr) -> bool:
        """Whether an affine expression is at least zero on the whole cell."""
        return _is_affine(e) and not feasible([*self.walls, *self.facts, -e])

    def sign(self, u: sp.Expr) -> int:
        """The sign of an expression throughout the cell."""
        if u not in self._signs:
            self._signs[u] = self._affine_sign(u) if _is_affine(u) else self._sign_of_product(u)
        return self._signs[u]

    def _affine_sign(self, u: sp.Expr) -> int:
        if u == 0:
            return 0
        known = [*self.walls, *self.facts]
        for sign in (1, -1):
            if not feasible(known, [-sign * u]):
                return sign
        raise UndecidedError(u)

    def _sign_of_product(self, u: sp.Expr) -> int:
        sign = 1
        for factor in sp.Mul.make_args(sp.factor(u)):
            base, exponent = factor.as_base_exp()
            inner = self._sign_of_factor(base if exponent.is_integer else factor)
            sign *= inner * inner if exponent.is_even else inner
        return sign

    def _sign_of_factor(self, u: sp.Expr) -> int:
        if u.is_positive or u.is_negative:
            return 1 if u.is_positive else -1
        if _is_affine(u):
            return self._affine_sign(u)
        for wall in self.walls:
            ratio = sp.cancel(u / wall)
            if ratio.is_positive or ratio.is_negative:
                return 1 if ratio.is_positive else -1
        raise UndecidedError(u)

    def holds(self, condition: sp.Basic) -> bool:
        """Whether a condition is true throughout the cell."""
        if condition in (sp.true, sp.false):
            return bool(condition)
        if isinstance(condition, sp.And | sp.Or):
            return (all if isinstance(condition, sp.And) else any)(self.holds(part) for part in condition.args)
        if not isinstance(condition, sp.Gt | sp.Ge | sp.Lt | sp.Le):
            raise UndecidedError(condition)
        sign = self.sign(self.resolve(condition.args[0]) - self.resolve(condition.args[1]))
        return {sp.Gt: sign > 0, sp.Ge: sign >= 0, sp.Lt: sign < 0, sp.Le: sign <= 0}[type(condition)]

    def resolve(self, e: sp.Expr) -> sp.Expr:
        """The one smooth function that the expression is inside this cell."""
        if not e.has(*BRANCHING):
            return e
        if isinstance(e, sp.Piecewise):
            return self.resolve(self._case(e))
        if isinstance(e, sp.Derivative):  # the cell is open: what holds inside holds for the slope
            return e.func(self.resolve(e.expr), *e.variable_count).doit()
        parts = [self.resolve(part) for part in e.args]
        if isinstance(e, sp.Abs):
            return self.sign(parts[0]) * parts[0]
        if isinstance(e, sp.sign):
            return sp.Integer(self.sign(parts[0]))
        if isinstance(e, sp.Heaviside):
            sign = self.sign(parts[0])
            return sp.Integer(sign > 0) if sign else parts[1]
        if isinstance(e, sp.Max | sp.Min):
            return self._extreme(parts, 1 if isinstance(e, sp.Max) else -1)
        return e.func(*parts)

    def _case(self, e: sp.Piecewise) -> sp.Expr:
        for value, condition in e.args:
            if self.holds(condition):
                return value
        raise UndecidedError(e)

    def _extreme(self, parts: Sequence[sp.Expr], direction: int) -> sp.Expr:
        best = parts[0]
        for part in parts[1:]:
            if part != best and self.sign(part - best) == direction:
                best = part
        return best


def cells(kinks: Sequence[sp.Expr], symbols: Sequence[sp.Symbol]) -> Iterator[Cell]:
    """Every cell between the kinks, but for those that are shown to be empty."""
    facts = [fact for symbol in symbols for fact in domain_facts(symbol)]

    def grown(walls: list[sp.Expr], rest: Sequence[sp.Expr]) -> Iterator[Cell]:
        if not feasible([*walls, *facts]):
            return
        if not rest:
            yield Cell(walls, facts)
            return
        for wall in (rest[0], -rest[0]):
            yield from grown([*walls, wall], rest[1:])

    yield from grown([], kinks)


def domain_facts(symbol: sp.Symbol) -> list[sp.Expr]:
    """Expressions that are positive because of where a symbol lives."""
    if not isinstance(symbol, Variable) or symbol.domain.values or symbol.domain.integer:
        return []
    low, high = symbol.domain.lower, symbol.domain.upper
    return [edge for edge in (symbol - low, high - symbol) if edge.is_finite is not False]
