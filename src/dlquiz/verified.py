"""How a question's key is known to be right: recomputed by what, or said by whom."""

import re

from msgspec import Struct

from dlquiz import schema


class Verified(Struct, frozen=True):
    """`computed` is whether `dlquiz check` recomputes the key; `by` names the functions or the source."""

    computed: bool
    by: tuple[str, ...]

    def __str__(self) -> str:
        return ("computed: " if self.computed else "source: ") + ", ".join(self.by)


def verified(question: schema.Question) -> Verified:
    """How this key is verified."""
    by = tuple(dict.fromkeys(_routes(question)))
    return Verified(computed=True, by=by) if by else Verified(computed=False, by=(question.source or "nobody",))


def _routes(question: schema.Question) -> list[str]:
    """The routes to the key that do not rest on a person's word; none if there is no such route."""
    if isinstance(question, schema.Number):
        answer = question.answer
        return [answer.call] if answer.call else _given(question, answer.formula)
    if isinstance(question, schema.Choices):
        claims = [choice.holds for choice in question.choices]
        return (_given(question, *claims) or ["claims"]) if all(claims) else []
    if isinstance(question, schema.TrueFalse):
        return (_given(question, question.holds) or ["claim"]) if question.holds else []
    if isinstance(question, schema.Formula):
        return [route.call or route.derivation or f"derivative of {route.derivative_of}" for route in question.verify]
    if isinstance(question, schema.Order):
        values = [step.value for step in question.steps.values() if isinstance(step, schema.Step)]
        return _given(question, *values)
    return [f"mutant {question.mutant}"] if isinstance(question, schema.Bug) else [question.ref]


def _given(question: schema.Drawn, *texts: str) -> list[str]:
    """The functions whose values the texts use."""
    words = {word for text in texts for word in re.findall(r"[A-Za-z]\w*", text)}
    return [call.call for name, call in question.given.items() if name in words]
