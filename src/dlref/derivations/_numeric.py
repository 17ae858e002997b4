"""The numeric witness: mpmath at 40 digits, with no calculus of sympy's.

Derivatives are differences, integrals quadrature, sums loops. Agreement is evidence; a disagreement is a proof.
"""

from __future__ import annotations

import functools
import operator
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import mpmath
import sympy as sp

from ._symbols import Largest, Variable

DIGITS = 40
TOLERANCE = mpmath.mpf(10) ** -18
AWAY = mpmath.mpf(10) ** -2  # samples keep this distance from kinks and poles
TRIES = 600
POINTS = 24

Point = dict[sp.Basic, object]  # a number for each symbol, a list of numbers for each vector
Value = Callable[[Point], mpmath.mpf]


class Unusable(Exception):
    """An expression has no real value at a point."""


FUNCTIONS: dict[type, Callable] = {
    sp.exp: mpmath.exp, sp.log: mpmath.log, sp.sinh: mpmath.sinh, sp.cosh: mpmath.cosh, sp.tanh: mpmath.tanh,
    sp.sin: mpmath.sin, sp.cos: mpmath.cos, sp.erf: mpmath.erf, sp.gamma: mpmath.gamma, sp.factorial: mpmath.factorial,
    sp.floor: mpmath.floor, sp.KroneckerDelta: lambda a, b: mpmath.mpf(a == b),
    sp.Add: lambda *terms: mpmath.fsum(terms), sp.Mul: lambda *factors: mpmath.fprod(factors),
}  # fmt: skip
RELATIONS = {
    sp.StrictLessThan: operator.lt, sp.LessThan: operator.le, sp.StrictGreaterThan: operator.gt,
    sp.GreaterThan: operator.ge, sp.Equality: operator.eq, sp.Unequality: operator.ne,
}  # fmt: skip
REDUCTIONS = {sp.Sum: mpmath.fsum, sp.Product: mpmath.fprod, Largest: max}
TWO_SIDED, MANY_SIDED = (sp.Abs, sp.sign, sp.Heaviside), (sp.Max, sp.Min, sp.Piecewise)


@functools.lru_cache(maxsize=4096)
def compiled(e: sp.Basic) -> Value:
    """A function from a point to the value of the expression there."""
    if isinstance(e, sp.Symbol):
        return lambda at: at[e]
    if isinstance(e, sp.Number | sp.NumberSymbol):
        return lambda _: mpmath.mpf(e.p) / e.q if isinstance(e, sp.Rational) else e._to_mpmath(mpmath.mp.prec)
    if isinstance(e, sp.Indexed):
        places = [compiled(place) for place in e.indices]
        return lambda at: functools.reduce(lambda v, place: v[int(place(at)) - 1], places, at[e.base.label])
    for kind, build in BUILDERS.items():
        if isinstance(e, kind):
            return build(e)
    parts, function = [compiled(part) for part in e.args], _function(e)
    return lambda at: function(*(part(at) for part in parts))


def _function(e: sp.Basic) -> Callable:
    if type(e) in FUNCTIONS:
        return FUNCTIONS[type(e)]
    raise TypeError(f"the numeric witness does not know {type(e).__name__}")


def _power(e: sp.Pow) -> Value:
    base, exponent = compiled(e.base), compiled(e.exp)
    whole = bool(e.exp.is_integer)

    def value(at: Point) -> mpmath.mpf:
        b, x = base(at), exponent(at)
        return mpmath.power(b, int(x) if whole else x)

    return value


def _reached(at: Point, e: sp.Basic, branch: int) -> None:
    seen = at.get("reached")
    if seen is not None:
        seen.add((e, branch))


def _by_sign(e: sp.Basic) -> Value:
    inner = compiled(e.args[0])
    at_zero = mpmath.mpf(str(e.args[1])) if isinstance(e, sp.Heaviside) else mpmath.mpf(0)

    def value(at: Point) -> mpmath.mpf:
        v = inner(at)
        _reached(at, e, int(v > 0))
        if isinstance(e, sp.Abs):
            return abs(v)
        if v == 0:
            return at_zero
        return mpmath.sign(v) if isinstance(e, sp.sign) else mpmath.mpf(v > 0)

    return value


def _extreme(e: sp.Basic) -> Value:
    parts, choose = [compiled(part) for part in e.args], max if isinstance(e, sp.Max) else min

    def value(at: Point) -> mpmath.mpf:
        values = [part(at) for part in parts]
        best = choose(values)
        _reached(at, e, values.index(best))
        return best

    return value


def _condition(c: sp.Basic) -> Callable[[Point], bool]:
    if c in (sp.true, sp.false):
        return lambda _: bool(c)
    if isinstance(c, sp.And | sp.Or):
        parts, combine = [_condition(part) for part in c.args], all if isinstance(c, sp.And) else any
        return lambda at: combine(part(at) for part in parts)
    left, right, holds = compiled(c.args[0]), compiled(c.args[1]), RELATIONS[type(c)]
    return lambda at: bool(holds(left(at), right(at)))


def _piecewise(e: sp.Piecewise) -> Value:
    branches = [(compiled(value), _condition(condition)) for value, condition in e.args]

    def value(at: Point) -> mpmath.mpf:
        for number, (branch, holds) in enumerate(branches):
            if holds(at):
                _reached(at, e, number)
                return branch(at)
        raise Unusable("no case of a piecewise expression holds")

    return value


def _reduction(e: sp.Sum) -> Value:
    (place, low, high), *outer = e.limits
    if outer:
        return _reduction(type(e)(type(e)(e.function, e.limits[0]), *outer))
    term, lower, upper, reduce = compiled(e.function), compiled(low), compiled(high), REDUCTIONS[type(e)]
    return lambda at: reduce([term({**at, place: mpmath.mpf(i)}) for i in range(int(lower(at)), int(upper(at)) + 1)])


def _integral(e: sp.Integral) -> Value:
    ((variable, low, high),) = e.limits
    inside, lower, upper = compiled(e.function), compiled(low), compiled(high)
    middle = [0] if low.is_infinite and high.is_infinite else []
    return lambda at: mpmath.quad(lambda t: inside({**at, variable: t}), [lower(at), *middle, upper(at)])


def _moved(at: Point, where: sp.Basic, value: mpmath.mpf) -> Point:
    """The point with one symbol, or one entry of a vector, moved."""
    if not isinstance(where, sp.Indexed):
        return {**at, where: value}
    entries = list(at[where.base.label])
    entries[int(compiled(where.indices[0])(at)) - 1] = value
    return {**at, where.base.label: entries}


def _derivative(e: sp.Derivative) -> Value:
    (variable, order), *rest = e.variable_count
    if rest:
        return _derivative(sp.Derivative(sp.Derivative(e.expr, (variable, order)), *rest))
    inside, here = compiled(e.expr), compiled(variable)
    return lambda at: mpmath.diff(lambda t: inside(_moved(at, variable, t)), here(at), int(order))


BUILDERS: dict[type, Callable[[sp.Basic], Value]] = {
    sp.Pow: _power, sp.Abs: _by_sign, sp.sign: _by_sign, sp.Heaviside: _by_sign, sp.Max: _extreme, sp.Min: _extreme,
    sp.Piecewise: _piecewise, sp.Sum: _reduction, sp.Product: _reduction, Largest: _reduction,
    sp.Integral: _integral, sp.Derivative: _derivative,
}  # fmt: skip


def value(e: sp.Basic, at: Point) -> mpmath.mpf:
    """The real value of an expression at a point, or Unusable where it has none."""
    try:
        number = mpmath.mpmathify(compiled(e)(at))
    except ZeroDivisionError:
        raise Unusable("a division by zero") from None
    if isinstance(number, mpmath.mpc) or not mpmath.isfinite(number):
        raise Unusable(f"the value {mpmath.nstr(number, 6)}")
    return number


def _draw(variable: Variable, rng: random.Random, at: Point, *, wide: bool) -> mpmath.mpf:
    domain = variable.domain
    if domain.values:
        return mpmath.mpf(int(rng.choice(domain.values)))
    low, high = (
        compiled(bound)(at) if bound.is_finite is not False else None for bound in (domain.lower, domain.upper)
    )
    if domain.integer:
        return mpmath.mpf(rng.randint(int(low), int(high)))
    span = 12 if wide else 3
    if low is None:
        return mpmath.mpf(rng.uniform(-span, span))
    if high is None:
        return low + mpmath.mpf(rng.uniform(0.05, span))
    return low + (high - low) * mpmath.mpf(rng.uniform(0.03, 0.97))


def _entries(label: Variable, lengths: list[int], rng: random.Random, at: Point, *, wide: bool) -> list:
    count, *inner = lengths
    if inner:
        return [_entries(label, inner, rng, at, wide=wide) for _ in range(count)]
    if label.domain.one_hot:
        hot = rng.randrange(count)
        return [mpmath.mpf(place == hot) for place in range(count)]
    drawn = [_draw(label, rng, at, wide=wide) for _ in range(count)]
    return [number / mpmath.fsum(drawn) for number in drawn] if label.domain.sums_to_one else drawn


@dataclass(frozen=True)
class Space:
    """What the samples are drawn from: symbols and vectors, their sizes, and the surfaces to keep away from."""

    symbols: tuple[Variable, ...]
    vectors: tuple[sp.IndexedBase, ...]
    sizes: tuple[dict[Variable, int], ...]
    kinks: tuple[sp.Expr, ...]
    poles: tuple[sp.Expr, ...]

    def draw(self, sizes: dict[Variable, int], rng: random.Random) -> Point:
        """One point of the domain: sizes first, then what they bound, then the rest."""
        at: Point = {symbol: mpmath.mpf(number) for symbol, number in sizes.items()}
        wide = rng.random() < 0.2
        for base in self.vectors:
            lengths = [int(compiled(length)(at)) for length in base.shape]
            at[base.label] = _entries(base.label, lengths, rng, at, wide=wide)
        for symbol in self.symbols:
            if symbol not in at:
                at[symbol] = _draw(symbol, rng, at, wide=wide)
        return at

    def cell(self, at: Point) -> tuple[bool, ...] | None:
        """On which side of each kink the point lies; None too near a kink or a pole."""
        sides = [value(kink, spot) for kink in self.kinks for spot in everywhere(kink, at)]
        poles = [value(pole, spot) for pole in self.poles for spot in everywhere(pole, at)]
        return (
            None
            if any(0 < abs(v) < AWAY for v in sides) or any(abs(v) < AWAY for v in poles)
            else tuple(v > 0 for v in sides)
        )

    def points(self, seed: str, count: int = POINTS) -> list[Point]:
        """Sample points, at most three to a cell where there are kinks, so that no rare branch is missed."""
        rng, found = random.Random(seed), []
        for sizes in self.sizes or ({},):
            quota, seen = -(-count // max(1, len(self.sizes))), Counter()
            for _ in range(TRIES):
                at = self.draw(sizes, rng)
                cell = self.cell(at)
                if cell is None or (self.kinks and seen[cell] == 3):
                    continue
                seen[cell] += 1
                found.append(at)
                if sum(seen.values()) >= (2 * quota if self.kinks else quota):
                    break
        return found


def everywhere(surface: sp.Expr, at: Point) -> Iterator[Point]:
    """The point with every index of the surface that it leaves open running over all its places."""
    open_places = sorted((s for s in surface.free_symbols if isinstance(s, Variable) and s not in at), key=str)
    spots = [at]
    for place in open_places:
        last = int(compiled(place.domain.upper)(at))
        spots = [{**spot, place: mpmath.mpf(i)} for spot in spots for i in range(1, last + 1)]
    yield from spots


def column(e: sp.Expr, points: Sequence[Point]) -> list[mpmath.mpf]:
    """The values of an expression at all points."""
    return [value(e, at) for at in points]


def disagreement(before: Sequence[mpmath.mpf], after: Sequence[mpmath.mpf], relation: str) -> int | None:
    """The first point at which the relation between two lines fails."""
    for number, (u, v) in enumerate(zip(before, after, strict=True)):
        slack = TOLERANCE * max(1, abs(u), abs(v))
        if not {"=": abs(u - v) <= slack, "<=": u <= v + slack, ">=": u + slack >= v}[relation]:
            return number
    return None


def branches(e: sp.Basic) -> set[tuple[sp.Basic, int]]:
    """Every branch of every |.|, max, step and case of an expression."""
    return {
        (node, branch)
        for node in e.atoms(*TWO_SIDED, *MANY_SIDED)
        for branch in range(2 if isinstance(node, TWO_SIDED) else len(node.args))
    }


def is_zero_everywhere(e: sp.Expr, points: Sequence[Point]) -> bool:
    """Whether an expression, at every place of the indices that it leaves open, is zero at all points."""
    return all(abs(value(e, spot)) <= TOLERANCE for at in points for spot in everywhere(e, at))
