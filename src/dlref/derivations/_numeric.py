"""The numeric witness: mpmath at 40 digits, with no calculus of sympy's.

Derivatives are differences, integrals quadrature, sums loops. Agreement is evidence; a disagreement is a proof.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import mpmath
import sympy as sp

from ._symbols import Largest, Variable, free

DIGITS = 40
TOLERANCE = mpmath.mpf(10) ** -18

Point = Mapping[sp.Basic, Any]  # a number for each symbol, a list of numbers for the label of each vector
Value = Callable[[Point], mpmath.mpf]
TWO_SIDED, MANY_SIDED = (sp.Abs, sp.sign, sp.Heaviside), (sp.Max, sp.Min, sp.Piecewise)
BITS = {"Heaviside": lambda u, at_zero=0: at_zero if u == 0 else int(u > 0), "KroneckerDelta": lambda a, b: int(a == b)}


class UnusableError(Exception):
    """An expression has no real value at a point."""


def value(e: sp.Basic, at: Point) -> mpmath.mpf:
    """The real value of an expression at a point; UnusableError where it has none."""
    try:
        number = mpmath.mpmathify(compiled(e)(at))
    except ZeroDivisionError:
        raise UnusableError("it divides by zero there") from None
    except NameError as unknown:
        raise UnusableError(f"mpmath has no function {unknown.name}") from None
    if isinstance(number, mpmath.mpc) or not mpmath.isfinite(number):
        raise UnusableError(f"its value there is {mpmath.nstr(number, 6)}, no real number")
    return number


@functools.lru_cache(maxsize=8192)
def compiled(e: sp.Basic) -> Value:
    """A function from a point to the value of the expression there."""
    if type(e) in BUILDERS:
        return BUILDERS[type(e)](e)
    parts = list(dict.fromkeys(_outermost(e)))
    names = [sp.Dummy() for _ in parts]
    body = e.xreplace(dict(zip(parts, names, strict=True)))
    function = sp.lambdify(names, body, [BITS, "mpmath"])
    values = [BUILDERS[type(part)](part) for part in parts]
    return lambda at: function(*(part(at) for part in values))


def _outermost(e: sp.Basic) -> Iterator[sp.Basic]:
    """The symbols and the parts with calculus in them, from the outside."""
    walk = sp.preorder_traversal(e)
    for part in walk:
        if type(part) in BUILDERS:
            walk.skip()
            yield part


def _symbol(e: sp.Symbol) -> Value:
    def number(at: Point) -> mpmath.mpf:
        if e not in at:
            raise UnusableError(f"{e} has no number: give it some, as in sizes=[{{{e}: 3}}]")
        return at[e]

    return number


def _indexed(e: sp.Indexed) -> Value:
    places = [compiled(place) for place in e.indices]
    return lambda at: functools.reduce(lambda entries, place: entries[int(place(at)) - 1], places, at[e.base.label])


def _reduction(e: sp.Sum) -> Value:
    *inner, (place, low, high) = e.limits
    term = compiled(type(e)(e.function, *inner) if inner else e.function)
    lower, upper, reduce = compiled(low), compiled(high), REDUCTIONS[type(e)]
    return lambda at: reduce([term({**at, place: mpmath.mpf(i)}) for i in range(int(lower(at)), int(upper(at)) + 1)])


def _integral(e: sp.Integral) -> Value:
    ((variable, low, high),) = e.limits
    inside, lower, upper = compiled(e.function), compiled(low), compiled(high)
    middle = [0] if low.is_infinite and high.is_infinite else []
    return lambda at: mpmath.quad(lambda t: inside({**at, variable: t}), [lower(at), *middle, upper(at)])


def _derivative(e: sp.Derivative) -> Value:
    *inner, (variable, order) = e.variable_count
    inside, here = compiled(sp.Derivative(e.expr, *inner) if inner else e.expr), compiled(variable)
    return lambda at: mpmath.diff(lambda t: inside(_moved(at, variable, t)), here(at), int(order))


def _moved(at: Point, where: sp.Basic, number: mpmath.mpf) -> Point:
    """The point with one symbol, or one entry of a vector, moved."""
    if isinstance(where, sp.Symbol):
        return {**at, where: number}
    places = [int(compiled(place)(at)) - 1 for place in where.indices]
    return {**at, where.base.label: _replaced(at[where.base.label], places, number)}


def _replaced(entries: Sequence, places: Sequence[int], number: mpmath.mpf) -> list:
    first, *rest = places
    new = _replaced(entries[first], rest, number) if rest else number
    return [*entries[:first], new, *entries[first + 1 :]]


REDUCTIONS = {sp.Sum: mpmath.fsum, sp.Product: mpmath.fprod, Largest: max}
BUILDERS: dict[type, Callable[..., Value]] = {
    Variable: _symbol, sp.Indexed: _indexed, sp.Sum: _reduction, sp.Product: _reduction, Largest: _reduction,
    sp.Integral: _integral, sp.Derivative: _derivative,
}  # fmt: skip


def everywhere(e: sp.Expr, at: Point) -> Sequence[Point]:
    """The point, with every index of the expression that it leaves open at each of its places in turn."""
    spots = [at]
    for place in (s for s in _variables(e) if s not in at):
        last = int(compiled(place.domain.upper)(at))
        spots = [{**spot, place: mpmath.mpf(i)} for spot in spots for i in range(1, last + 1)]
    return spots


@functools.lru_cache(maxsize=8192)
def _variables(e: sp.Expr) -> list[Variable]:
    return sorted((s for s in free(e) if isinstance(s, Variable)), key=str)


def disagreement(before: Sequence[mpmath.mpf], after: Sequence[mpmath.mpf], relation: str) -> int | None:
    """The first point at which the relation between two lines fails."""
    for number, (u, v) in enumerate(zip(before, after, strict=True)):
        slack = TOLERANCE * max(1, abs(u), abs(v))
        if not {"=": abs(u - v) <= slack, "<=": u <= v + slack, ">=": u + slack >= v}[relation]:
            return number
    return None


def unreached(e: sp.Basic, points: Sequence[Point]) -> Iterator[tuple[sp.Basic, sp.Basic]]:
    """Each branching part of which some branch holds at no point, with that branch."""
    for part in sorted(e.atoms(*TWO_SIDED, *MANY_SIDED), key=str):
        taken = {_branch(part, spot) for at in points for spot in everywhere(part, at)}
        branches = (part.args[0] > 0, part.args[0] < 0) if isinstance(part, TWO_SIDED) else part.args
        yield from ((part, branch) for number, branch in enumerate(branches) if number not in taken)


def _branch(part: sp.Basic, at: Point) -> int:
    if isinstance(part, TWO_SIDED):
        return int(value(part.args[0], at) < 0)
    if isinstance(part, sp.Piecewise):
        holds = [compiled(condition)(at) if condition.free_symbols else condition for _, condition in part.args]
        return next((number for number, true in enumerate(holds) if true), -1)
    values = [value(argument, at) for argument in part.args]
    return values.index((max if isinstance(part, sp.Max) else min)(values))


def is_zero_everywhere(e: sp.Expr, points: Sequence[Point]) -> bool:
    """Whether an expression, at every place of the indices that it leaves open, is zero at all points."""
    return all(abs(value(e, spot)) <= TOLERANCE for at in points for spot in everywhere(e, at))
