"""Where the numeric witness looks: points drawn from the domain of every symbol, on both sides of every kink."""

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import mpmath
import sympy as sp

from ._numeric import TWO_SIDED, Point, UnusableError, everywhere, value
from ._symbols import Domain, Variable, free

AWAY = mpmath.mpf(10) ** -2  # samples keep this distance from kinks and poles
POINTS, TRIES, EACH_CELL = 24, 300, 6
SPANS = (3, 3, 3, 12, 0.25)  # how far from zero a real number may lie: near, rarely far, rarely very near
MOST = 2000  # points of a grid


@dataclass(frozen=True)
class Space:
    """Symbols and vectors, the sizes they take in turn, and the surfaces to keep away from."""

    symbols: Sequence[Variable]
    vectors: Sequence[sp.IndexedBase]
    sizes: Sequence[Mapping[sp.Symbol, int]]
    kinks: Sequence[sp.Expr]
    poles: Sequence[sp.Expr]
    turns: Sequence[sp.Expr]  # where some branch of a line turns into another: declared or not, all sides are sampled

    @classmethod
    def of(cls, lines: Sequence[sp.Expr], **surfaces: Sequence) -> "Space":
        """The space in which these lines live."""
        vectors = set().union(*(line.atoms(sp.IndexedBase) for line in lines))
        lengths = {length for base in vectors for length in base.shape}
        symbols = set().union(*map(free, (*lines, *lengths)))
        symbols = {s for s in symbols if isinstance(s, Variable)} - {base.label for base in vectors}
        turns = sorted(set().union(*map(_turns, lines)), key=str)
        return cls(sorted(symbols, key=str), sorted(vectors, key=str), turns=turns, **surfaces)

    def points(self, seed: str) -> list[Point]:
        """Sample points; where there are branches only a few to a cell, so that no rare one is missed."""
        if self.is_grid or not (self.symbols or self.vectors):
            return [at for at in self._grid() if self._cell(at) is not None]
        rng = random.Random(seed)  # noqa: S311 (samples are no secret, and must be the same each time)
        found: list[Point] = []
        for sizes in self.sizes or ({},):
            quota = -(-POINTS // max(1, len(self.sizes))) * (2 if self.turns else 1)
            seen: Counter = Counter()
            for _ in range(TRIES):
                at = self._draw(sizes, rng)
                cell = self._cell(at)
                if cell is not None and (not self.turns or seen[cell] < EACH_CELL):
                    seen[cell] += 1
                    found.append(at)
                if seen.total() == quota:
                    break
        return found

    @property
    def is_grid(self) -> bool:
        """Whether all symbols are whole numbers, few enough to be tried in every combination."""
        whole = all(s.domain.values or (s.domain.integer and s.domain.upper.is_Integer) for s in self.symbols)
        given = not self.symbols or self.vectors or self.sizes
        return not given and whole and math.prod(len(_values(s, {})) for s in self.symbols) < MOST

    def _grid(self) -> Iterator[Point]:
        for choice in itertools.product(*(_values(symbol, {}) for symbol in self.symbols)):
            yield dict(zip(self.symbols, map(mpmath.mpf, choice), strict=True))

    def _draw(self, sizes: Mapping[sp.Symbol, int], rng: random.Random) -> Point:
        at: dict[sp.Basic, object] = {symbol: mpmath.mpf(number) for symbol, number in sizes.items()}
        span = rng.choice(SPANS)
        for base in self.vectors:
            at[base.label] = _entries(base.label, [int(value(length, at)) for length in base.shape], rng, span)
        for symbol in self.symbols:
            if symbol not in at:
                at[symbol] = _number(symbol, rng, span, at)
        return at

    def _cell(self, at: Point) -> tuple[bool | None, ...] | None:
        """On which side of each turn the point lies; None too near a kink or a pole."""
        sides = [value(kink, spot) for kink in self.kinks for spot in everywhere(kink, at)]
        poles = [value(pole, spot) for pole in self.poles for spot in everywhere(pole, at)]
        # A kink that is exactly zero is one at equal indices: no surface at all.
        near = any(0 < abs(v) < AWAY for v in sides) or any(abs(v) < AWAY for v in poles)
        return None if near else tuple(_side(turn, spot) for turn in self.turns for spot in everywhere(turn, at))


def _side(turn: sp.Expr, at: Point) -> bool | None:
    try:
        return bool(value(turn, at) > 0)
    except UnusableError:  # the branches on either side of it may be for other points
        return None


def _turns(line: sp.Expr) -> set[sp.Expr]:
    """The expressions at whose zeros a line goes from one branch to another."""
    pairs = [(part.args[0], sp.S.Zero) for part in line.atoms(*TWO_SIDED)]
    pairs += [pair for part in line.atoms(sp.Max, sp.Min) for pair in itertools.combinations(part.args, 2)]
    pairs += [c.args for part in line.atoms(sp.Piecewise) for _, cond in part.args for c in cond.atoms(sp.Rel)]
    return {min(left - right, right - left, key=str) for left, right in pairs}


def _entries(label: Variable, lengths: Sequence[int], rng: random.Random, span: float) -> list:
    count, *inner = lengths
    if inner:
        return [_entries(label, inner, rng, span) for _ in range(count)]
    if label.domain.one_hot:
        hot = rng.randrange(count)
        return [mpmath.mpf(place == hot) for place in range(count)]
    drawn = [_number(label, rng, span, {}) for _ in range(count)]
    if label.domain == Domain() and rng.random() < 0.3:  # some claims are wrong only where all signs are alike
        side = rng.choice((-1, 1))
        drawn = [side * abs(number) for number in drawn]
    return [number / mpmath.fsum(drawn) for number in drawn] if label.domain.sums_to_one else drawn


def _values(symbol: Variable, at: Point) -> Sequence[int]:
    """All that a symbol can be, if these are whole numbers."""
    if symbol.domain.values:
        return list(map(int, symbol.domain.values))
    upper = symbol.domain.upper  # one that is infinite has no value: the symbol needs a number
    return range(int(symbol.domain.lower), int(value(symbol if upper.is_infinite else upper, at)) + 1)


def _number(symbol: Variable, rng: random.Random, span: float, at: Point) -> mpmath.mpf:
    if not symbol.domain.is_interval:
        return mpmath.mpf(rng.choice(_values(symbol, at)))
    if symbol.domain.lower.is_infinite:
        return _between(-span, span, rng)
    low = value(symbol.domain.lower, at)
    if symbol.domain.upper.is_infinite:
        return low + _between(0, span, rng)
    return low + (value(symbol.domain.upper, at) - low) * _between(0, 1, rng)


def _between(low: float, high: float, rng: random.Random) -> mpmath.mpf:
    """Short enough to be read in a counterexample, and never whole, where an accident might look like a law."""
    return mpmath.mpf(2 * rng.randrange(int(100 * low), int(100 * high)) + 1) / 200
