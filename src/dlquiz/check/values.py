"""Keys that are values: numbers, orders by size, and wrong lines that make a difference."""

import inspect
import itertools
import math
from collections.abc import Iterator

from dlquiz import schema
from dlquiz.check.findings import Finding, draws, shown
from dlquiz.formula import UndefinedError
from dlquiz.grade import within
from dlquiz.mutant import read
from dlquiz.params import number
from dlquiz.question import Asked
from dlquiz.registry import differ, mutant, reference


def check_number(question: schema.Number) -> Iterator[Finding]:
    """The key of every draw, and whether each mistake is told from it and from the other mistakes."""
    asked = draws(question)
    keys = [one.number(question.answer) for one in asked]
    for one, key in zip(asked, keys, strict=True):
        if not math.isfinite(key):
            yield Finding(f"the answer is {key} for {shown(one.values)}", ("answer",))
            return
        if question.answer.call and question.answer.formula:
            other = number(question.answer.formula, one.env())
            if abs(other - key) > 1e-9 * max(abs(key), 1e-3):
                yield Finding(f"the formula gives {other:.9g}, {question.answer.call} {key:.9g}", ("answer", "formula"))
                return
    if not question.mistakes:
        yield Finding("a number needs mistakes: what do people answer instead?")
    earlier: list[list[float]] = []
    for i, mistake in enumerate(question.mistakes):
        typed = [_or_nan(one, mistake) for one in asked]
        told = [n for n, key in enumerate(keys) if not _alike(question, typed[n], key)]
        if not told:
            yield Finding(f"mistake {i + 1} is always accepted as the right answer", ("mistakes", i))
        elif all(any(_alike(question, typed[n], other[n]) for other in earlier) for n in told):
            yield Finding(f"mistake {i + 1} is always taken for an earlier one", ("mistakes", i))
        earlier.append(typed)


def _alike(question: schema.Number, got: float, want: float) -> bool:
    return within(got, want, question.tolerance)


def _or_nan(asked: Asked, mistake: schema.NumberMistake) -> float:
    """The mistake's value, nan where it has none: a wrong formula may well divide by zero."""
    try:
        return asked.number(mistake)
    except UndefinedError:
        return float("nan")


def check_order(question: schema.Order) -> Iterator[Finding]:
    """Whether the values of a computed order are far enough apart to have one."""
    for asked in draws(question):
        for low, high in itertools.pairwise(sorted(asked.step_values().values())):
            if high - low <= 1e-6 * max(abs(low), abs(high), 1e-6):
                yield Finding(f"two steps have the same value {low:.6g}", ("steps",))
                return


def check_bug(question: schema.Bug) -> Iterator[Finding]:
    """Whether the wrong line makes a difference at the cases the bank names."""
    read(question.mutant, question.ref)
    right, wrong = reference(question.ref), mutant(question.mutant)
    if inspect.signature(right).parameters.keys() != inspect.signature(wrong).parameters.keys():
        yield Finding("the mutant's arguments are not those of ref", ("mutant",))
        return
    for i, case in enumerate(question.cases):
        if not differ(right, wrong, case):
            yield Finding("here the mutant gives what ref gives: no one could see the bug", ("cases", i))
