"""One typed answer against the key: right or wrong, and what to say about it."""

import math
import re
from collections.abc import Callable
from typing import Any

from dlquiz import schema
from dlquiz.params import fill, show
from dlquiz.question import Asked
from dlquiz.verdict import UnreadableError, Verdict


def grade(asked: Asked, answer: str) -> Verdict:
    """Grade a typed answer, or raise `UnreadableError`: an answer nobody can read is not a wrong one."""
    text = answer.strip()
    if not text:
        raise UnreadableError("nothing was typed; ? gives a hint, ! skips")
    with asked.bank_faults():
        return GRADERS[type(asked.question)](asked, asked.question, text)


def within(got: float, want: float, tolerance: schema.Tolerance) -> bool:
    """Whether a number is right; both sides may carry a rounding error of float64."""
    return abs(got - want) <= max(tolerance.abs, tolerance.rel * abs(want)) + 1e-12 * max(abs(want), 1.0)


def _verdict(asked: Asked, *said: str, score: float) -> Verdict:
    message = fill(" ".join(filter(None, said)), asked.values)
    return Verdict(correct=score == 1, message=message, key=asked.key(), score=score)


# -- numbers


def _grade_number(asked: Asked, question: schema.Number, text: str) -> Verdict:
    got, key = _typed_number(text, question.unit), asked.number(question.answer)
    if within(got, key, question.tolerance):
        return _verdict(asked, score=1)
    close = (mistake.say for mistake in question.mistakes if _is_mistake(asked, mistake, got))
    return _verdict(asked, f"{show(got)} is too {'low' if got < key else 'high'}.", next(close, ""), score=0)


def _typed_number(text: str, unit: str) -> float:
    from dlquiz.formula import FormulaError, UndefinedError, parse, value

    bare = text.removesuffix(unit).strip() if unit else text
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", bare):
        raise UnreadableError(f"write {bare.replace(',', '.')}, with a point")
    if bare.endswith("%"):
        raise UnreadableError("write a fraction: 0.5 for 50 %")
    try:
        number = float(value(parse(bare, ()), {}))
    except FormulaError as error:
        raise UnreadableError(f"a number is wanted: {error}", error.column) from None
    except UndefinedError as error:
        raise UnreadableError(f"that has no value: {error}") from None
    if not math.isfinite(number):
        raise UnreadableError("that has no value: overflow")
    return number


def _is_mistake(asked: Asked, mistake: schema.NumberMistake, got: float) -> bool:
    from dlquiz.formula import UndefinedError

    assert isinstance(asked.question, schema.Number)  # noqa: S101  # for the type checker: only numbers come here
    try:
        return within(got, asked.number(mistake), asked.question.tolerance)
    except UndefinedError:
        return False


# -- choices


def _grade_single(asked: Asked, _: schema.Single, text: str) -> Verdict:
    letter = re.sub(r"[\s().]", "", text.lower())
    for option in asked.choices:
        if option.letter == letter:
            return _verdict(asked, option.why, score=option.correct)
    raise UnreadableError(f"type one letter, out of {_letters(asked)}")


def _grade_multiple(asked: Asked, _: schema.Multiple, text: str) -> Verdict:
    letters = set(re.sub(r"\band\b|[\s(),;.&+]", "", text.lower()))
    if not letters or letters - {option.letter for option in asked.choices}:
        raise UnreadableError(f"type the letters of all that apply, out of {_letters(asked)}")
    wrong = [option for option in asked.choices if (option.letter in letters) != option.correct]
    said = [f"{o.letter} {'belongs' if o.correct else 'does not belong'}: {o.why}" for o in wrong]
    return _verdict(asked, "\n".join(said), score=1 - len(wrong) / len(asked.choices))


def _letters(asked: Asked) -> str:
    return ", ".join(option.letter for option in asked.choices)


def _grade_truefalse(asked: Asked, question: schema.TrueFalse, text: str) -> Verdict:
    word = text.lower()
    if word not in ("true", "t", "yes", "y", "false", "f", "no", "n"):
        raise UnreadableError("type t for true or f for false")
    correct = (word[0] in "ty") == question.answer
    return _verdict(asked, "" if correct else question.why_not, score=correct)


# -- formulas


def _grade_formula(asked: Asked, question: schema.Formula, text: str) -> Verdict:
    from dlquiz.formula import FormulaError, parse, same, show

    try:
        got = parse(text, question.symbols, forbid=question.forbid)
    except FormulaError as error:
        raise UnreadableError(str(error), error.column) from None
    key = parse(question.answer, question.symbols)
    verdict = same(got, key, question.symbols, ties=question.ties)
    if verdict.undecided:
        raise UnreadableError(f"{verdict.why}; write it more simply")
    if not verdict.equal:
        where = f"At {show(verdict.point or {})} yours gives {verdict.got}; it is {verdict.want}."
        return _verdict(asked, where, _said(question, got), score=0)
    if isinstance(question, schema.Stable) and (missed := failures(question, got, key)):
        first = missed[0]
        where = f"Right on paper, but in {question.stable.dtype} at {show(first.point or {})} it gives {first.got}"
        return _verdict(asked, f"{where}, not {first.want}.", _said(question, got), score=0.5)
    return _verdict(asked, f"{verdict.note}." if verdict.note else "", score=1)


def _said(question: schema.Formula, got: Any) -> str:
    """What the bank says about this formula, if it is a mistake that people make.

    Several may be the same on paper; the one that fails at the same points in floating point is meant.
    """
    from dlquiz.formula import parse, same

    known = [(parse(mistake.formula, question.symbols), mistake.say) for mistake in question.mistakes]
    alike = [(formula, say) for formula, say in known if same(got, formula, question.symbols).equal]
    key = parse(question.answer, question.symbols)
    here = [failure.point for failure in failures(question, got, key)]
    close = [say for formula, say in alike if [failure.point for failure in failures(question, formula, key)] == here]
    return next(iter([*close, *(say for _, say in alike)]), "")


def failures(question: schema.Formula, formula: Any, key: Any) -> list[Any]:
    """Where a formula misses the key in floating point, if the question asks it not to."""
    from dlquiz.formula import unstable

    if not isinstance(question, schema.Stable):
        return []
    survives = question.stable
    return unstable(formula, key, survives.at, survives.dtype, survives.rel)


# -- orders, bugs and functions


def _grade_order(asked: Asked, question: schema.Order, text: str) -> Verdict:
    letters = re.sub(r"[\s,;.>-]", "", text.lower())
    if sorted(letters) != sorted(asked.names):
        raise UnreadableError(f"type each of {', '.join(asked.names)} once, as in {''.join(asked.names)}")
    right = _right_steps(asked, question, [asked.names[letter] for letter in letters])
    if right == len(letters):
        return _verdict(asked, score=1)
    first = letters[right]
    said = f"Right up to {letters[:right]}; {first} cannot come next." if right else f"{first} cannot come first."
    return _verdict(asked, said, score=right / len(letters))


def _right_steps(asked: Asked, question: schema.Order, names: list[str]) -> int:
    """How many steps from the first on stand where they may stand."""
    values = asked.step_values()
    for i, name in enumerate(names):
        later = names[i + 1 :]
        if any(before in later for before in question.after.get(name, [])):
            return i
        if values and any(values[other] < values[name] for other in later):
            return i
    return len(names)


def _grade_bug(asked: Asked, question: schema.Bug, text: str) -> Verdict:
    mutant = asked.mutant()
    match = re.fullmatch(r"(?:line\s*)?([0-9]{1,4})", text.lower())
    if match is None or not 1 <= int(match[1]) <= len(mutant.lines):
        raise UnreadableError(f"type the number of the wrong line, 1 to {len(mutant.lines)}")
    correct = int(match[1]) == mutant.wrong
    said = f"Line {mutant.wrong}: {mutant.why}" if correct else f"Not line {match[1]} but {mutant.wrong}: {mutant.why}"
    repair = f"Write `{mutant.right}`." if mutant.right else ""
    return _verdict(asked, said.rstrip(".") + ".", repair, _shown_difference(question), score=correct)


def _shown_difference(question: schema.Bug) -> str:
    from dlquiz.calling import differ
    from dlquiz.registry import mutant, reference

    case = question.cases[0]
    difference = differ(reference(question.ref), mutant(question.mutant), case)
    return f"At {', '.join(f'{name} = {_shown(value)}' for name, value in case.items())} it gives {difference}."


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else show(value)


def _grade_code(asked: Asked, question: schema.Code, text: str) -> Verdict:
    from dlquiz.code.grade import grade_code

    return grade_code(asked, question, text)


GRADERS: dict[type, Callable[[Asked, Any, str], Verdict]] = {
    schema.Number: _grade_number,
    schema.Single: _grade_single,
    schema.Multiple: _grade_multiple,
    schema.TrueFalse: _grade_truefalse,
    schema.Formula: _grade_formula,
    schema.Stable: _grade_formula,
    schema.Order: _grade_order,
    schema.Bug: _grade_bug,
    schema.Code: _grade_code,
}
