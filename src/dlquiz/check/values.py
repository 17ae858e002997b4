"""Keys that are values: numbers, orders by size, and wrong lines that make a difference."""

import inspect
import itertools
import math
from collections.abc import Iterator

from dlquiz import schema
from dlquiz.calling import differ
from dlquiz.check.findings import Finding, draws, shown
from dlquiz.formula import UndefinedError
from dlquiz.grade import within
from dlquiz.mutant import Mutant, read, with_right_line
from dlquiz.params import components, number
from dlquiz.question import Asked
from dlquiz.registry import mutant, reference


def check_number(question: schema.Number) -> Iterator[Finding]:
    """The key of every draw, and whether each mistake is told from it and from the other mistakes."""
    asked = draws(question)
    keys = [one.number(question.answer) for one in asked]
    for one, key in zip(asked, keys, strict=True):
        if not math.isfinite(key):
            yield Finding(f"the answer is {key} for {shown(one.values)}", ("answer",))
            return
        if fault := _disagreement(question.answer, one, key):
            yield Finding(f"{fault} for {shown(one.values)}" if one.values else fault, ("answer",))
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


def _disagreement(answer: schema.Answer, asked: Asked, key: float) -> str:
    """Where the second route to a number gives something else; empty if there is none or it agrees."""
    if answer.call and answer.formula:
        other = number(answer.formula, asked.env())
        return "" if _close(other, key) else f"the formula gives {other:.9g}, {answer.call} {key:.9g}"
    if answer.also:
        other = number(answer.also, components(asked.values))
        return "" if _close(other, key) else f"'also' gives {other:.9g}, the formula {key:.9g}"
    return ""


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(abs(b), 1e-3)


def _alike(question: schema.Number, got: float, want: float) -> bool:
    return within(got, want, question.tolerance)


def _or_nan(asked: Asked, mistake: schema.NumberMistake) -> float:
    """The mistake's value, nan where it has none: a wrong formula may well divide by zero."""
    try:
        return asked.number(mistake)
    except UndefinedError:
        return float("nan")


def check_order(question: schema.Order) -> Iterator[Finding]:
    """Whether the values of a computed order are far enough apart to have one, and what they are known to be."""
    for asked in draws(question):
        values = asked.step_values()
        for low, high in itertools.pairwise(sorted(values.values())):
            if high - low <= 1e-6 * max(abs(low), abs(high), 1e-6):
                yield Finding(f"two steps have the same value {low:.6g}", ("steps",))
                return
        for name, step in question.steps.items():
            if isinstance(step, schema.Step) and step.also:
                other = number(step.also, components(asked.values))
                if not _close(other, values[name]):
                    yield Finding(f"'also' gives {other:.9g}, the value {values[name]:.9g}", ("steps", name, "also"))
                    return


def check_bug(question: schema.Bug) -> Iterator[Finding]:
    """Whether the wrong line makes a difference at the cases the bank names, and the right one in its place none."""
    shown_code = read(question.mutant, question.ref)
    right, wrong = reference(question.ref), mutant(question.mutant)
    if inspect.signature(right).parameters.keys() != inspect.signature(wrong).parameters.keys():
        yield Finding("the mutant's arguments are not those of ref", ("mutant",))
        return
    for i, case in enumerate(question.cases):
        if not differ(right, wrong, case):
            yield Finding("here the mutant gives what ref gives: no one could see the bug", ("cases", i))
    yield from check_line(question, shown_code)


def check_line(question: schema.Bug, shown_code: Mutant) -> Iterator[Finding]:
    """Whether the marked line is the wrong one: with the right line in its place the function is the reference."""
    if not shown_code.right:
        yield Finding(
            "the mutant has no '# right: `...`' above its wrong line, so nothing says which is wrong", ("mutant",)
        )
        return
    try:
        repaired = with_right_line(question.mutant, question.ref, shown_code)
        found = (differ(reference(question.ref), repaired, case) for case in question.cases)
        difference = next(filter(None, found), "")
    except (SyntaxError, NameError, AttributeError, TypeError) as error:  # it may not fit there at all
        difference = str(error)
    if difference:
        yield Finding(f"the marked line put right, it still differs from ref: {difference}", ("mutant",))
