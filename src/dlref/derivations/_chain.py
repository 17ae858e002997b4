"""A derivation is a chain of steps, each checked by two witnesses that share nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import mpmath
import sympy as sp

from . import _exact, _latex, _numeric
from ._cells import BRANCHING, Cell, Undecided, cells
from ._concrete import Known, assignments, at_every_place, closed, concrete
from ._sums import nonnegative_for_all_n, vanishes_for_all_n
from ._symbols import Domain, Largest, Variable, unfold

NUMERIC_SECONDS, ALL_N_SECONDS = 20.0, 6.0
RELATIONS = ("=", "<=", ">=")


class WrongStep(Exception):
    """A derivation that is refused, and why."""


class Vacuous(WrongStep):
    """A derivation that would pass whatever it said."""


class BadStep(WrongStep):
    """A step that is no expression of the symbols module."""


class TooWeak(WrongStep):
    """A derivation whose level is below the one that it declares."""


@dataclass(frozen=True)
class Step:
    """One line: an expression, why it follows, and how it relates to the line before.

    An inequality may name the place where it is an equality, as `touch=(t, 1)`.
    """

    expression: sp.Expr
    reason: str = ""
    relation: str = "="
    touch: tuple[sp.Expr, sp.Expr] | None = None


@dataclass
class Proof:
    """How far the exact witness came with one step."""

    scope: str  # "plain", "all n", "sizes" or "none"
    on_cells: bool = False


@dataclass
class Derivation:
    """A chain of steps, the domain it lives in, and the level that it claims to reach."""

    steps: Sequence[Step]
    kinks: Sequence[sp.Expr] = ()
    poles: Sequence[sp.Expr] = ()
    sizes: Sequence[Mapping[sp.Symbol, int]] = ()
    expect: str = "exact"
    function: str | None = None
    name: str = "derivation"
    title: str = ""
    proofs: list[Proof] = field(default_factory=list, init=False, repr=False)
    points: list[_numeric.Point] = field(default_factory=list, init=False, repr=False)

    def check(self) -> Derivation:
        """Put every step before both witnesses; raise WrongStep at the first that fails."""
        self.proofs = []
        self._refuse_bad_input()
        self._ask_the_numbers()
        proofs = [self._prove(number) for number in range(1, len(self.steps))]
        self.proofs = proofs
        if strength(self.level) < strength(self.expect):
            reached, self.proofs = _level(self, proofs), []
            weak = [f"{number}: {proof.scope}" for number, proof in enumerate(proofs, 1)]
            raise TooWeak(f"{self.name}: declared {self.expect!r}, reached {reached!r} (steps {'; '.join(weak)})")
        return self

    # What the chain is about

    @cached_property
    def lines(self) -> list[sp.Expr]:
        """The lines with every name unfolded."""
        return [unfold(step.expression) for step in self.steps]

    @cached_property
    def space(self) -> _numeric.Space:
        """Where the sample points come from."""
        free = set().union(*(line.free_symbols for line in self.lines), *(size for size in self.sizes))
        vectors = {s for line in self.lines for s in line.atoms(sp.IndexedBase)}
        labels = {base.label for base in vectors}
        sizes = {s for base in vectors for length in base.shape for s in length.free_symbols}
        symbols = {s for s in free | sizes if isinstance(s, Variable)} - labels
        return _numeric.Space(
            tuple(sorted(symbols, key=str)),
            tuple(sorted(vectors, key=str)),
            tuple(dict(size) for size in self.sizes),
            tuple(map(unfold, self.kinks)),
            tuple(map(unfold, self.poles)),
        )

    # The law of what may stand in a step

    def _refuse_bad_input(self) -> None:
        if len(self.steps) < 2:
            raise Vacuous(f"{self.name}: a derivation needs at least two lines, got {len(self.steps)}")
        for number, step in enumerate(self.steps):
            where = f"{self.name}: step {number}"
            if not isinstance(step.expression, sp.Expr) or isinstance(step.expression, sp.MatrixBase):
                raise BadStep(
                    f"{where} is no sympy expression but {type(step.expression).__name__}: {step.expression!r}"
                )
            if step.relation not in RELATIONS:
                raise BadStep(
                    f"{where} has the relation {step.relation!r}; a relation is one of {', '.join(RELATIONS)}"
                )
            _refuse_foreign_parts(where, unfold(step.expression))

    # The numeric witness

    def _ask_the_numbers(self) -> None:
        with mpmath.workdps(_numeric.DIGITS):
            self.points = self.space.points(self.name)
            if not self.points:
                raise Vacuous(f"{self.name}: no sample point keeps away from kinks and poles: is the domain empty?")
            reached: set = set()
            columns = [self._column(number, reached) for number in range(len(self.lines))]
            for number in range(1, len(columns)):
                wrong = _numeric.disagreement(columns[number - 1], columns[number], self.steps[number].relation)
                if wrong is not None:
                    self._refuse(number, self.points[wrong], columns[number - 1][wrong], columns[number][wrong])
            self._refuse_vacuous(reached)

    def _column(self, number: int, reached: set) -> list[mpmath.mpf]:
        try:
            with _exact.cpu_limit(NUMERIC_SECONDS):
                return [_numeric.value(self.lines[number], {**at, "reached": reached}) for at in self.points]
        except _exact.OutOfTime:
            raise WrongStep(f"{self.name}: step {number} took more than {NUMERIC_SECONDS:g} s of CPU time") from None
        except (_numeric.Unusable, TypeError) as problem:
            raise BadStep(f"{self.name}: step {number} cannot be evaluated in its domain: {problem}") from None

    def _refuse(self, number: int, at: _numeric.Point, before: mpmath.mpf, after: mpmath.mpf) -> None:
        step = self.steps[number]
        raise WrongStep(
            f"{self.name}: step {number} ({step.reason or 'no reason given'}) is wrong: at {readable(at)} "
            f"the line before is {mpmath.nstr(before, 12)}, this line is {mpmath.nstr(after, 12)} "
            f"(needed {step.relation!r})\n  before: {self.steps[number - 1].expression}\n  after:  {step.expression}"
        )

    def _refuse_vacuous(self, reached: set) -> None:
        for number, line in enumerate(self.lines):
            for node, branch in sorted(_numeric.branches(line) - reached, key=str):
                raise Vacuous(f"{self.name}: step {number}: no sample reaches branch {branch + 1} of {node}")
            for slope in line.atoms(sp.Derivative):
                if _numeric.is_zero_everywhere(slope, self.points):
                    raise Vacuous(
                        f"{self.name}: step {number}: {slope} is zero at every sample: the claim says nothing"
                    )

    # The exact witness

    def _prove(self, number: int) -> Proof:
        before, after, step = self.lines[number - 1], self.lines[number], self.steps[number]
        if self.sizes and self._holds_for_all_n(before - after, step):
            return Proof("all n", on_cells=bool(self.kinks))
        on_cells = bool(self.kinks) and (before.has(*BRANCHING, Largest) or after.has(*BRANCHING, Largest))
        for sizes in self.sizes or ({},):
            known = {symbol: sp.Integer(length) for symbol, length in sizes.items()}
            for choice in assignments(self.space.symbols, self.space.vectors, known):
                if not self._holds(concrete(before, choice) - concrete(after, choice), step, choice, on_cells=on_cells):
                    return Proof("none")
        return Proof("sizes" if self.sizes else "plain", on_cells=on_cells)

    def _holds_for_all_n(self, d: sp.Expr, step: Step) -> bool:
        try:
            with _exact.cpu_limit(ALL_N_SECONDS):
                if step.relation == "=":
                    return vanishes_for_all_n(d)
                return nonnegative_for_all_n(d if step.relation == ">=" else -d, step.touch)
        except (Undecided, _exact.OutOfTime):
            return False

    def _holds(self, d: sp.Expr, step: Step, known: Known, *, on_cells: bool) -> bool:
        d = -d if step.relation == "<=" else d
        if step.touch:
            step = replace(step, touch=tuple(concrete(unfold(part), known) for part in step.touch))
        if not on_cells:
            return self._settled(d.doit(), step, known)
        kinks = [kink for surface in self.space.kinks for kink in at_every_place(surface, known)]
        kinks = list(dict.fromkeys(kink for kink in kinks if kink.free_symbols and kink.is_nonzero is not True))
        symbols = sorted(set().union(d.free_symbols, *(kink.free_symbols for kink in kinks)), key=str)
        return all(self._holds_in(cell, d, step, known) for cell in cells(kinks, symbols))

    def _holds_in(self, cell: Cell, d: sp.Expr, step: Step, known: Known) -> bool:
        try:
            smooth = cell.resolve(d).doit()
            touch = tuple(map(cell.resolve, step.touch)) if step.touch else None
            settled = self._settled(smooth, replace(step, touch=touch), known)
            return settled or (step.relation != "=" and cell.nonnegative(smooth))
        except Undecided:
            return False

    def _settled(self, d: sp.Expr, step: Step, known: Known) -> bool:
        d = closed(d, self.space.vectors, known)
        if step.relation == "=":
            return _exact.vanishes(d) is not None
        return _exact.nonnegative(d, step.touch)

    # What is shown

    @property
    def level(self) -> str:
        """How strong the check was, in words."""
        return _level(self, self._checked().proofs)

    @property
    def badge(self) -> str:
        """The level, and what it rests on, as one line of plain text."""
        self._checked()
        labels = [*self.space.symbols, *(base.label for base in self.space.vectors)]
        rests = [s.domain.of(str(s)) for s in labels if s.domain != Domain() and s.domain.lower != 1]
        parts = [
            self.level,
            *(f"kink where {kink} = 0" for kink in self.kinks),
            *(f"pole where {p} = 0" for p in self.poles),
        ]
        return "; ".join([*parts, *rests])

    def rows(self) -> list[tuple[str, str, str]]:
        """The relation, the expression in LaTeX and the reason of every line, the left-hand side first."""
        self._checked()
        return [
            ("" if number == 0 else _latex.RELATIONS[step.relation], _latex.latex(step.expression), step.reason)
            for number, step in enumerate(self.steps)
        ]

    def latex(self) -> str:
        """The whole chain, one reason to a line."""
        return _latex.chain(self.rows())

    def statement(self) -> str:
        """The left-hand side and the last line."""
        rows = self.rows()
        relations = {relation for relation, _, _ in rows[1:]} - {"="}
        return f"{rows[0][1]} {relations.pop() if relations else '='} {rows[-1][1]}"

    def _checked(self) -> Derivation:
        return self if self.proofs else self.check()


def _refuse_foreign_parts(where: str, e: sp.Expr) -> None:
    for part in sp.preorder_traversal(e):
        if isinstance(part, sp.MatrixExpr | sp.MatrixBase):
            raise BadStep(f"{where} holds the matrix {part}: sympy differentiates those wrongly; write indexed sums")
        if isinstance(part, sp.Symbol) and not isinstance(part, Variable):
            raise BadStep(f"{where} holds the symbol {part} from elsewhere: make it in dlref.derivations._symbols")
        if isinstance(part, sp.Float):
            raise BadStep(f"{where} holds the inexact number {part}: write a fraction")
    for slope in e.atoms(sp.Derivative):
        bound = set().union(*(s.bound_symbols for s in slope.expr.atoms(sp.Sum, sp.Product, Largest)))
        if any(variable.free_symbols & bound for variable in slope.variables):
            raise BadStep(f"{where} differentiates by an index that a sum binds: {slope}")


def readable(at: _numeric.Point) -> dict[str, str]:
    """A point as a reader wants to see it."""

    def short(value: object) -> str:
        return f"[{', '.join(map(short, value))}]" if isinstance(value, list) else mpmath.nstr(value, 6)

    return {str(symbol): short(value) for symbol, value in at.items() if isinstance(symbol, sp.Basic)}


def _level(derivation: Derivation, proofs: Sequence[Proof]) -> str:
    scopes = {proof.scope for proof in proofs}
    if "none" in scopes:
        return f"numeric, {len(derivation.points)} points, {_numeric.DIGITS} digits"
    cells = " on open cells" if any(proof.on_cells for proof in proofs) else ""
    if "sizes" in scopes:
        ns = " and ".join(f"{s} = {', '.join(str(size[s]) for size in derivation.sizes)}" for s in derivation.sizes[0])
        return f"exact for {ns}" + (cells and "," + cells)
    if "all n" in scopes:
        return "exact, all n" + (cells and "," + cells)
    return "exact" + cells


def strength(level: str) -> int:
    """Levels in order: numeric, exact for some sizes or on cells, exact for all n."""
    if level.startswith("exact, all n"):
        return 2
    return int(level.startswith("exact"))
