"""Expressions at given sizes: sums written out, entries of vectors as symbols of their own."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

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
        places, hot = tuple(concrete(place, known) for place in e.indices), known.get(e.base.label)
        return entry(e.base, places) if hot is None else sp.Integer(places[0] == hot)
    if isinstance(e, sp.Sum | sp.Product | Largest):
        return _written_out(e, known)
    if isinstance(e, sp.Derivative):
        variables = [(concrete(variable, known), order) for variable, order in e.variable_count]
        return sp.Derivative(concrete(e.expr, known), *variables)
    return e.func(*(concrete(part, known) for part in e.args)) if e.args else e


def _written_out(e: sp.Sum, known: Known) -> sp.Expr:
    """Innermost limits come first, so the last one is opened first."""
    place, low, high = e.limits[-1]
    inner = e.func(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function
    places = range(int(concrete(low, known)), int(concrete(high, known)) + 1)
    terms = [concrete(inner, {**known, place: sp.Integer(i)}) for i in places]
    return {sp.Sum: sp.Add, sp.Product: sp.Mul, Largest: sp.Max}[type(e)](*terms)


def closed(e: sp.Expr, vectors: Sequence[sp.IndexedBase], known: Known) -> sp.Expr:
    """The expression with the last entry of each distribution written through the others."""
    for base in vectors:
        if base.label.domain.sums_to_one:
            entries = [entry(base, (place,)) for place in _places(base.shape[0], known)]
            e = e.xreplace({entries[-1]: 1 - sp.Add(*entries[:-1])})
    return e


def choices(
    symbols: Sequence[Variable], vectors: Sequence[sp.IndexedBase], sizes: Sequence[Mapping[sp.Symbol, int]]
) -> Iterator[Known]:
    """Every choice for what has finitely many values: the sizes given; places, signs and one-hot vectors at each."""
    for lengths in sizes or ({},):
        known = {symbol: sp.Integer(length) for symbol, length in lengths.items()}
        hot = {base.label: _places(base.shape[0], known) for base in vectors if base.label.domain.one_hot}
        yield from _every({**_ranges(symbols, known), **hot}, known)


def at_every_place(surface: sp.Expr, known: Known) -> Iterator[sp.Expr]:
    """A kink at every place of the indices that it leaves open."""
    return (concrete(surface, spot) for spot in _every(_ranges(surface.free_symbols, known), known))


def _ranges(symbols: Iterable[sp.Basic], known: Known) -> Mapping[Variable, Sequence[sp.Expr]]:
    """What each symbol can be that is not known and has finitely many values."""
    rest = sorted((s for s in symbols if isinstance(s, Variable) and s not in known), key=str)
    places = {s: _places(s.domain.upper, known) for s in rest if s.domain.integer and s.domain.lower == 1}
    return places | {s: s.domain.values for s in rest if s.domain.values}


def _places(upper: sp.Expr, known: Known) -> list[sp.Expr]:
    return [sp.Integer(i) for i in range(1, int(concrete(upper, known)) + 1)]


def _every(ranges: Mapping[sp.Basic, Sequence[sp.Expr]], known: Known) -> Iterator[Known]:
    return ({**known, **dict(zip(ranges, choice, strict=True))} for choice in itertools.product(*ranges.values()))
