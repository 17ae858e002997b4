"""Where the numeric witness looks: points drawn from the domain of every symbol, on both sides of every kink."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mpmath
import sympy as sp

from ._numeric import Point, everywhere, value
from ._symbols import Variable

AWAY = mpmath.mpf(10) ** -2  # samples keep this distance from kinks and poles
POINTS, TRIES, EACH_CELL = 24, 600, 6


@dataclass(frozen=True)
class Space:
    """Symbols and vectors, the sizes they take in turn, and the surfaces to keep away from."""

    symbols: Sequence[Variable]
    vectors: Sequence[sp.IndexedBase]
    sizes: Sequence[Mapping[sp.Symbol, int]]
    kinks: Sequence[sp.Expr]
    poles: Sequence[sp.Expr]

    @classmethod
    def of(cls, lines: Sequence[sp.Expr], **surfaces: Sequence) -> Space:
        """The space in which these lines live."""
        vectors = set().union(*(line.atoms(sp.IndexedBase) for line in lines))
        lengths = {length for base in vectors for length in base.shape}
        free = set().union(*(e.free_symbols for e in (*lines, *lengths)))
        symbols = {s for s in free if isinstance(s, Variable)} - {base.label for base in vectors}
        return cls(sorted(symbols, key=str), sorted(vectors, key=str), **surfaces)

    def points(self, seed: str) -> list[Point]:
        """Sample points; where there are kinks only a few to a cell, so that no rare branch is missed."""
        rng = random.Random(seed)  # noqa: S311 (samples are no secret, and must be the same each time)
        found: list[Point] = []
        for sizes in self.sizes or ({},):
            quota = -(-POINTS // max(1, len(self.sizes))) * (2 if self.kinks else 1)
            seen: Counter = Counter()
            for _ in range(TRIES):
                at = self._draw(sizes, rng)
                cell = self._cell(at)
                if cell is not None and (not self.kinks or seen[cell] < EACH_CELL):
                    seen[cell] += 1
                    found.append(at)
                if seen.total() == quota:
                    break
        return found

    def _draw(self, sizes: Mapping[sp.Symbol, int], rng: random.Random) -> Point:
        at: dict[sp.Basic, object] = {symbol: mpmath.mpf(number) for symbol, number in sizes.items()}
        span = 12 if rng.random() < 0.2 else 3
        for base in self.vectors:
            at[base.label] = _entries(base.label, [int(value(length, at)) for length in base.shape], rng, span)
        for symbol in self.symbols:
            if symbol not in at:
                at[symbol] = _number(symbol, rng, span, at)
        return at

    def _cell(self, at: Point) -> tuple[bool, ...] | None:
        """On which side of each kink the point lies; None too near a kink or a pole."""
        sides = [value(kink, spot) for kink in self.kinks for spot in everywhere(kink, at)]
        poles = [value(pole, spot) for pole in self.poles for spot in everywhere(pole, at)]
        # A kink that is exactly zero is one at equal indices: no surface at all.
        near = any(0 < abs(v) < AWAY for v in sides) or any(abs(v) < AWAY for v in poles)
        return None if near else tuple(v > 0 for v in sides)


def _entries(label: Variable, lengths: Sequence[int], rng: random.Random, span: int) -> list:
    count, *inner = lengths
    if inner:
        return [_entries(label, inner, rng, span) for _ in range(count)]
    if label.domain.one_hot:
        hot = rng.randrange(count)
        return [mpmath.mpf(place == hot) for place in range(count)]
    drawn = [_number(label, rng, span, {}) for _ in range(count)]
    return [number / mpmath.fsum(drawn) for number in drawn] if label.domain.sums_to_one else drawn


def _number(symbol: Variable, rng: random.Random, span: int, at: Point) -> mpmath.mpf:
    domain = symbol.domain
    if domain.values:
        return mpmath.mpf(int(rng.choice(domain.values)))
    if domain.integer:  # an upper bound that is infinite has no value: the symbol needs a number
        upper = symbol if domain.upper.is_infinite else domain.upper
        return mpmath.mpf(rng.randint(int(domain.lower), int(value(upper, at))))
    low, high = (None if bound.is_infinite else value(bound, at) for bound in (domain.lower, domain.upper))
    if low is None:
        return _between(-span, span, rng)
    if high is None:
        return low + _between(0, span, rng)
    return low + (high - low) * _between(0, 1, rng)


def _between(low: int, high: int, rng: random.Random) -> mpmath.mpf:
    """Short enough to be read in a counterexample, and never whole, where an accident might look like a law."""
    return mpmath.mpf(2 * rng.randrange(100 * low, 100 * high) + 1) / 200
