"""Questions as data, for `--json`."""

from typing import Any

from dlquiz.question import Asked
from dlquiz.schema import Question
from dlquiz.verified import verified


def row(question: Question) -> dict[str, Any]:
    """What a question is, and how its key is verified."""
    known = verified(question)
    facts = {"id": question.id, "concept": question.concept, "kind": question.kind, "level": question.level}
    return {**facts, "ref": question.ref, "verified": "computed" if known.computed else "source", "by": list(known.by)}


def shown(asked: Asked) -> dict[str, Any]:
    """What a learner sees of a question; never its key."""
    choices = [{"letter": option.letter, "text": option.text} for option in asked.choices]
    steps = [{"letter": letter, "text": text} for letter, text in asked.steps]
    parts = {"choices": choices, "steps": steps, "code": asked.code, "stub": asked.stub, "hints": asked.hints}
    facts = {"id": asked.id, "concept": asked.concept, "kind": asked.kind, "seed": asked.seed, "text": asked.text}
    return {**facts, **{name: part for name, part in parts.items() if part}}
