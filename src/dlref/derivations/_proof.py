"""The exact witness: which of its methods a step needs, and how far the proof reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from ._cells import BRANCHING, Cell, UndecidedError, cells
from ._concrete import Known, assignments, at_every_place, closed, concrete
from ._exact import OutOfTime, cpu_limit, evaluated, nonnegative, vanishes
from ._induction import holds_by_induction
from ._samples import Space
from ._sums import nonnegative_for_all_n, vanishes_for_all_n
from ._symbols import Largest

ALL_N_SECONDS = 6.0


@dataclass(frozen=True)
class Claim:
    """That the difference of two lines is zero, or at least zero; perhaps with the place where it touches zero."""

    difference: sp.Expr
    is_equation: bool
    touch: tuple[sp.Expr, sp.Expr] | None = None

    @property
    def branches(self) -> bool:
        """Whether the difference has more than one smooth branch."""
        return self.difference.has(*BRANCHING, Largest)

    def at(self, known: Known) -> Claim:
        """The claim with these symbols known."""
        touch = self.touch and tuple(concrete(part, known) for part in self.touch)
        return replace(self, difference=concrete(self.difference, known), touch=touch)

    def inside(self, cell: Cell) -> Claim:
        """The claim about the one smooth branch inside a cell."""
        touch = self.touch and tuple(cell.resolve(part) for part in self.touch)
        return replace(self, difference=cell.resolve(self.difference), touch=touch)


@dataclass(frozen=True)
class Proof:
    """How far the exact witness came with one step: "none", "sizes", "plain" or "all n"."""

    scope: str
    on_cells: bool = False
    by_induction: bool = False


def prove(claim: Claim, space: Space) -> Proof:
    """Prove a claim for all sizes if it can be, else for each of the given ones."""
    if claim.difference.has(sp.I):  # such as the logarithm of a negative number: nothing here is ordered
        return Proof("none")
    on_cells = claim.branches and bool(space.kinks)
    if space.sizes and _holds_for_all_n(claim) and _kinks_suffice(claim, space, on_cells=on_cells):
        return Proof("all n", on_cells)
    if space.sizes and _holds_by_induction(claim, space):
        return Proof("all n", by_induction=True)
    if all(_holds_at(claim, known, space, on_cells=on_cells) for known in _choices(space)):
        return Proof("sizes" if space.sizes else "plain", on_cells)
    return Proof("none")


def _choices(space: Space) -> Iterator[Known]:
    for sizes in space.sizes or ({},):
        known = {symbol: sp.Integer(length) for symbol, length in sizes.items()}
        yield from assignments(space.symbols, space.vectors, known)


def _holds_for_all_n(claim: Claim) -> bool:
    try:
        with cpu_limit(ALL_N_SECONDS):
            if claim.is_equation:
                return vanishes_for_all_n(claim.difference)
            return nonnegative_for_all_n(claim.difference, claim.touch)
    except (UndecidedError, OutOfTime):
        return False


def _holds_by_induction(claim: Claim, space: Space) -> bool:
    if len(space.sizes[0]) != 1:
        return False
    (n,) = space.sizes[0]
    try:
        with cpu_limit(ALL_N_SECONDS):
            return holds_by_induction(claim.difference, n, is_equation=claim.is_equation)
    except (UndecidedError, OutOfTime):
        return False


def _kinks_suffice(claim: Claim, space: Space, *, on_cells: bool) -> bool:
    """Whether no branch jumps beside the declared kinks, at the first of the sizes: there sympy's slopes are right."""
    if not on_cells:
        return not claim.difference.has(sp.Heaviside)
    known = next(_choices(space))
    claim = claim.at(known)
    try:
        return all(claim.inside(cell) for cell in _cells(claim, known, space))
    except UndecidedError:
        return False


def _cells(claim: Claim, known: Known, space: Space) -> Iterator[Cell]:
    kinks = dict.fromkeys(kink for surface in space.kinks for kink in at_every_place(surface, known))
    surfaces = [kink for kink in kinks if kink.free_symbols and kink.is_nonzero is not True]
    symbols = set().union(*(e.free_symbols for e in (claim.difference, *surfaces)))
    return cells(surfaces, sorted(symbols, key=str))


def _holds_at(claim: Claim, known: Known, space: Space, *, on_cells: bool) -> bool:
    claim = claim.at(known)
    if not on_cells:
        return _settled(claim, space.vectors, known)
    verdicts = [_holds_inside(cell, claim, space.vectors, known) for cell in _cells(claim, known, space)]
    return all(verdicts) and verdicts != []  # kinks that leave no cell prove nothing


def _holds_inside(cell: Cell, claim: Claim, vectors: Sequence[sp.IndexedBase], known: Known) -> bool:
    try:
        smooth = claim.inside(cell)
        return _settled(smooth, vectors, known) or (not claim.is_equation and cell.nonnegative(smooth.difference))
    except UndecidedError:
        return False


def _settled(claim: Claim, vectors: Sequence[sp.IndexedBase], known: Known) -> bool:
    d = closed(evaluated(claim.difference), vectors, known)
    return vanishes(d) is not None if claim.is_equation else nonnegative(d, claim.touch)
