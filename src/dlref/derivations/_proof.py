"""The exact witness: which of its methods a step needs, and how far the proof reaches."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import sympy as sp

from ._cells import BRANCHING, Cell, UndecidedError, cells
from ._concrete import Known, at_every_place, choices, closed, concrete
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

    def under(self, change: Callable[[sp.Expr], sp.Expr]) -> "Claim":
        """The claim with each of its expressions changed: at given sizes, or inside a cell."""
        return replace(self, difference=change(self.difference), touch=self.touch and tuple(map(change, self.touch)))


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
    return choices(space.symbols, space.vectors, space.sizes)


def _if_decided(holds: Callable[..., bool]) -> Callable[..., bool]:
    """What stays undecided, or takes too long, is not shown to hold."""

    @functools.wraps(holds)
    def tried(*claim: object, **options: bool) -> bool:
        try:
            with cpu_limit(ALL_N_SECONDS):
                return holds(*claim, **options)
        except (UndecidedError, OutOfTime):
            return False

    return tried


@_if_decided
def _holds_for_all_n(claim: Claim) -> bool:
    if claim.is_equation:
        return vanishes_for_all_n(claim.difference)
    return nonnegative_for_all_n(claim.difference, claim.touch)


@_if_decided
def _holds_by_induction(claim: Claim, space: Space) -> bool:
    n, *others = space.sizes[0]
    return not others and holds_by_induction(claim.difference, n, is_equation=claim.is_equation)


@_if_decided
def _kinks_suffice(claim: Claim, space: Space, *, on_cells: bool) -> bool:
    """Whether no branch jumps beside the declared kinks, at the first of the sizes: there sympy's slopes are right."""
    if not on_cells:
        return not claim.difference.has(sp.Heaviside)
    known = next(_choices(space))
    claim = claim.under(lambda e: concrete(e, known))
    return all(claim.under(cell.resolve) for cell in _cells(claim, known, space))


def _cells(claim: Claim, known: Known, space: Space) -> list[Cell]:
    kinks = dict.fromkeys(kink for surface in space.kinks for kink in at_every_place(surface, known))
    surfaces = [kink for kink in kinks if kink.free_symbols and kink.is_nonzero is not True]
    symbols = set().union(*(e.free_symbols for e in (claim.difference, *surfaces)))
    return cells(surfaces, sorted(symbols, key=str))


def _holds_at(claim: Claim, known: Known, space: Space, *, on_cells: bool) -> bool:
    claim = claim.under(lambda e: concrete(e, known))
    if not on_cells:
        return _is_settled(claim, known, space)
    verdicts = [_holds_inside(cell, claim, known, space) for cell in _cells(claim, known, space)]
    return all(verdicts) and verdicts != []  # kinks that leave no cell prove nothing


@_if_decided
def _holds_inside(cell: Cell, claim: Claim, known: Known, space: Space) -> bool:
    smooth = claim.under(cell.resolve)
    return _is_settled(smooth, known, space) or (not claim.is_equation and cell.nonnegative(smooth.difference))


def _is_settled(claim: Claim, known: Known, space: Space) -> bool:
    d = closed(evaluated(claim.difference), space.vectors, known)
    return vanishes(d) is not None if claim.is_equation else nonnegative(d, claim.touch)
