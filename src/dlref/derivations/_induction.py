"""The exact witness by induction: a claim holds for one, and for n + 1 wherever it holds for n."""

import sympy as sp

from ._cells import BRANCHING, UndecidedError
from ._concrete import concrete
from ._exact import nonnegative, opened, vanishes
from ._sums import generators, normal_form
from ._symbols import Largest, Variable

SERIES = (sp.Sum, sp.Product)


def holds_by_induction(d: sp.Expr, n: Variable, *, is_equation: bool) -> bool:
    """Whether the expression is shown to be zero, or at least zero, for n = 1 and from each n to the next."""
    if _leans_on_its_size(d, n):
        return False
    d = d.replace(sp.Indexed, lambda base, *places: sp.IndexedBase(base.label)[places])  # entries outlive the size
    d = _plain_bases(d)
    base = concrete(d, {n: sp.S.One})
    if not (vanishes(base) if is_equation else nonnegative(base)):
        return False
    known: dict[sp.Expr, sp.Expr] = {}
    now, later = (generators(normal_form(e), known) for e in (d, _last_apart(d.subs(n, n + 1), n)))
    if not is_equation:
        return nonnegative(later - now)
    return any(vanishes(step) for step in (later - now, *_under_hypothesis(now, later, known)))


def _leans_on_its_size(d: sp.Expr, n: Variable) -> bool:
    """Whether the first n entries might not be what the claim for n is about, or a slope is still to be taken."""
    labels = [base.label.domain for base in d.atoms(sp.IndexedBase)]
    places = [s for s in d.free_symbols if isinstance(s, Variable) and s.domain.upper.has(n)]
    special = any(domain.sums_to_one or domain.values for domain in labels)
    return special or places != [] or d.has(sp.Derivative, sp.Integral, Largest, sp.KroneckerDelta, *BRANCHING)


def _plain_bases(d: sp.Expr) -> sp.Expr:
    """The same with a symbol in place of 1 - m wherever that is a positive base: only a symbol's powers split."""
    bases = {part.base for part in d.atoms(sp.Pow) if not part.exp.is_number and isinstance(1 - part.base, Variable)}
    kept = {1 - base: 1 - sp.Dummy(positive=True) for base in bases if sp.factor(opened(base)).is_positive}
    return d.subs(kept)


def _last_apart(e: sp.Expr, n: Variable) -> sp.Expr:
    """The same with the last term of every sum and product that runs with n written beside it."""

    def split(part: sp.Expr) -> sp.Expr:
        (place, low, high), *others = part.limits
        if others:
            raise UndecidedError("a sum over two places")
        if not high.has(n):
            return part
        last, rest = part.function.subs(place, high), part.func(part.function, (place, low, high - 1))
        return rest + last if isinstance(part, sp.Sum) else rest * last

    return e.replace(lambda part: isinstance(part, SERIES), split)


def _under_hypothesis(now: sp.Expr, later: sp.Expr, known: dict[sp.Expr, sp.Expr]) -> list[sp.Expr]:
    """The claim for n + 1, with a sum in it replaced by what the claim for n says that it is."""
    steps = []
    for part, dummy in known.items():
        slope = now.diff(dummy)
        if isinstance(part, SERIES) and not slope.has(dummy) and _is_nowhere_zero_for_long(slope):
            steps.append(later.subs(dummy, -now.subs(dummy, 0) / slope))
    return steps


def _is_nowhere_zero_for_long(e: sp.Expr) -> bool:
    """Whether zeros could only be single values of continuous symbols, beside which a smooth claim carries over."""
    return all(
        factor.is_nonzero or (factor != 0 and not any(map(_is_discrete, factor.free_symbols)))
        for factor in sp.Mul.make_args(sp.factor(opened(e)))
    )


def _is_discrete(s: sp.Symbol) -> bool:
    return bool(s.is_integer) or (isinstance(s, Variable) and s.domain.values != ())
