"""Functions to write: the start is wrong, the reference right, and each mistake told from it and from the others."""

import inspect
import math
from collections.abc import Iterator

from dlquiz import schema
from dlquiz.check.findings import Finding
from dlquiz.code import cases as drawn
from dlquiz.code import judge
from dlquiz.code.run import Ran, run
from dlquiz.code.stub import stub
from dlquiz.registry import mutant, reference

SEEDS = 5


def check_code(question: schema.Code) -> Iterator[Finding]:
    """What a learner could be told wrongly, for a few draws of the cases."""
    if not question.mistakes:
        yield Finding("a function to write needs mistakes: what do people write instead?")
    for i, mistake in enumerate(question.mistakes):
        if _parameters(mutant(mistake.mutant)) != _parameters(reference(question.ref)):
            yield Finding("the mutant's arguments are not those of ref", ("mistakes", i))
            return
    for seed in range(SEEDS if question.draws else 1):
        findings = [*_of_a_draw(question, drawn.cases(question, seed))]
        yield from findings
        if findings:
            return
    if not _fault(question, drawn.cases(question, 0), None):
        yield Finding("what the learner starts from is right already")


def _parameters(function: object) -> list[str]:
    return [*inspect.signature(function).parameters]  # type: ignore[arg-type]  # the registry gives functions only


def _of_a_draw(question: schema.Code, cases: list[drawn.Case]) -> Iterator[Finding]:
    right = reference(question.ref)
    for case, one in zip(cases, judge.expected(question, right, cases), strict=True):
        if any(map(math.isnan, one.values)):
            yield Finding(f"ref gives nan at {judge.described(case)}", ("ref",))
            return
    own = judge.computed(right, cases, question.dtype)
    if fault := _fault(question, cases, own):
        yield Finding(f"the reference itself would be refused: {fault}", ("tolerance",))
    earlier: list[list[judge.Array]] = []
    for i, mistake in enumerate(question.mistakes):
        gives = judge.computed(mutant(mistake.mutant), cases, question.dtype)
        if not _fault(question, cases, gives):
            yield Finding(f"mistake {i + 1} gives what the reference gives", ("mistakes", i))
        elif any(judge.behaves_as(question, one, judge.as_outcomes(question, gives)) for one in earlier):
            yield Finding(f"mistake {i + 1} is taken for an earlier one", ("mistakes", i))
        earlier.append(gives)


def _fault(question: schema.Code, cases: list[drawn.Case], gives: list[judge.Array] | None) -> str:
    """What a learner would be told whose function gives this; of None, what they are told who hand in the start."""
    if gives is None:
        ran = run(stub(question), question.ref.rpartition(".")[2], cases, question.arrays)
    else:
        ran = Ran(outcomes=judge.as_outcomes(question, gives))
    return judge.failure(question, cases, judge.expected(question, reference(question.ref), cases), ran)
