"""Expressions at given sizes: sums written out, entries of vectors as symbols of their own."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

import sympy as sp

from ._symbols import Largest, Variable

Known = Mapping[sp.Basic, sp.Expr]


@functools.cache
def entry(base: sp.IndexedBase, places: tuple[sp.Expr, ...]) -> Variable:
    """One entry of a vector, as a symbol that lives where the vector's entries live."""
    where = ",".join(map(str, places))
    return Variable(f"{base.label}_{where}", base.label.domain, f"{base.label.tex}_{{{where}}}")


def concrete(e: sp.Basic, known: Known) -> sp.Basic:
    """The expression with the known symbols put in and every sum over known limits written out."""
    if isinstance(e, sp.Symbol):
        return known.get(e, e)
    if isinstance(e, sp.Indexed):
        places = tuple(concrete(place, known) for place in e.indices)
        if not all(place.is_Integer for place in places):
            return e  # a place that nothing has settled
        hot = known.get(e.base.label)
        return sp.Integer(places[0] == hot) if hot is not None else entry(e.base, places)
    if isinstance(e, sp.Sum | sp.Product | Largest):
        return _written_out(e, known)
    if isinstance(e, sp.Derivative):
        variables = [(concrete(variable, known), order) for variable, order in e.variable_count]
        return sp.Derivative(concrete(e.expr, known), *variables)
    return e.func(*(concrete(part, known) for part in e.args)) if e.args else e


def _written_out(e: sp.Sum, known: Known) -> sp.Expr:
    """Innermost limits come first, so the last one is opened first."""
    place, low, high = e.limits[-1]
    inner = type(e)(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function
    places = range(int(concrete(low, known)), int(concrete(high, known)) + 1)
    terms = [concrete(inner, {**known, place: sp.Integer(i)}) for i in places]
    return {sp.Sum: sp.Add, sp.Product: sp.Mul, Largest: sp.Max}[type(e)](*terms)


def closed(e: sp.Expr, vectors: Sequence[sp.IndexedBase], known: Known) -> sp.Expr:
    """The expression with the last entry of each distribution written through the others."""
    for base in vectors:
        if base.label.domain.sums_to_one:
            entries = [entry(base, (sp.Integer(i),)) for i in range(1, int(concrete(base.shape[0], known)) + 1)]
            e = e.xreplace({entries[-1]: 1 - sp.Add(*entries[:-1])})
    return e


def assignments(symbols: Sequence[Variable], vectors: Sequence[sp.IndexedBase], sizes: Known) -> Iterator[Known]:
    """Every choice for the symbols that have finitely many values: places, signs, one-hot vectors."""
    ranges: dict[sp.Basic, list[sp.Expr]] = {}
    for symbol in symbols:
        if symbol.domain.values:
            ranges[symbol] = list(symbol.domain.values)
        elif symbol not in sizes and symbol.domain.integer and symbol.domain.lower == 1:
            ranges[symbol] = _places(symbol.domain.upper, sizes)
    for base in vectors:
        if base.label.domain.one_hot:
            ranges[base.label] = _places(base.shape[0], sizes)
    for choice in itertools.product(*ranges.values()):
        yield {**sizes, **dict(zip(ranges, choice, strict=True))}


def _places(upper: sp.Expr, sizes: Known) -> list[sp.Expr]:
    return [sp.Integer(i) for i in range(1, int(concrete(upper, sizes)) + 1)]


def at_every_place(surface: sp.Expr, known: Known) -> Iterator[sp.Expr]:
    """A kink at every place of the indices that it leaves open."""
    free = sorted((s for s in surface.free_symbols if isinstance(s, Variable) and s not in known), key=str)
    places = [s for s in free if s.domain.integer and s.domain.upper.free_symbols <= set(known)]
    for choice in itertools.product(*(_places(place.domain.upper, known) for place in places)):
        yield concrete(surface, {**known, **dict(zip(places, choice, strict=True))})
