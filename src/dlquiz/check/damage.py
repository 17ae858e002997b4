"""Damage each key in turn, so that it stays well formed, and see whether the check notices.

A key that one route alone leads to has nothing to be compared with: its damage passes, and is counted as passed.
A function to write has no key in the bank that could be damaged: its key is the reference itself.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from dlquiz import schema
from dlquiz.bank import Bank
from dlquiz.calling import alike
from dlquiz.check import check_question
from dlquiz.check.findings import draws
from dlquiz.check.flips import flipped, written
from dlquiz.check.values import check_line
from dlquiz.formula import FormulaError, parse, same
from dlquiz.grade import failures, within
from dlquiz.verified import verified

Found = Callable[[], Sequence[Any]]
Damaged = Iterator[tuple[str, Found]]
CANCEL = "(1e30 + ({})) - 1e30"  # the same on paper, and no digit left in floating point


class Damage(NamedTuple):
    """One damage to one key: what was done, and whether the check said anything."""

    bank: Bank
    spot: int
    question: schema.Question
    what: str
    noticed: bool

    def __str__(self) -> str:
        return self.bank.fault(self.question, self.spot, f"damage passes unnoticed: {self.what}")


class Share(NamedTuple):
    """How many damages were noticed, and of how many keys every single one."""

    damages: list[Damage]

    @property
    def passed(self) -> list[Damage]:
        return [damage for damage in self.damages if not damage.noticed]

    @property
    def noticed(self) -> float:
        return 1 - len(self.passed) / max(len(self.damages), 1)

    @property
    def keys(self) -> int:
        return len({damage.question.id for damage in self.damages})

    @property
    def safe(self) -> float:
        return 1 - len({damage.question.id for damage in self.passed}) / max(self.keys, 1)

    def facts(self) -> dict[str, Any]:
        """The same for `--json`."""
        counts = {"damages": len(self.damages), "keys": self.keys, "noticed": self.noticed, "safe": self.safe}
        return {"damage": {**counts, "passed": [str(damage) for damage in self.passed]}}

    def __str__(self) -> str:
        told = f"{len(self.damages)} damages to {self.keys} computed keys, {self.noticed:.1%} noticed"
        return f"{told}; {self.safe:.1%} of the keys with every damage noticed"


def damage_all(banks: Sequence[Bank]) -> Share:
    """Every damage to every computed key of some banks that are without fault."""
    done = [
        Damage(bank, spot, question, what, bool(found()))
        for bank in banks
        for question, spot in zip(bank.questions, bank.spots, strict=True)
        if verified(question).computed
        for what, found in damages(question)
    ]
    return Share(done)


def damages(question: schema.Question) -> Damaged:
    """What can be done to this key: in words, and what the check finds then."""
    if not isinstance(question, schema.Code):
        yield from DAMAGERS[type(question)](question)


def _checked(question: schema.Question) -> Found:
    return lambda: check_question(question)


# -- formulas


def _formulas(question: schema.Formula) -> Damaged:
    """One node of the key another, and a stable form made unstable."""
    key = parse(question.answer, question.symbols)
    for node in flipped(key.node):
        wrong = parse(written(node), question.symbols)
        if not same(wrong, key, question.symbols).equal:  # a flip may say the same: max(x, 0) for max(0, x)
            yield wrong.text, _checked(replace(question, answer=wrong.text, forbid=[]))
    if isinstance(question, schema.Stable):
        careless = question.answer.replace("log1p(", "log(1 + ").replace("expm1(", "(-1 + exp)(")
        for text in (CANCEL.format(question.answer), careless):
            yield from _unstable(question, text)


def _unstable(question: schema.Stable, text: str) -> Damaged:
    try:
        form, key = parse(text, question.symbols), parse(question.answer, question.symbols)
    except FormulaError:
        return
    if failures(question, form, key):
        yield f"unstable: {text}", _checked(replace(question, answer=text, forbid=[]))


# -- choices


def _choices(question: schema.Single | schema.Multiple) -> Damaged:
    """One flag the other way round; for a single the key moves to another option."""
    for i, choice in enumerate(question.choices):
        single = isinstance(question, schema.Single)
        flags = [one is choice if single else one.correct != (one is choice) for one in question.choices]
        if any(flags) and flags != [one.correct for one in question.choices]:
            turned = [replace(one, correct=flag) for one, flag in zip(question.choices, flags, strict=True)]
            yield f"option {i + 1} turned round", _checked(replace(question, choices=turned))


def _truefalse(question: schema.TrueFalse) -> Damaged:
    yield "turned round", _checked(replace(question, answer=not question.answer))


# -- numbers


def _numbers(question: schema.Number) -> Damaged:
    """A number off by a hundredth and the tolerance, a node flipped, another argument, part or function."""
    answer, old = question.answer, _keys(question)
    sizes = _sizes(question)
    for what, other in [*_written_answers(question), *_called_answers(answer, sizes)]:
        wrong = replace(question, answer=other)
        if _differs(question, old, _keys(wrong)):
            yield what, _checked(wrong)
    for name, call in question.given.items():
        for what, other in _called_answers(call, sizes):
            wrong = replace(question, given={**question.given, name: other})
            if _differs(question, old, _keys(wrong)):
                yield f"{name}: {what}", _checked(wrong)


def _written_answers(question: schema.Number) -> Iterator[tuple[str, schema.Answer]]:
    """The answer's formula damaged, where it is the key."""
    answer = question.answer
    if answer.call or not answer.formula:
        return
    shift = max(question.tolerance.abs, 1e-9)
    names = draws(question)[0].env()
    off = f"1.01*({answer.formula}) + {shift:.9f}"
    for text in (off, *(written(node) for node in flipped(parse(answer.formula, names).node))):
        yield text, replace(answer, formula=text)


def _sizes(question: schema.Drawn) -> dict[str, int]:
    """How many components each vector param has, in its shortest draw."""
    return {
        name: min(len(item) for item in param.choice if isinstance(item, list))
        for name, param in question.params.items()
        if any(isinstance(item, list) for item in param.choice)
    }


def _called_answers(call: Any, sizes: dict[str, int]) -> Iterator[tuple[str, Any]]:
    """A call damaged: each number in it, two arguments exchanged, the part that is picked, the function."""
    if not call.call:
        return
    for what, args in _arguments(call.args, sizes):
        yield what, replace(call, args=args)
    for a, b in itertools.combinations(call.args, 2):
        yield f"{a} and {b} exchanged", replace(call, args={**call.args, a: call.args[b], b: call.args[a]})
    if call.index is not None:
        steps = call.index if isinstance(call.index, list) else [call.index]
        for i, step in enumerate(steps):
            for other in (step + 1, step - 1) if isinstance(step, int) and step else (1,):
                index = [*steps[:i], other, *steps[i + 1 :]]
                yield f"index {index}", replace(call, index=index)
    for other in alike(call.call):
        yield f"{other} called", replace(call, call=other)


def _arguments(value: Any, sizes: dict[str, int]) -> Iterator[tuple[str, Any]]:
    """Every way to change one number of an argument, or one formula."""
    bare = value.strip("{} ") if isinstance(value, str) else ""
    if bare in sizes:
        value = [f"{bare}{i}" for i in range(sizes[bare])]
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            for what, other in _arguments(part, sizes):
                yield f"{key}: {what}" if isinstance(value, dict) else what, _put(value, key, other)
    elif not isinstance(value, bool):
        for change in ("1.01*({}) + 0.1", "-({})", "({}) + 1"):
            text = change.format(bare or value)
            yield text, text


def _put(container: Any, key: Any, value: Any) -> Any:
    changed = container.copy()
    changed[key] = value
    return changed


def _keys(question: schema.Number) -> list[float] | None:
    """The key of every draw; None where the damage has made one that cannot be computed, or no number."""
    try:
        return [asked.number(question.answer) for asked in draws(question)]
    except (ArithmeticError, ValueError, TypeError):
        return None


def _differs(question: schema.Number, old: list[float] | None, new: list[float] | None) -> bool:
    """Whether somebody would be graded otherwise."""
    if old is None or new is None:
        return False
    return any(not within(b, a, question.tolerance) for a, b in zip(old, new, strict=True))


# -- orders and bugs


def _orders(question: schema.Order) -> Damaged:
    """The values of two steps exchanged."""
    for (a, one), (b, other) in itertools.combinations(question.steps.items(), 2):
        if isinstance(one, schema.Step) and isinstance(other, schema.Step):
            swapped = {a: replace(one, value=other.value), b: replace(other, value=one.value)}
            yield f"{a} and {b} exchanged", _checked(replace(question, steps={**question.steps, **swapped}))


def _bugs(question: schema.Bug) -> Damaged:
    """The mark on another line."""
    from dlquiz.mutant import read

    mutant = read(question.mutant, question.ref)
    for line in range(1, len(mutant.lines) + 1):
        if line != mutant.wrong:
            moved = mutant._replace(wrong=line)
            yield f"line {line} marked", lambda moved=moved: [*check_line(question, moved)]


DAMAGERS: dict[type, Callable[[Any], Damaged]] = {
    schema.Number: _numbers,
    schema.Single: _choices,
    schema.Multiple: _choices,
    schema.TrueFalse: _truefalse,
    schema.Formula: _formulas,
    schema.Stable: _formulas,
    schema.Order: _orders,
    schema.Bug: _bugs,
}
