"""The exact witness by induction: a claim holds for one, and for n + 1 wherever it holds for n."""

import sympy as sp

from ._cells import BRANCHING, UndecidedError
from ._concrete import concrete
from ._exact import nonnegative, opened, vanishes
from ._sums import generators, normal_form
from ._symbols import Domain, Largest, Variable

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
    """The same with a symbol in place of each base 1 - m: only a symbol's powers split."""
    share, bases = Domain(sp.S.Zero, sp.S.One), {power.base for power in d.atoms(sp.Pow)}
    rests = [s for s in d.free_symbols if isinstance(s, Variable) and s.domain == share and 1 - s in bases]
    return d.subs({rest: 1 - Variable(f"(1 - {rest})", share) for rest in rests})


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
    slopes = {dummy: now.diff(dummy) for part, dummy in known.items() if isinstance(part, SERIES)}
    solvable = {dummy: slope for dummy, slope in slopes.items() if sp.factor(opened(slope)).is_nonzero}
    return [later.subs(dummy, -now.subs(dummy, 0) / slope) for dummy, slope in solvable.items()]
