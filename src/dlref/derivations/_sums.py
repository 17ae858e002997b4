"""The exact witness for all n: sums in a normal form, so that equal sums look equal."""

from __future__ import annotations

import sympy as sp

from ._cells import Undecided
from ._exact import vanishes
from ._symbols import Largest, Variable, index


def differentiated(e: sp.Expr) -> sp.Expr:
    """The expression with its derivatives taken, by no index that a sum binds (sympy#21891 gets those wrong)."""
    if not e.has(sp.Derivative):
        return e
    if isinstance(e, sp.Derivative):
        inside = differentiated(e.expr)
        bound = set().union(*(s.bound_symbols for s in inside.atoms(sp.Sum, sp.Product, Largest)))
        if any(variable.free_symbols & bound for variable, _ in e.variable_count):
            raise Undecided("a derivative by an index that a sum binds")
        return inside.diff(*e.variable_count)
    return e.func(*(differentiated(part) for part in e.args))


def normal(e: sp.Expr, depth: int = 0) -> sp.Expr:
    """Constant factors before the sum, deltas contracted, indices named by their depth."""
    if not e.args or isinstance(e, sp.Indexed):
        return e
    if isinstance(e, sp.Heaviside):
        return sp.Heaviside(normal(e.args[0], depth), 0)  # off the kink its value there does not matter
    if not isinstance(e, sp.Sum):
        return e.func(*(normal(part, depth) for part in e.args))
    inside = normal(e.function, depth + len(e.limits))
    for level, (place, low, high) in enumerate(e.limits):
        inside = _sum(inside, place, low, high, depth + len(e.limits) - 1 - level)
    return inside


def _sum(term: sp.Expr, place: sp.Symbol, low: sp.Expr, high: sp.Expr, depth: int) -> sp.Expr:
    here, result = index(f"_{depth}", high), sp.S.Zero
    for part in sp.Add.make_args(sp.expand(term)):
        constant, inner = part.as_independent(place, as_Add=False)
        delta = next((f for f in sp.Mul.make_args(inner) if isinstance(f, sp.KroneckerDelta)), None)
        if delta is not None:
            result += (constant * inner / delta).subs(place, _other(delta, place, low, high))
        elif inner == 1:
            result += constant * (high - low + 1)
        elif _adds_to_one(inner, place, low, high):
            result += constant
        else:
            result += constant * sp.Sum(inner.subs(place, here), (here, low, high))
    return result


def _other(delta: sp.KroneckerDelta, place: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """The place that a delta picks out, if it is surely one of those that the sum runs over."""
    (other,) = (argument for argument in delta.args if argument != place)
    if low != 1 or not isinstance(other, Variable) or other.domain.upper != high:
        raise Undecided(f"{other} may lie outside the sum")
    return other


def _adds_to_one(term: sp.Expr, place: sp.Symbol, low: sp.Expr, high: sp.Expr) -> bool:
    if not isinstance(term, sp.Indexed) or term.indices != (place,) or low != 1:
        return False
    domain = term.base.label.domain
    return (domain.sums_to_one or domain.one_hot) and term.base.shape == (high,)


def _generators(e: sp.Expr) -> sp.Expr:
    """Each sum and entry as a symbol of its own."""
    known: dict[sp.Expr, sp.Dummy] = {}

    def stand_in(part: sp.Expr) -> sp.Dummy:
        sign = {"positive": True} if part.is_positive else {"real": True}
        return known.setdefault(part, sp.Dummy(**sign))

    return e.replace(lambda part: isinstance(part, (sp.Sum, sp.Indexed, Largest)), stand_in)


def vanishes_for_all_n(d: sp.Expr) -> str | None:
    """The rung that shows the expression to be zero whatever the sizes are."""
    return vanishes(_generators(normal(normal(sp.expand(differentiated(d))))))
