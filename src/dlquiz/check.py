"""`dlquiz check`: every key recomputed, every wrong option proved wrong where a claim allows it."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from dlquiz import schema
from dlquiz.bank import Bank
from dlquiz.grade import within
from dlquiz.params import components
from dlquiz.question import Asked, draw
from dlquiz.verified import verified

DRAWS, POINTS = 50, 24
Finding = tuple[str, tuple[str | int, ...]]  # what is wrong, and the path of the part that is


def check_bank(bank: Bank) -> list[str]:
    """One line for each fault of a bank's questions, with its place."""
    from dlquiz.giveaways import giveaways

    faults = list(bank.errors)
    for spot, question in enumerate(bank.questions):
        faults += [bank.error(spot, message, *path) for message, path in check_question(question)]
    return faults + [f"{bank.path}:1:1: {message}" for message in giveaways(bank.questions)]


def check_question(question: schema.Question) -> list[Finding]:
    """Everything wrong with one question."""
    from dlquiz.formula import FormulaError, UndefinedError
    from dlquiz.mutant import MutantError
    from dlquiz.registry import RegistryError

    findings = [*_common(question)]
    try:
        for finding in CHECKS[type(question)](question):
            findings.append(finding)  # noqa: PERF402  # what was found before an error is kept
    except (FormulaError, UndefinedError, RegistryError, MutantError) as error:
        findings.append((str(error), ()))
    return findings


def _common(question: schema.Question) -> Iterator[Finding]:
    from dlquiz import registry

    try:
        registry.reference(question.ref)
    except registry.RegistryError as error:
        yield str(error), ("ref",)
    if not verified(question).computed and not question.source:
        yield "the key is not computed, so it needs a source", ()
    params = question.params if isinstance(question, schema.Drawn) else {}
    for text, path in _texts(question):
        if unknown := set(schema.PLACEHOLDER.findall(text)) - set(params):
            yield f"the text names {{{min(unknown)}}}, which is not in params", path


def _texts(question: schema.Question) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    yield question.text, ("text",)
    yield question.explain, ("explain",)
    yield from ((hint, ("hints", i)) for i, hint in enumerate(question.hints))
    for i, choice in enumerate(getattr(question, "choices", [])):
        yield choice.text, ("choices", i, "text")
        yield choice.why, ("choices", i, "why")
    yield from ((mistake.say, ("mistakes", i, "say")) for i, mistake in enumerate(getattr(question, "mistakes", [])))


def _draws(question: Any) -> list[Asked]:
    """The question asked with each seed; once is enough where nothing is drawn."""
    return [draw(question, seed) for seed in range(DRAWS if question.params else 1)]


# -- numbers


def _check_number(question: schema.Number) -> Iterator[Finding]:
    import math

    draws = _draws(question)
    keys = [asked.number(question.answer) for asked in draws]
    for asked, key in zip(draws, keys, strict=True):
        if not math.isfinite(key):
            yield f"the answer is {key} for {_shown(asked.values)}", ("answer",)
            break
    if not question.mistakes:
        yield "a number needs mistakes: what do people answer instead?", ()
    typed: list[list[float]] = []
    for i, mistake in enumerate(question.mistakes):
        values = [_or_nan(asked, mistake) for asked in draws]
        told = [not within(value, key, question.tolerance) for value, key in zip(values, keys, strict=True)]
        if not any(told):
            yield f"mistake {i + 1} is always accepted as the right answer", ("mistakes", i)
        elif all(
            any(within(value, other[n], question.tolerance) for other in typed)
            for n, value in enumerate(values)
            if told[n]
        ):
            yield f"mistake {i + 1} is always taken for an earlier one", ("mistakes", i)
        typed.append(values)


def _or_nan(asked: Asked, mistake: schema.NumberMistake) -> float:
    """The mistake's value, nan where it has none: a wrong formula may well divide by zero."""
    from dlquiz.formula import UndefinedError

    try:
        return asked.number(mistake)
    except UndefinedError:
        return float("nan")


# -- claims


def _check_choices(question: schema.Choices) -> Iterator[Finding]:
    claims = [choice.holds for choice in question.choices]
    if any(claims) and not all(claims):
        yield "some options have 'holds' and some have not: the key counts as computed only if all have", ("choices",)
    whys = [choice.why.casefold() for choice in question.choices]
    for i, why in enumerate(whys):
        if why in whys[:i]:
            yield "this feedback is another option's too; say what is wrong with this one", ("choices", i, "why")
    for i, choice in enumerate(question.choices):
        if choice.holds:
            yield from _check_claim(question, choice.holds, choice.correct, ("choices", i, "holds"))


def _check_truefalse(question: schema.TrueFalse) -> Iterator[Finding]:
    if question.holds:
        yield from _check_claim(question, question.holds, question.answer, ("holds",))


def _check_claim(question: schema.Claims, text: str, wanted: bool, path: tuple[str | int, ...]) -> Iterator[Finding]:  # noqa: FBT001
    """A true claim holds everywhere; a false one fails somewhere in every draw."""
    from dlquiz.formula import FormulaError, UndefinedError, holds, parse_claim, show

    for asked in _draws(question):
        counterexample, tried = None, 0
        for point in _points(question.symbols):
            env = {name: value for name, value in asked.env(point).items() if not isinstance(value, list)}
            try:
                claim = parse_claim(text, env)
                tried += 1
                if not holds(claim, env):
                    counterexample = {name: env[name] for name in env if name in claim.used}
                    break
            except FormulaError as error:
                yield str(error), path
                return
            except UndefinedError:
                tried -= 1
        if tried == 0:
            yield "this claim has no value anywhere it was tried", path
            return
        if wanted and counterexample is not None:
            yield f"marked correct, but does not hold at {show(counterexample)}", path
            return
        if not wanted and counterexample is None:
            drawn = f" for {_shown(asked.values)}" if asked.values else ""
            yield f"marked wrong, but holds{drawn}", path
            return


def _points(symbols: dict[str, schema.Domain]) -> Iterator[dict[str, float]]:
    from dlquiz.formula import samples

    if not symbols:
        return iter([{}])
    return (point for special, point in samples(symbols, count=POINTS) if not special)


# -- formulas


def _check_formula(question: schema.Formula) -> Iterator[Finding]:
    from dlquiz.formula import FormulaError, parse, same, unstable

    key = parse(question.answer, question.symbols, forbid=question.forbid)
    if unused := question.symbols.keys() - key.used:
        yield f"the answer does not use the symbol {min(unused)!r}", ("symbols",)
    for i, route in enumerate(question.verify):
        if fault := _verify(question, key, route):
            yield fault, ("verify", i)
    survives = question.stable if isinstance(question, schema.Stable) else None
    if survives and (failure := unstable(key, key, survives.at, survives.dtype, survives.rel)):
        yield f"the key itself {failure.why}: {failure.got}, not {failure.want} at {failure.point}", ("stable",)
    if not question.mistakes:
        yield "a formula needs mistakes: what do people type instead?", ()
    earlier = []
    for i, mistake in enumerate(question.mistakes):
        try:
            wrong = parse(mistake.formula, question.symbols)
        except FormulaError as error:
            yield f"mistake {i + 1}: {error}", ("mistakes", i)
            continue
        verdict = same(wrong, key, question.symbols, ties=question.ties)
        passes = survives is None or unstable(wrong, key, survives.at, survives.dtype, survives.rel) is None
        if verdict.equal and passes:
            yield f"mistake {i + 1} equals the right answer", ("mistakes", i)
        elif verdict.undecided:
            yield f"mistake {i + 1} cannot be compared: {verdict.why}", ("mistakes", i)
        elif any(same(wrong, other, question.symbols, ties=True).equal for other in earlier):
            yield f"mistake {i + 1} equals an earlier one", ("mistakes", i)
        earlier.append(wrong)


def _verify(question: schema.Formula, key: Any, route: schema.Verify) -> str:
    """What one route finds wrong with the key, or nothing."""
    from dlquiz.formula import UndefinedError, show, value

    compute, tolerance = _route(question, route)
    usable = 0
    for _, point in itertools.filterfalse(lambda pair: pair[0], _all_samples(question)):
        try:
            got = float(value(key, point))
            want = compute(point)
        except UndefinedError:
            continue
        usable += 1
        if not abs(got - want) <= max(tolerance * max(abs(got), abs(want)), 1e-12):
            name = route.call or route.derivation or "the derivative"
            return f"the key is {got:.9g}, {name} gives {want:.9g} at {show(point)}"
    return "" if usable >= 8 else f"only {usable} points could be compared"


def _all_samples(question: schema.Formula) -> Iterator[tuple[bool, dict[str, float]]]:
    from dlquiz.formula import samples

    return samples(question.symbols, count=POINTS, seed=1)


def _route(question: schema.Formula, route: schema.Verify) -> tuple[Callable[[dict[str, float]], float], float]:
    """A function that computes the key another way, and how closely the two should agree."""
    from dlquiz import registry
    from dlquiz.formula import derivative, parse

    if route.call:
        return lambda point: registry.scalar(route.call, route.args, components(point), route.index), 1e-9
    if route.derivation:
        return lambda point: registry.derived(route.derivation, route.args, components(point)), 1e-12
    antiderivative = parse(route.derivative_of, question.symbols)
    return lambda point: float(derivative(antiderivative, point, route.by)), 1e-12


# -- the rest


def _check_order(question: schema.Order) -> Iterator[Finding]:
    for asked in _draws(question):
        values = asked.step_values()
        if not values:
            return
        ordered = sorted(values.values())
        for low, high in itertools.pairwise(ordered):
            if high - low <= 1e-6 * max(abs(low), abs(high), 1e-6):
                yield f"two steps have the same value {low:.6g}", ("steps",)
                return


def _check_bug(question: schema.Bug) -> Iterator[Finding]:
    import inspect

    from dlquiz import mutant, registry

    mutant.read(question.mutant)
    right, wrong = registry.reference(question.ref), registry.mutant(question.mutant)
    if inspect.signature(right).parameters.keys() != inspect.signature(wrong).parameters.keys():
        yield "the mutant's arguments are not those of ref", ("mutant",)
        return
    if not any(registry.differ(right, wrong, case) for case in question.cases):
        yield "the mutant gives what ref gives at every case", ("cases",)


def _shown(values: dict[str, Any]) -> str:
    from dlquiz.params import show

    return ", ".join(f"{name} = {show(value)}" for name, value in values.items())


CHECKS: dict[type, Callable[[Any], Iterator[Finding]]] = {
    schema.Number: _check_number,
    schema.Single: _check_choices,
    schema.Multiple: _check_choices,
    schema.TrueFalse: _check_truefalse,
    schema.Formula: _check_formula,
    schema.Stable: _check_formula,
    schema.Order: _check_order,
    schema.Bug: _check_bug,
}
