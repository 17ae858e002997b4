"""What may stand in a step. The rest is refused before anyone asks whether it is true."""

from collections.abc import Iterator

import sympy as sp
from sympy.core.function import AppliedUndef

from ._cells import BRANCHING
from ._symbols import Largest, Variable, unfold

FOREIGN = (
    (sp.MatrixExpr | sp.MatrixBase, "the matrix {}, whose slopes sympy gets wrong: write sums over indices"),
    (AppliedUndef, "the function {}, which has no meaning: give it one with named()"),
    (sp.Float, "the rounded number {}: write it as a fraction"),
)


def faults(e: object, *, has_kinks: bool = True) -> Iterator[str]:
    """What is wrong with an expression, whatever it claims."""
    if not isinstance(e, sp.Expr):
        yield f"is no sympy expression but the {type(e).__name__} {e!r}"
        return
    for part in sp.preorder_traversal(unfold(e)):
        yield from (f"holds {why.format(part)}" for kind, why in FOREIGN if isinstance(part, kind))
        if isinstance(part, sp.Symbol) and not isinstance(part, Variable):
            yield f"holds the symbol {part} from elsewhere: make it with dlref.derivations.symbols"
        elif isinstance(part, sp.Sum | sp.Product | Largest):
            yield from _faults_of_places(part)
        elif isinstance(part, sp.Derivative):
            yield from _faults_of_slope(part, has_kinks=has_kinks)


def _faults_of_places(e: sp.Sum) -> Iterator[str]:
    for place, low, high in e.limits:
        if isinstance(place, Variable) and (low != 1 or high != place.domain.upper):
            yield f"sums {place} from {low} to {high}, but it was made to run from 1 to {place.domain.upper}"


def _faults_of_slope(e: sp.Derivative, *, has_kinks: bool) -> Iterator[str]:
    bound = set().union(*(s.bound_symbols for s in e.expr.atoms(sp.Sum, sp.Product, Largest)))
    if any(variable.free_symbols & bound for variable in e.variables):
        yield f"differentiates by an index that a sum binds: {e}"
    if not has_kinks and e.expr.has(*BRANCHING, Largest):
        yield f"differentiates branches, but no kinks are declared: {e}"
