"""A derivation is a chain of steps, each put before two witnesses that share nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import mpmath
import sympy as sp
from sympy.core.function import AppliedUndef

from . import _exact, _latex, _numeric
from ._cells import BRANCHING
from ._proof import Claim, Proof, prove
from ._samples import Space
from ._symbols import Domain, Largest, Named, Variable, unfold

NUMERIC_SECONDS = 20.0
RELATIONS = ("=", "<=", ">=")


class WrongStep(Exception):
    """A derivation is refused; the message names it, the step and, where there is one, the counterexample."""


class BadStep(WrongStep):
    """A step holds what the checker must not touch, or cannot be evaluated where it is claimed."""


class Vacuous(WrongStep):
    """A derivation would pass whatever it said."""


class TooWeak(WrongStep):
    """The level reached is below the one declared."""


@dataclass(frozen=True)
class Step:
    """One line: an expression, why it follows, and how it relates to the line before.

    An inequality may name the place at which its sides touch, as `touch=(t, 1)`: the proof starts there.
    """

    expression: sp.Expr
    reason: str = ""
    relation: str = "="
    touch: tuple[sp.Expr, sp.Expr] | None = None


@dataclass
class Derivation:
    """A chain of steps, where it holds, and the level that its check must reach.

    `kinks` and `poles` are expressions whose zeros are left out. Each of `sizes` gives every size a number; with sizes
    the exact witness still tries for all. `function` names the reference function that the last line describes.
    """

    steps: Sequence[Step]
    kinks: Sequence[sp.Expr] = ()
    poles: Sequence[sp.Expr] = ()
    sizes: Sequence[Mapping[sp.Symbol, int]] = ()
    expect: str = "exact"
    function: str | None = None
    name: str = "derivation"
    title: str = ""
    points: list[_numeric.Point] = field(default_factory=list, init=False, repr=False)
    proofs: list[Proof] = field(default_factory=list, init=False, repr=False)

    def check(self) -> Derivation:
        """Put every step before both witnesses; raise WrongStep at the first that one of them refuses."""
        self._refuse_foreign_parts()
        with mpmath.workdps(_numeric.DIGITS):
            self.points = self._samples()
            columns = [self._column(number) for number in range(len(self.lines))]
            for number in range(1, len(columns)):
                self._compare(number, columns[number - 1], columns[number])
            self._refuse_vacuous_claims()
        self.proofs = self._prove_all()
        return self

    @cached_property
    def lines(self) -> list[sp.Expr]:
        """The lines with every name unfolded."""
        return [unfold(step.expression) for step in self.steps]

    @cached_property
    def space(self) -> Space:
        """Where the chain is claimed to hold."""
        surfaces = {"kinks": [unfold(kink) for kink in self.kinks], "poles": [unfold(pole) for pole in self.poles]}
        return Space.of(self.lines, sizes=self.sizes, **surfaces)

    # Before the witnesses: the law of what may stand in a step

    def _refuse_foreign_parts(self) -> None:
        if len(self.steps) < 2:
            raise Vacuous(f"{self.name}: a derivation needs two lines or more, got {len(self.steps)}")
        if {"<=", ">="} <= {step.relation for step in self.steps[1:]}:
            raise BadStep(f"{self.name}: <= and >= in one chain say nothing about its ends")
        for number, step in enumerate(self.steps):
            for fault in faults(step, has_kinks=bool(self.kinks)):
                raise BadStep(f"{self.name}: step {number} {fault}")
            if number and step.expression == self.steps[number - 1].expression:
                raise Vacuous(f"{self.name}: step {number} repeats the line before it: {step.expression}")
        for surface in (*self.space.kinks, *self.space.poles):
            for symbol in surface.atoms(sp.Symbol):
                if not isinstance(symbol, Variable):
                    raise BadStep(f"{self.name}: a kink or pole holds the symbol {symbol} from elsewhere")
        names = [str(s) for s in (*self.space.symbols, *(base.label for base in self.space.vectors))]
        for twice in {name for name in names if names.count(name) > 1}:
            raise BadStep(f"{self.name}: two different symbols are called {twice}")

    # The numeric witness

    def _samples(self) -> list[_numeric.Point]:
        try:
            points = self.space.points(self.name)
        except _numeric.UnusableError as problem:
            raise BadStep(f"{self.name}: no sample can be drawn: {problem}") from None
        if not points:
            raise Vacuous(f"{self.name}: no sample point keeps away from its kinks and poles: is the domain empty?")
        return points

    def _column(self, number: int) -> list[mpmath.mpf]:
        column, at = [], {}
        try:
            with _exact.cpu_limit(NUMERIC_SECONDS):
                for at in self.points:
                    column.append(_numeric.value(self.lines[number], at))
        except _exact.OutOfTime:
            raise BadStep(f"{self.name}: step {number} takes over {NUMERIC_SECONDS:g} s to evaluate") from None
        except _numeric.UnusableError as problem:
            raise BadStep(f"{self.name}: step {number} has no value at {readable(at)}: {problem}") from None
        return column

    def _compare(self, number: int, before: Sequence[mpmath.mpf], after: Sequence[mpmath.mpf]) -> None:
        step, wrong = self.steps[number], _numeric.disagreement(before, after, self.steps[number].relation)
        if wrong is not None:
            raise WrongStep(
                f"{self.name}: step {number} ({step.reason or 'no reason given'}) is wrong: "
                f"at {readable(self.points[wrong])} the line before is {mpmath.nstr(before[wrong], 12)}, "
                f"this line is {mpmath.nstr(after[wrong], 12)} (needed {step.relation!r})\n"
                f"  before: {self.steps[number - 1].expression}\n  after:  {step.expression}"
            )

    def _refuse_vacuous_claims(self) -> None:
        for number, line in enumerate(self.lines):
            for part, branch in _numeric.unreached(line, self.points):
                raise Vacuous(f"{self.name}: step {number}: no sample reaches {branch} in {part}")
            for slope in line.atoms(sp.Derivative):
                if _numeric.is_zero_everywhere(slope, self.points):
                    raise Vacuous(f"{self.name}: step {number}: {slope} is zero everywhere, so anything may follow")

    # The exact witness

    def _prove_all(self) -> list[Proof]:
        _exact.late.clear()
        pairs = zip(self.lines, self.lines[1:], self.steps[1:], strict=False)
        proofs = [prove(self.claim(before, after, step), self.space) for before, after, step in pairs]
        reached = self._level(proofs)
        if strength(reached) < strength(self.expect):
            weak = ", ".join(str(number) for number, proof in enumerate(proofs, 1) if proof.scope in {"none", "sizes"})
            late = f"; out of time: {', '.join(dict.fromkeys(_exact.late))}" if _exact.late else ""
            raise TooWeak(f"{self.name}: declared {self.expect!r}, reached {reached!r}; look at step {weak}{late}")
        return proofs

    @staticmethod
    def claim(before: sp.Expr, after: sp.Expr, step: Step) -> Claim:
        """What a step says about two unfolded lines, as the exact witness takes it."""
        difference = after - before if step.relation == "<=" else before - after
        return Claim(difference, step.relation == "=", step.touch and tuple(unfold(part) for part in step.touch))

    def _level(self, proofs: Sequence[Proof]) -> str:
        scopes = {proof.scope for proof in proofs}
        if "none" in scopes:
            return f"numeric, {len(self.points)} points, {_numeric.DIGITS} digits"
        cells = "on open cells" if any(proof.on_cells for proof in proofs) else ""
        if "sizes" in scopes:
            numbers = (f"{s} = {', '.join(str(sizes[s]) for sizes in self.sizes)}" for s in self.sizes[0])
            return f"exact for {' and '.join(numbers)}" + (cells and f", {cells}")
        return "exact, all n" + (cells and f", {cells}") if self.sizes else f"exact {cells}".strip()

    # What is shown, and never before it is checked

    @property
    def level(self) -> str:
        """How strong the check is, in words."""
        return self._level(self._checked().proofs)

    @property
    def badge(self) -> str:
        """The level and what it rests on, as one line of plain text."""
        labels = (*self.space.symbols, *(base.label for base in self.space.vectors))
        rests = [s.domain.of(str(s)) for s in labels if s.domain != Domain() and s.domain.lower != 1]
        kinks = [f"kink at {_where(kink)}" for kink in self.kinks]
        poles = [f"pole at {_where(pole)}" for pole in self.poles]
        return "; ".join([self.level, *kinks, *poles, *rests])

    def rows(self) -> list[tuple[str, str, str]]:
        """The relation, the expression in LaTeX and the reason of every line, the left-hand side first."""
        steps = self._checked().steps
        relations = ["", *(_latex.RELATIONS[step.relation] for step in steps[1:])]
        return [(sign, _latex.latex(s.expression), s.reason) for sign, s in zip(relations, steps, strict=True)]

    def notes(self) -> list[str]:
        """What each name in the chain stands for, in LaTeX, unless a line of the chain says it."""
        shown = sp.Tuple(*(step.expression for step in self._checked().steps))
        named = [(name, what) for name, what in _meanings(self.steps).items() if not shown.has(what)]
        return [f"{_latex.latex(name)} = {_latex.latex(what)}" for name, what in named]

    def latex(self) -> str:
        """The whole chain, one reason to a line."""
        return _latex.chain(self.rows(), self.notes())

    def statement(self) -> str:
        """The left-hand side and the last line."""
        rows = self.rows()
        sign = next((relation for relation, _, _ in rows[1:] if relation != "="), "=")
        return f"{rows[0][1]} {sign} {rows[-1][1]}"

    def _checked(self) -> Derivation:
        return self if self.proofs else self.check()


def faults(step: Step, *, has_kinks: bool) -> Iterator[str]:
    """What is wrong with a step before anyone asks whether it is true."""
    if not isinstance(step.expression, sp.Expr):
        yield f"is no sympy expression but the {type(step.expression).__name__} {step.expression!r}"
        return
    if step.relation not in RELATIONS:
        yield f"has the relation {step.relation!r}; it must be one of {', '.join(RELATIONS)}"
    expression = unfold(step.expression)
    for part in sp.preorder_traversal(expression):
        if isinstance(part, sp.MatrixExpr | sp.MatrixBase):
            yield f"holds the matrix {part}, whose slopes sympy gets wrong: write sums over indices"
        elif isinstance(part, sp.Symbol) and not isinstance(part, Variable):
            yield f"holds the symbol {part} from elsewhere: make it with dlref.derivations._symbols"
        elif isinstance(part, AppliedUndef):
            yield f"holds the function {part.func}, which has no meaning: give it one with named()"
        elif isinstance(part, sp.Float):
            yield f"holds the rounded number {part}: write it as a fraction"
        elif isinstance(part, sp.Sum | sp.Product | Largest):
            yield from _faults_of_places(part)
        elif isinstance(part, sp.Derivative):
            yield from _faults_of_slope(part, has_kinks=has_kinks)


def _faults_of_places(e: sp.Sum) -> Iterator[str]:
    for place, low, high in e.limits:
        if isinstance(place, Variable) and (low != 1 or high != place.domain.upper):
            yield f"sums {place} from {low} to {high}, but it was made to run from 1 to {place.domain.upper}"


def _faults_of_slope(e: sp.Derivative, *, has_kinks: bool) -> Iterator[str]:
    bound = set().union(*(s.bound_symbols for s in e.expr.atoms(sp.Sum, sp.Product, Largest)))
    if any(variable.free_symbols & bound for variable in e.variables):
        yield f"differentiates by an index that a sum binds: {e}"
    if not has_kinks and e.expr.has(*BRANCHING, Largest):
        yield f"differentiates branches, but no kinks are declared: {e}"


def _meanings(steps: Sequence[Step]) -> dict[Named, sp.Expr]:
    """Each name of a chain, and of its meanings, in the order of first use, with what it stands for."""
    found: dict[type[Named], tuple[Named, sp.Expr]] = {}
    waiting = [step.expression for step in steps]
    for e in waiting:
        for name in sorted(e.atoms(Named), key=lambda name: (sp.count_ops(name), str(name))):
            kind = type(name)
            if kind not in found:
                example = kind(*kind.example) if kind.example else name
                found[kind] = example, kind.meaning(*example.args)
                waiting.append(found[kind][1])
    return dict(found.values())


def _where(surface: sp.Expr) -> str:
    """The zeros of an expression as an equation without a minus: "prediction = delta + target"."""
    terms = sp.Add.make_args(surface)
    right = -sp.Add(*(term for term in terms if term.could_extract_minus_sign()))
    return f"{_latex.words(surface + right)} = {_latex.words(right)}"


def readable(at: _numeric.Point) -> str:
    """A point as a reader wants to see it."""

    def short(number: object) -> str:
        return f"[{', '.join(map(short, number))}]" if isinstance(number, list) else mpmath.nstr(number, 6)

    return ", ".join(f"{symbol} = {short(number)}" for symbol, number in at.items())


def strength(level: str) -> int:
    """Levels in order: numeric, then exact for sizes or on cells, then exact for all n."""
    return 2 if level.startswith("exact, all n") else int(level.startswith("exact"))
