"""A derivation is a chain of steps, each put before two witnesses that share nothing."""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import mpmath
import sympy as sp

from . import _exact, _latex, _numeric
from ._exact import OutOfTime, cpu_limit
from ._law import faults
from ._proof import Claim, Proof, prove
from ._samples import Space
from ._symbols import Domain, Named, Variable, unfold

NUMERIC_SECONDS = 20.0


class WrongStep(Exception):
    """A derivation is refused; the message names it, the step and, where there is one, the counterexample."""


@dataclass(frozen=True)
class Step:
    """One line: an expression, why it follows, and how it relates to the line before.

    An inequality may name the place at which its sides touch, as `touch=(t, 1)`: the proof starts there. A step that no
    witness can prove may be `argued`: its reason is the argument, and the level of the whole chain is prose.
    """

    expression: sp.Expr
    reason: str = ""
    relation: str = "="
    touch: tuple[sp.Expr, sp.Expr] | None = None
    argued: bool = False


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
    rungs: frozenset[str] = field(default=frozenset(), init=False, repr=False)  # what the exact witness needed

    def check(self) -> "Derivation":
        """Put every step before both witnesses; raise WrongStep at the first that one of them refuses."""
        with mpmath.workdps(_numeric.DIGITS):
            for fault in itertools.chain(self._foreign(), self._contradicted(), self._vacuous()):
                raise WrongStep(f"{self.name}: {fault}")
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

    # Each yields what is wrong; the first fault ends the check

    def _foreign(self) -> Iterator[str]:
        """What may not stand in a step, whatever it claims."""
        if len(self.steps) < 2:
            yield f"a derivation needs two lines or more, got {len(self.steps)}"
        if {"<=", ">="} <= {step.relation for step in self.steps[1:]}:
            yield "<= and >= in one chain say nothing about its ends"
        for number, step in enumerate(self.steps):
            yield from (f"step {number} {fault}" for fault in faults(step.expression, has_kinks=bool(self.kinks)))
            if number and step.expression == self.steps[number - 1].expression:
                yield f"step {number} repeats the line before it: {step.expression}"
            if step.relation not in _latex.RELATIONS:
                yield f"step {number} has the relation {step.relation!r}; it must be one of =, <=, >="
        for surface in (*self.kinks, *self.poles, *(part for step in self.steps for part in step.touch or ())):
            yield from (f"the kink, pole or touching place {surface} {fault}" for fault in faults(surface))
        names = Counter(map(str, self._labels()))
        yield from (f"two different symbols are called {name}" for name, times in names.items() if times > 1)

    def _contradicted(self) -> Iterator[str]:
        """What the numbers say against the steps."""
        try:
            self.points = self.space.points(self.name)
        except _numeric.UnusableError as problem:
            yield f"no sample can be drawn: {problem}"
        if not self.points:
            yield "no sample point keeps away from its kinks and poles: is the domain empty?"
        before: list[mpmath.mpf] = []
        for number, step in enumerate(self.steps):
            values: list[mpmath.mpf] = []
            try:
                with cpu_limit(NUMERIC_SECONDS):
                    values.extend(_numeric.value(self.lines[number], at) for at in self.points)
            except OutOfTime:
                yield f"step {number} takes over {NUMERIC_SECONDS:g} s to evaluate"
            except _numeric.UnusableError as problem:
                yield f"step {number} has no value at {readable(self.points[len(values)])}: {problem}"
            wrong = _numeric.disagreement(before, values, step.relation) if number else None
            if wrong is not None:
                yield self._counterexample(number, self.points[wrong], before[wrong], values[wrong])
            before = values

    def _counterexample(self, number: int, at: _numeric.Point, before: mpmath.mpf, after: mpmath.mpf) -> str:
        step = self.steps[number]
        return (
            f"step {number} ({step.reason or 'no reason given'}) is wrong: at {readable(at)} "
            f"the line before is {mpmath.nstr(before, 12)}, this line is {mpmath.nstr(after, 12)} "
            f"(needed {step.relation!r})\n"
            f"  before: {self.steps[number - 1].expression}\n  after:  {step.expression}"
        )

    def _vacuous(self) -> Iterator[str]:
        """What would let the chain pass whatever it said."""
        for number, line in enumerate(self.lines):
            for part, branch in _numeric.unreached(line, self.points):
                yield f"step {number}: no sample reaches {branch} in {part}"
            for slope in line.atoms(sp.Derivative):
                if _numeric.is_zero_everywhere(slope, self.points):
                    yield f"step {number}: {slope} is zero everywhere, so anything may follow"

    # The exact witness

    def _prove_all(self) -> list[Proof]:
        _exact.late.clear()
        _exact.used.clear()
        pairs = zip(self.lines, self.lines[1:], self.steps[1:], strict=False)
        proofs = [prove(self.claim(before, after, step), self.space) for before, after, step in pairs]
        self.rungs = frozenset(_exact.used)
        reached = self._level(proofs)
        if strength(reached) < strength(self.expect):
            weak = ", ".join(str(number) for number, proof in enumerate(proofs, 1) if proof.scope in {"none", "sizes"})
            late = f"; out of time: {', '.join(dict.fromkeys(_exact.late))}" if _exact.late else ""
            levels = f"declared {self.expect!r}, reached {reached!r}"
            raise WrongStep(f"{self.name}: {levels}; look at step {weak}{late}")
        return proofs

    @staticmethod
    def claim(before: sp.Expr, after: sp.Expr, step: Step) -> Claim:
        """What a step says about two unfolded lines, as the exact witness takes it."""
        difference = after - before if step.relation == "<=" else before - after
        return Claim(difference, step.relation == "=", step.touch and tuple(unfold(part) for part in step.touch))

    def _level(self, proofs: Sequence[Proof]) -> str:
        open_steps = [step for step, proof in zip(self.steps[1:], proofs, strict=True) if proof.scope == "none"]
        if open_steps and all(step.argued for step in open_steps):
            return "prose"
        if open_steps and self.space.is_grid:
            return f"grid, {len(self.points)} points"
        if open_steps:
            return f"numeric, {len(self.points)} points, {_numeric.DIGITS} digits"
        cells = ["on open cells"] * any(proof.on_cells for proof in proofs)
        if not self.sizes:
            return " ".join(["exact", *cells])
        if all(proof.scope == "all n" for proof in proofs):
            return ", ".join(["exact, all n", *["by induction"] * any(proof.by_induction for proof in proofs), *cells])
        names, *lengths = (_listed(part) for part in (self.sizes[0], *(sizes.values() for sizes in self.sizes)))
        return ", ".join([f"exact for {names} = {', '.join(lengths)}", *cells])

    # What is shown, and never before it is checked

    @property
    def level(self) -> str:
        """How strong the check is, in words."""
        return self._level(self._checked().proofs)

    @property
    def badge(self) -> str:
        """The level and what it rests on, as one line of plain text."""
        return "; ".join([self.level, *(" ".join(filter(None, part)) for part in self.rests_on(str))])

    def rests_on(self, write: Callable[[sp.Basic], str] = _latex.latex) -> list[tuple[str, str, str]]:
        """The kinks and poles that are left out and where the symbols live, each as a formula between words."""
        surfaces = [*(("kink at", kink) for kink in self.kinks), *(("pole at", pole) for pole in self.poles)]
        left_out = [(words, _where(surface, write), "") for words, surface in surfaces]
        sizes = set().union(*self.sizes)
        homes = [s for s in self._labels() if s.domain != Domain() and s not in sizes]
        return left_out + [("", *symbol.domain.of(write(symbol), write)) for symbol in homes]

    def _labels(self) -> list[Variable]:
        return [*self.space.symbols, *(base.label for base in self.space.vectors)]

    def rows(self) -> list[tuple[str, str, str]]:
        """The relation, the expression in LaTeX and the reason of every line, the left-hand side first."""
        steps = self._checked().steps
        relations = ["", *(_latex.RELATIONS[step.relation] for step in steps[1:])]
        return [(sign, self._tex(s.expression), s.reason) for sign, s in zip(relations, steps, strict=True)]

    def notes(self) -> list[str]:
        """What each name in the chain stands for, in LaTeX, unless a line of the chain says it."""
        shown = sp.Tuple(*(step.expression for step in self._checked().steps))
        named = [(name, what) for name, what in _meanings(self.steps).items() if not shown.has(what)]
        return [f"{self._tex(name)} = {self._tex(what)}" for name, what in named if not _is_digits(name.tex)]

    def _tex(self, e: sp.Basic) -> str:
        return _latex.latex(e, beside=(step.expression for step in self.steps))

    def latex(self) -> str:
        """The whole chain, one reason to a line."""
        return _latex.chain(self.rows(), self.notes())

    def statement(self) -> str:
        """The left-hand side and the last line."""
        rows = self.rows()
        sign = next((relation for relation, _, _ in rows[1:] if relation != "="), "=")
        return f"{rows[0][1]} {sign} {rows[-1][1]}"

    def _checked(self) -> "Derivation":
        return self if self.proofs else self.check()


def _meanings(steps: Sequence[Step]) -> dict[Named, sp.Expr]:
    """Each name of a chain, and of its meanings, in the order of first use, with what it stands for."""
    found: dict[type[Named], tuple[Named, sp.Expr]] = {}
    waiting = [step.expression for step in steps]
    for e in waiting:
        for name in sorted(e.atoms(Named), key=lambda name: (sp.count_ops(name), name.tex, str(name))):
            kind = type(name)
            if kind not in found:
                example = kind(*kind.example) if kind.example else name
                found[kind] = example, kind.meaning(*example.args)
                waiting.append(found[kind][1])
    return dict(found.values())


def _listed(parts: Collection[object]) -> str:
    """One thing as it is, several in brackets: "n", "(n, rows)"."""
    listed = ", ".join(map(str, parts))
    return listed if len(parts) == 1 else f"({listed})"


def _is_digits(tex: str) -> bool:
    return tex.replace(".", "").isdigit()


def _where(surface: sp.Expr, write: Callable[[sp.Basic], str]) -> str:
    """The zeros of an expression as an equation without a minus, numbers last: "prediction = delta + target"."""
    terms = sp.Add.make_args(surface)
    right = -sp.Add(*(term for term in terms if term.could_extract_minus_sign()))
    sides = sorted((surface + right, right), key=lambda side: side.is_number)
    return " = ".join(map(write, sides))


def readable(at: _numeric.Point) -> str:
    """A point as a reader wants to see it."""

    def short(number: object) -> str:
        return f"[{', '.join(map(short, number))}]" if isinstance(number, list) else mpmath.nstr(number, 6)

    return ", ".join(f"{symbol} = {short(number)}" for symbol, number in at.items())


def strength(level: str) -> int:
    """Levels in order: prose, then numbers, then exact for sizes or on cells, then exact for all n."""
    if level.startswith("exact"):
        return 3 if level.startswith("exact, all n") else 2
    return int(level.startswith(("numeric", "grid")))
