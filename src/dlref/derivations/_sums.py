"""The exact witness for all n: sums in a normal form, so that equal sums look equal."""

import sympy as sp

from ._cells import UndecidedError
from ._exact import nonnegative, vanishes, without_logs
from ._symbols import Largest, Variable, index

OPAQUE = (sp.Sum, sp.Product, sp.Indexed, Largest, sp.KroneckerDelta)


def normal(e: sp.Expr, depth: int = 0) -> sp.Expr:
    """Constant factors before the sum, deltas contracted, indices named by their depth."""
    if not e.args or isinstance(e, sp.Indexed):
        return e
    if isinstance(e, sp.Sum):
        inside = normal(e.function, depth + len(e.limits))
        for level, (place, low, high) in enumerate(e.limits):  # innermost first, and deepest
            inside = _sum(inside, (place, low, high), depth + len(e.limits) - 1 - level)
        return inside
    parts = [normal(part, depth) for part in e.args]
    if isinstance(e, sp.Heaviside):
        return _step(parts[0])
    if isinstance(e, sp.Max) and len(parts) == 2:
        return parts[0] + (parts[1] - parts[0]) * _step(parts[1] - parts[0])
    return e.func(*parts)


def _step(u: sp.Expr) -> sp.Expr:
    """One where u is positive. What it is at zero does not matter: that is a kink."""
    return 1 - sp.Heaviside(-u, 0) if u.could_extract_minus_sign() else sp.Heaviside(u, 0)


def _sum(term: sp.Expr, limits: tuple[sp.Symbol, sp.Expr, sp.Expr], depth: int) -> sp.Expr:
    place, low, high = limits
    here, result = index(f"_{depth}", high), sp.S.Zero
    for part in sp.Add.make_args(sp.expand(term)):
        constant, inner = part.as_independent(place, as_Add=False)
        delta = next((f for f in sp.Mul.make_args(inner) if isinstance(f, sp.KroneckerDelta)), None)
        if delta is not None:
            result += (constant * inner / delta).subs(place, _other(delta, place, low, high))
        elif inner == 1:
            result += constant * (high - low + 1)
        else:
            result += constant * sp.Sum(inner.subs(place, here), (here, low, high))
    return result


def _settled(e: sp.Expr) -> sp.Expr:
    """The same with beside a delta only one of its two indices."""
    result = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(e)):
        for delta in sorted((f for f in sp.Mul.make_args(term) if isinstance(f, sp.KroneckerDelta)), key=str):
            kept, gone = sorted(delta.args, key=str)
            term = delta * (term / delta).subs(gone, kept)
        result += term
    return result


def _other(delta: sp.KroneckerDelta, place: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """The place that a delta picks out, if it is surely one of those that the sum runs over."""
    others = [argument for argument in delta.args if argument != place]
    if len(others) != 1 or not _runs_over(others[0], low, high):
        raise UndecidedError(f"{delta} may pick a place outside the sum")
    return others[0]


def _runs_over(place: sp.Expr, low: sp.Expr, high: sp.Expr) -> bool:
    """Whether a place is an index that was made to run from 1 to just this end."""
    return low == 1 and isinstance(place, Variable) and place.domain.integer and place.domain.upper == high


def _is_one(e: sp.Basic) -> bool:
    """Whether it is the sum over a whole distribution or one-hot vector."""
    if not isinstance(e, sp.Sum) or not isinstance(e.function, sp.Indexed):
        return False
    base, ((place, low, high), *_) = e.function.base, e.limits
    whole = e.function.indices == (place,) and low == 1 and base.shape == (high,)
    return whole and (base.label.domain.sums_to_one or base.label.domain.one_hot)


def generators(e: sp.Expr, known: dict[sp.Expr, sp.Expr]) -> sp.Expr:
    """Each sum, entry and delta as a symbol of its own, written so that sympy sees what bounds it."""
    if e.has(sp.Derivative):  # a symbol in place of what it differentiates would make its slope zero
        raise UndecidedError(f"a derivative that could not be taken: {e}")
    for part in sorted(e.atoms(Largest), key=str):
        (place, low, high), *_ = part.limits
        largest = known.setdefault(part, sp.Dummy(real=True))
        for entry in e.atoms(sp.Indexed):
            here = entry.indices[0]
            if part.function.subs(place, here) == entry and _runs_over(here, low, high):
                known.setdefault(entry, largest - sp.log(1 + sp.Dummy(nonnegative=True)))

    def stand_in(part: sp.Basic) -> sp.Basic:
        if not isinstance(part, OPAQUE):
            return part.func(*map(stand_in, part.args)) if part.args else part
        if isinstance(part, sp.KroneckerDelta):  # somewhere from zero to one
            t = sp.Dummy(nonnegative=True)
            return known.setdefault(part, t / (1 + t))
        return known.setdefault(part, sp.Dummy(**({"positive": True} if part.is_positive else {"real": True})))

    return stand_in(e)


def normal_form(d: sp.Expr, *, close: bool = True) -> sp.Expr:
    """The expression so written that equal sums look equal."""
    d = sp.expand(d.replace(sp.Derivative, lambda e, *by: e.diff(*by)))
    form = normal(d)
    return _settled(normal(form.replace(_is_one, lambda _: sp.S.One) if close else form))


def vanishes_for_all_n(d: sp.Expr) -> bool:
    """Whether the expression is shown to be zero whatever the sizes are."""
    return vanishes(generators(normal_form(d), {})) is not None


def nonnegative_for_all_n(d: sp.Expr, touch: tuple[sp.Expr, sp.Expr] | None = None) -> bool:
    """Whether the expression is shown to be at least zero whatever the sizes are: as a whole, or term by term."""
    form, apart = normal_form(d), normal_form(d, close=False)
    if nonnegative(generators(form, {})):
        return True
    forms = (form, apart, normal_form(without_logs(form))) if form.has(sp.log) else (form, apart)
    for form in dict.fromkeys(forms):
        summands, rest = _summands(form)
        if all(_summand_is_nonnegative(f, touch) for f in (*summands.values(), rest)):
            return True
    return False


def _summands(d: sp.Expr) -> tuple[dict[tuple, sp.Expr], sp.Expr]:
    """The terms of all sums over the same places put under one sum, and what is left over."""
    together: dict[tuple, sp.Expr] = {}
    rest = []
    for term in sp.Add.make_args(d):
        sums = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.Sum)]
        if len(sums) == 1:
            (inner,) = sums
            together[inner.limits] = together.get(inner.limits, 0) + term / inner * inner.function
        else:
            rest.append(term)
    if len(together) == 1:
        ((limits, summand),) = together.items()
        shares = [_share(term, *limits[0]) if len(limits) == 1 else None for term in rest]
        together[limits] = sp.Add(summand, *(share for share in shares if share is not None))
        rest = [term for term, share in zip(rest, shares, strict=True) if share is None]
    return together, sp.Add(*rest)


def _share(term: sp.Expr, place: sp.Symbol, low: sp.Expr, high: sp.Expr) -> sp.Expr | None:
    """What one place contributes to a term that is itself a sum: n times a constant, or what stands at one place."""
    if not (term / high).replace(lambda part: isinstance(part, (sp.Sum, Largest)), lambda _: sp.Dummy()).has(high):
        return term / high
    at = [s for s in term.free_symbols if _runs_over(s, low, high)]
    if len(at) != 1:
        return None
    return sp.KroneckerDelta(place, at[0]) * term.subs(at[0], place)


def _summand_is_nonnegative(f: sp.Expr, touch: tuple[sp.Expr, sp.Expr] | None) -> bool:
    known: dict[sp.Expr, sp.Expr] = {}
    here = next((s for s in f.free_symbols if s.name == "_0"), None)  # the place of the outermost sum
    if touch is not None and here is not None:
        places = {place for part in touch for entry in part.atoms(sp.Indexed) for place in entry.indices}
        touch = tuple(generators(part.subs(dict.fromkeys(places, here)), known) for part in touch)
    return nonnegative(generators(f, known), touch)
