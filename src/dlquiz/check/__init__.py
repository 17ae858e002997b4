"""`dlquiz check`: every key recomputed, every wrong option proved wrong where a claim allows it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from dlquiz import schema
from dlquiz.bank import Bank
from dlquiz.check.claims import check_choices, check_truefalse
from dlquiz.check.code import check_code
from dlquiz.check.findings import Finding
from dlquiz.check.formulas import check_formula
from dlquiz.check.giveaways import giveaways
from dlquiz.check.values import check_bug, check_number, check_order
from dlquiz.failures import BankError
from dlquiz.formula import FormulaError, UndefinedError
from dlquiz.parts import PLACEHOLDER
from dlquiz.registry import RegistryError, reference
from dlquiz.tree import Trail
from dlquiz.verified import verified

__all__ = ["Finding", "Report", "check_all", "check_bank", "check_question"]

CHECKS: dict[type, Callable[[Any], Iterator[Finding]]] = {
    schema.Number: check_number,
    schema.Single: check_choices,
    schema.Multiple: check_choices,
    schema.TrueFalse: check_truefalse,
    schema.Formula: check_formula,
    schema.Stable: check_formula,
    schema.Order: check_order,
    schema.Bug: check_bug,
    schema.Code: check_code,
}


class Report(NamedTuple):
    """What was found in some banks; `broken` is whether one of them cannot even be read as it stands."""

    questions: int
    computed: int
    faults: list[str]
    broken: bool

    def facts(self) -> dict[str, Any]:
        """The same for `--json`."""
        return {"questions": self.questions, "computed": self.computed, "faults": self.faults}

    def __str__(self) -> str:
        share = f"{self.computed / max(self.questions, 1):.0%}"
        told = self.questions - self.computed
        known = f"{self.computed} keys computed ({share}), {told} by a source"
        return f"{self.questions} questions, {known}, {len(self.faults)} errors"


def check_all(banks: Sequence[Bank]) -> Report:
    """Check banks one by one, and that no two of them share an id."""
    questions = [question for bank in banks for question in bank.questions]
    faults = [*_repeated(banks), *(fault for bank in banks for fault in check_bank(bank))]
    computed = sum(verified(question).computed for question in questions)
    return Report(len(questions), computed, faults, broken=any(bank.errors for bank in banks))


def _repeated(banks: Sequence[Bank]) -> Iterator[str]:
    homes: dict[str, Bank] = {}
    for bank in banks:
        for question, spot in zip(bank.questions, bank.spots, strict=True):
            first = homes.setdefault(question.id, bank)
            if first is not bank:
                yield bank.fault(question, spot, f"this id is used in {first.path} too", ("id",))


def check_bank(bank: Bank) -> list[str]:
    """One line for each fault of a bank, with its place."""
    faults = list(bank.errors)
    for question, spot in zip(bank.questions, bank.spots, strict=True):
        faults += [bank.fault(question, spot, *finding) for finding in check_question(question)]
    return faults + [f"{bank.path}:1:1: {message}" for message in giveaways(bank.questions)]


def check_question(question: schema.Question) -> list[Finding]:
    """Everything wrong with one question."""
    findings = [*_common(question)]
    try:
        for finding in CHECKS[type(question)](question):
            findings.append(finding)  # noqa: PERF402  # what was found before an error is kept
    except (FormulaError, UndefinedError, BankError) as error:
        findings.append(Finding(str(error)))
    return findings


def _common(question: schema.Question) -> Iterator[Finding]:
    try:
        reference(question.ref)
    except RegistryError as error:
        yield Finding(str(error), ("ref",))
    if not verified(question).computed and not question.source:
        yield Finding("the key is not computed, so it needs a source")
    params = question.params if isinstance(question, schema.Drawn) else {}
    for text, path in _texts(question):
        if unknown := set(PLACEHOLDER.findall(text)) - set(params):
            yield Finding(f"the text names {{{min(unknown)}}}, which is not in params", path)


def _texts(question: Any) -> Iterator[tuple[str, Trail]]:
    """Every text of a question that a learner may read, and its path."""
    yield question.text, ("text",)
    yield question.explain, ("explain",)
    yield from ((hint, ("hints", i)) for i, hint in enumerate(question.hints))
    for i, choice in enumerate(getattr(question, "choices", [])):
        yield choice.text, ("choices", i, "text")
        yield choice.why, ("choices", i, "why")
    yield from ((mistake.say, ("mistakes", i, "say")) for i, mistake in enumerate(getattr(question, "mistakes", [])))
