"""`dlquiz check`: every key recomputed, every wrong option proved wrong where a claim allows it."""

from collections.abc import Callable, Iterator
from typing import Any

from dlquiz import schema
from dlquiz.bank import Bank
from dlquiz.check.claims import check_choices, check_truefalse
from dlquiz.check.findings import Finding
from dlquiz.check.formulas import check_formula
from dlquiz.check.giveaways import giveaways
from dlquiz.check.values import check_bug, check_number, check_order
from dlquiz.failures import BankError
from dlquiz.formula import FormulaError, UndefinedError
from dlquiz.registry import RegistryError, reference
from dlquiz.tree import Trail
from dlquiz.verified import verified

__all__ = ["Finding", "check_bank", "check_question"]

CHECKS: dict[type, Callable[[Any], Iterator[Finding]]] = {
    schema.Number: check_number,
    schema.Single: check_choices,
    schema.Multiple: check_choices,
    schema.TrueFalse: check_truefalse,
    schema.Formula: check_formula,
    schema.Stable: check_formula,
    schema.Order: check_order,
    schema.Bug: check_bug,
}


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
        if unknown := set(schema.PLACEHOLDER.findall(text)) - set(params):
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
