"""Formula keys: each computed again by another route, and each named mistake told from the key."""

from collections.abc import Callable, Iterator
from typing import Any

from dlquiz import schema
from dlquiz.calling import derived, scalar
from dlquiz.check.findings import Finding
from dlquiz.formula import (
    Formula,
    FormulaError,
    UndefinedError,
    derivative,
    parse,
    same,
    samples,
    show,
    value,
)
from dlquiz.grade import failures
from dlquiz.params import components

ENOUGH, POINTS = 8, 96  # how many points must be comparable, and how many are tried: a short branch is to be met

Point = dict[str, float]


def check_formula(question: schema.Formula) -> Iterator[Finding]:
    """The key by every route, its form in floating point, and the mistakes."""
    key = parse(question.answer, question.symbols, forbid=question.forbid)
    if unused := question.symbols.keys() - key.used:
        yield Finding(f"the answer does not use the symbol {min(unused)!r}", ("symbols", min(unused)))
    for i, route in enumerate(question.verify):
        if fault := _disagreement(question, key, route):
            yield Finding(fault, ("verify", i))
    for failed in failures(question, key, key)[:1]:
        why = f"{failed.why}: {failed.got}, not {failed.want} at {show(failed.point or {})}"
        yield Finding(f"the key itself {why}", ("stable",))
    if not question.mistakes:
        yield Finding("a formula needs mistakes: what do people type instead?")
    yield from _check_mistakes(question, key)


def _disagreement(question: schema.Formula, key: Formula, route: schema.Verify) -> str:
    """Where one route gives something else than the key; empty if nowhere."""
    compute, tolerance = _route(question, route)
    usable = 0
    for special, point in samples(question.symbols, count=POINTS, seed=1):
        if special:
            continue
        try:
            got, want = float(value(key, point)), compute(point)
        except UndefinedError:
            continue
        usable += 1
        if not abs(got - want) <= max(tolerance * max(abs(got), abs(want)), 1e-12):
            name = route.call or route.derivation or "the derivative"
            return f"the key is {got:.9g}, {name} gives {want:.9g} at {show(point)}"
    return "" if usable >= ENOUGH else f"only {usable} points could be compared"


def _route(question: schema.Formula, route: schema.Verify) -> tuple[Callable[[Point], float], float]:
    """A function that computes the key another way, and how closely the two should agree."""
    if route.call:
        return lambda point: scalar(route.call, route.args, components(point), route.index), 1e-9
    if route.derivation:
        return lambda point: derived(route.derivation, route.args, components(point)), 1e-12
    antiderivative = parse(route.derivative_of, question.symbols)
    return lambda point: float(derivative(antiderivative, point, route.by)), 1e-12


def _check_mistakes(question: schema.Formula, key: Formula) -> Iterator[Finding]:
    earlier: list[tuple[Formula, list[Any]]] = []
    for i, mistake in enumerate(question.mistakes):
        path = ("mistakes", i, "formula")
        try:
            wrong = parse(mistake.formula, question.symbols)
        except FormulaError as error:
            yield Finding(f"mistake {i + 1}: {error}", path)
            continue
        verdict = same(wrong, key, question.symbols, ties=question.ties)
        missed = [failure.point for failure in failures(question, wrong, key)]
        if verdict.equal and not missed:
            yield Finding(f"mistake {i + 1} equals the right answer", path)
        elif verdict.undecided:
            yield Finding(f"mistake {i + 1} cannot be compared: {verdict.why}", path)
        elif any(same(wrong, other, question.symbols, ties=True).equal and missed == at for other, at in earlier):
            yield Finding(f"mistake {i + 1} equals an earlier one", path)
        earlier.append((wrong, missed))
