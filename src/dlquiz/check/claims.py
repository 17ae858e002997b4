"""Options as claims: a right one holds everywhere, a wrong one fails somewhere in every draw."""

from collections.abc import Iterator
from typing import Any

from dlquiz import schema
from dlquiz.check.findings import POINTS, Finding, draws, shown
from dlquiz.check.giveaways import misfits, speaks_of_others
from dlquiz.formula import FormulaError, UndefinedError, holds, parse_claim, samples, show
from dlquiz.question import Asked


def check_choices(question: schema.Choices) -> Iterator[Finding]:
    """Each option's claim, and what the options give away."""
    claims = [choice.holds for choice in question.choices]
    if any(claims) and not all(claims):
        yield Finding("only some options have 'holds'; the key is computed once all have it", ("choices",))
    for said, i in misfits(question):
        yield Finding(said, ("text",) if i is None else ("choices", i, "text"))
    whys = [choice.why.casefold() for choice in question.choices]
    for i, choice in enumerate(question.choices):
        if speaks_of_others(choice.text):
            yield Finding("an option may not speak of the others: they are shuffled", ("choices", i, "text"))
        if whys[i] in whys[:i]:
            yield Finding("another option has this feedback; say what is wrong with this one", ("choices", i, "why"))
        if choice.holds:
            fault = _claim_fault(question, choice.holds, wanted=choice.correct)
            yield from [Finding(fault, ("choices", i, "holds"))] if fault else []


def check_truefalse(question: schema.TrueFalse) -> Iterator[Finding]:
    """The claim of a true-or-false question."""
    if question.holds and (fault := _claim_fault(question, question.holds, wanted=question.answer)):
        yield Finding(fault, ("holds",))


def _claim_fault(question: schema.Claims, text: str, *, wanted: bool) -> str:
    """What is wrong with a claim that should be true (`wanted`) or false; empty if nothing is."""
    try:
        for asked in draws(question):
            tried, counterexample = _try_claim(asked, question, text)
            if tried == 0:
                return "this claim has no value anywhere it was tried"
            if wanted and counterexample:
                return f"marked right, but does not hold at {show(counterexample)}" + _drawn(asked)
            if not wanted and counterexample is None:
                return f"marked wrong, but holds at all {tried} points tried" + _drawn(asked)
    except FormulaError as error:
        return str(error)
    return ""


def _drawn(asked: Asked) -> str:
    return f" (drawn: {shown(asked.values)})" if asked.values else ""


def _try_claim(asked: Asked, question: schema.Claims, text: str) -> tuple[int, dict[str, Any] | None]:
    """At how many points the claim could be judged, and the first at which it is false."""
    tried = 0
    for point in _points(question):
        env = {name: value for name, value in asked.env(point).items() if not isinstance(value, list)}
        claim = parse_claim(text, env)
        try:
            true = holds(claim, env)
        except UndefinedError:
            continue
        tried += 1
        if not true:
            return tried, {name: env[name] for name in sorted(claim.used)}
    return tried, None


def _points(question: schema.Claims) -> list[dict[str, float]]:
    if not question.symbols:
        return [{}]
    return [point for special, point in samples(question.symbols, count=POINTS) if not special]
