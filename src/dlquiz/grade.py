"""One typed answer against the key: right or wrong, and what to say about it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dlquiz import schema
from dlquiz.params import show
from dlquiz.question import Asked, Key


@dataclass(frozen=True)
class Verdict:
    """`score` is 1 for a right answer and the share that was right for the kinds that have parts."""

    correct: bool
    message: str
    key: Key
    score: float = 0.0


class UnreadableError(ValueError):
    """An answer that cannot be graded; the message says what to type. Nothing is lost: type again."""


def grade(asked: Asked, answer: str) -> Verdict:
    """Grade a typed answer, or raise `UnreadableError`."""
    text = answer.strip()
    if not text:
        raise UnreadableError("nothing was typed")
    return GRADERS[type(asked.question)](asked, asked.question, text)


def within(got: float, want: float, tolerance: schema.Tolerance) -> bool:
    """Whether a number is right; both sides may carry a rounding error of float64."""
    return abs(got - want) <= max(tolerance.abs, tolerance.rel * abs(want)) + 1e-12 * max(abs(want), 1.0)


def _grade_number(asked: Asked, question: schema.Number, text: str) -> Verdict:
    got, key = _typed_number(text, question.unit), asked.number(question.answer)
    if within(got, key, question.tolerance):
        return Verdict(correct=True, message="", key=key, score=1.0)
    said = f"You typed {show(got)}; it is {show(key)}."
    for mistake in question.mistakes:
        if _matches(asked, mistake, got, question.tolerance):
            said += " " + _filled(mistake.say, asked)
            break
    return Verdict(correct=False, message=said, key=key)


def _typed_number(text: str, unit: str) -> float:
    from dlquiz.formula import FormulaError, UndefinedError, parse, value

    bare = text.removesuffix(unit).strip() if unit else text
    if re.fullmatch(r"[-+]?\d+,\d+", bare):
        raise UnreadableError(f"write {bare.replace(',', '.')}, with a point")
    if bare.endswith("%"):
        raise UnreadableError("write a fraction, not per cent: 0.5 for 50 %")
    try:
        return float(value(parse(bare, ()), {}))
    except FormulaError as error:
        raise UnreadableError(f"a number is wanted: {error}") from None
    except (UndefinedError, OverflowError) as error:
        raise UnreadableError(f"that has no value: {error}") from None


def _matches(asked: Asked, mistake: schema.NumberMistake, got: float, tolerance: schema.Tolerance) -> bool:
    from dlquiz.formula import UndefinedError

    try:
        return within(got, asked.number(mistake), tolerance)
    except UndefinedError:
        return False


def _grade_choices(asked: Asked, _: schema.Choices, text: str) -> Verdict:
    letters = set(re.sub(r"[\s,;.)+&]+|\band\b", "", text.lower()))
    options = {option.letter: option for option in asked.choices}
    if letters - options.keys() or (asked.kind == "single" and len(letters) != 1):
        wanted = "one letter" if asked.kind == "single" else "the letters of all that apply"
        raise UnreadableError(f"type {wanted}, out of {', '.join(options)}")
    key = str(asked.key())
    if letters == set(key):
        chosen = "".join(sorted(letters))
        say = options[chosen].why if asked.kind == "single" else ""
        return Verdict(correct=True, message=say, key=key, score=1.0)
    wrong = [option for letter, option in options.items() if (letter in letters) != option.correct]
    if asked.kind == "single":
        said = options[min(letters)].why
    else:
        said = "\n".join(f"{o.letter} {'belongs' if o.correct else 'does not belong'}: {o.why}" for o in wrong)
    return Verdict(correct=False, message=said, key=key, score=_partial(asked, len(options) - len(wrong)))


def _partial(asked: Asked, right: int) -> float:
    return right / len(asked.choices) if asked.kind == "multiple" else 0.0


def _grade_truefalse(asked: Asked, question: schema.TrueFalse, text: str) -> Verdict:
    word = text.lower()
    typed = {"true": True, "t": True, "yes": True, "y": True, "false": False, "f": False, "no": False, "n": False}
    if word not in typed:
        raise UnreadableError("type t for true or f for false")
    correct = typed[word] == question.answer
    said = "" if correct else _filled(question.why_not, asked)
    return Verdict(correct=correct, message=said, key=asked.key(), score=float(correct))


def _grade_formula(asked: Asked, question: schema.Formula, text: str) -> Verdict:
    from dlquiz.formula import FormulaError, parse, same, unstable
    from dlquiz.formula import show as point

    try:
        got = parse(text, question.symbols, forbid=question.forbid)
    except FormulaError as error:
        raise UnreadableError(str(error)) from None
    key = parse(question.answer, question.symbols)
    verdict = same(got, key, question.symbols, ties=question.ties)
    if not verdict.equal:
        where = f"At {point(verdict.point)} yours gives {verdict.got}, the key {verdict.want}." if verdict.point else ""
        said = " ".join(
            filter(None, [where or f"This could not be compared: {verdict.why}.", _formula_mistake(question, got)])
        )
        return Verdict(correct=False, message=said, key=question.answer)
    survives = question.stable if isinstance(question, schema.Stable) else None
    failure = survives and unstable(got, key, survives.at, survives.dtype, survives.rel)
    if failure and survives:
        said = f"Right on paper, but in {survives.dtype} at {point(failure.point or {})} it gives {failure.got}, not {failure.want}."
        said = " ".join(filter(None, [said, _formula_mistake(question, got)]))
        return Verdict(correct=False, message=said, key=question.answer, score=0.5)
    note = f"One remark: {verdict.note}." if verdict.note else ""
    return Verdict(correct=True, message=note, key=question.answer, score=1.0)


def _formula_mistake(question: schema.Formula, got: Any) -> str:
    """What the bank says about the mistake that was typed, if it is one that people make."""
    from dlquiz.formula import parse, same

    for mistake in question.mistakes:
        if same(got, parse(mistake.formula, question.symbols), question.symbols).equal:
            return mistake.say
    return ""


def _grade_order(asked: Asked, question: schema.Order, text: str) -> Verdict:
    letters = re.sub(r"[\s,;.>-]+", "", text.lower())
    if sorted(letters) != sorted(asked.names):
        raise UnreadableError(f"type each of {', '.join(asked.names)} once, for instance {''.join(asked.names)}")
    prefix = _valid_prefix(asked, question, [asked.names[letter] for letter in letters])
    if prefix == len(letters):
        return Verdict(correct=True, message="", key=letters, score=1.0)
    first = letters[prefix]
    said = f"Right up to {letters[:prefix]}; {first} cannot come next." if prefix else f"{first} cannot come first."
    return Verdict(correct=False, message=said, key=asked.key(), score=prefix / len(letters))


def _valid_prefix(asked: Asked, question: schema.Order, names: list[str]) -> int:
    """How many steps stand where they may stand."""
    values = asked.step_values()
    for i, name in enumerate(names):
        rest = names[i:]
        if any(before in rest for before in question.after.get(name, [])):
            return i
        if values and values[name] > min(values[other] for other in rest):
            return i
    return len(names)


def _grade_bug(asked: Asked, question: schema.Bug, text: str) -> Verdict:
    mutant = asked.mutant()
    match = re.fullmatch(r"(?:line\s*)?(\d+)", text.lower())
    if match is None or not 1 <= int(match[1]) <= len(mutant.lines):
        raise UnreadableError(f"type the number of the wrong line, 1 to {len(mutant.lines)}")
    correct = int(match[1]) == mutant.wrong
    said = mutant.why if correct else f"Line {match[1]} is right. The wrong one is line {mutant.wrong}: {mutant.why}"
    return Verdict(correct=correct, message=said, key=mutant.wrong, score=float(correct))


def _filled(text: str, asked: Asked) -> str:
    from dlquiz.params import fill

    return fill(text, asked.values)


GRADERS: dict[type, Callable[[Asked, Any, str], Verdict]] = {
    schema.Number: _grade_number,
    schema.Single: _grade_choices,
    schema.Multiple: _grade_choices,
    schema.TrueFalse: _grade_truefalse,
    schema.Formula: _grade_formula,
    schema.Stable: _grade_formula,
    schema.Order: _grade_order,
    schema.Bug: _grade_bug,
}
