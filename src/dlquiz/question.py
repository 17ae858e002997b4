"""A question as it is asked once: numbers drawn, options shuffled, the key computed when it is wanted."""

import contextlib
from collections.abc import Iterator
from random import Random
from typing import Any

from msgspec import Struct

from dlquiz import schema
from dlquiz.failures import BankError
from dlquiz.params import Value, components, fill
from dlquiz.params import draw as draw_params

LETTERS = "abcdefghijklmnopqrstuvwxyz"
Key = str | float | int


class Option(Struct, frozen=True):
    """One choice as shown."""

    letter: str
    text: str
    correct: bool
    why: str


class Asked(Struct, frozen=True):
    """What the learner sees. `values` are the drawn params, `names` the step behind each letter of an order."""

    question: schema.Question
    seed: int
    values: dict[str, Value]
    text: str
    explain: str
    hints: list[str]
    choices: list[Option] = []
    steps: list[tuple[str, str]] = []
    names: dict[str, str] = {}

    @property
    def id(self) -> str:
        return self.question.id

    @property
    def kind(self) -> str:
        return self.question.kind

    @property
    def concept(self) -> str:
        return self.question.concept

    @property
    def ref(self) -> str:
        return self.question.ref

    @property
    def level(self) -> int:
        return self.question.level

    @property
    def code(self) -> str:
        """The function to search, for a bug; empty otherwise."""
        return "\n".join(self.mutant().lines) if isinstance(self.question, schema.Bug) else ""

    @property
    def stub(self) -> str:
        """What the learner starts from, for a function to write; empty otherwise."""
        if not isinstance(self.question, schema.Code):
            return ""
        from dlquiz.code.stub import stub

        return stub(self.question)

    @property
    def draft(self) -> str:
        """The stub with the question in it, for an editor."""
        if not isinstance(self.question, schema.Code):
            return ""
        from dlquiz.code.stub import draft

        return draft(self.question)

    def mutant(self) -> Any:
        """The wrong function of a bug, with its line and why."""
        from dlquiz import mutant

        assert isinstance(self.question, schema.Bug)  # noqa: S101  # for the type checker: callers know the kind
        return mutant.read(self.question.mutant, self.question.ref)

    def env(self, symbols: "dict[str, float] | None" = None) -> dict[str, Value]:
        """What the names in this question's formulas mean: params, symbols, and values of reference functions."""
        from dlquiz.calling import scalar

        env = components({**self.values, **(symbols or {})})
        if not isinstance(self.question, schema.Drawn):
            return env
        given = {name: scalar(c.call, c.args, env, c.index) for name, c in self.question.given.items()}
        return {**env, **given}

    def number(self, answer: schema.Answer) -> float:
        """The value of a number's key or of one of its mistakes."""
        from dlquiz.calling import scalar
        from dlquiz.params import number

        if answer.value is not None:
            return float(answer.value)
        if answer.call:
            return scalar(answer.call, answer.args, components(self.values), answer.index)
        return number(answer.formula, self.env())

    def key(self) -> Key:
        """The right answer, as it could be typed; for a function to write, the reference's source."""
        with self.bank_faults():
            return self._key()

    @contextlib.contextmanager
    def bank_faults(self) -> Iterator[None]:
        """A key that cannot be computed is the bank's fault, and said so."""
        try:
            yield
        except (ArithmeticError, ValueError) as error:
            if isinstance(error, BankError):
                raise
            raise BankError(f"{self.id}: {error}; dlquiz check says more") from error

    def _key(self) -> Key:
        question = self.question
        if isinstance(question, schema.Choices):
            return "".join(option.letter for option in self.choices if option.correct)
        if isinstance(question, schema.TrueFalse):
            return "true" if question.answer else "false"
        if isinstance(question, schema.Number):
            return self.number(question.answer)
        if isinstance(question, schema.Order):
            letters = {name: letter for letter, name in self.names.items()}
            return "".join(letters[name] for name in self.sequence())
        if isinstance(question, schema.Bug):
            return self.mutant().wrong
        if isinstance(question, schema.Code):
            from dlquiz.code.stub import source

            return source(question.ref)
        return question.answer

    def sequence(self) -> list[str]:
        """One right order of the steps, by their names in the bank."""
        from graphlib import TopologicalSorter

        question = self.question
        assert isinstance(question, schema.Order)  # noqa: S101  # for the type checker: callers know the kind
        values = self.step_values()
        if values:
            return sorted(values, key=values.__getitem__)
        before = {name: question.after.get(name, []) for name in question.steps}
        return list(TopologicalSorter(before).static_order())

    def step_values(self) -> dict[str, float]:
        """The value of each step of a computed order; empty for one that a source settles."""
        from dlquiz.params import number

        steps = self.question.steps if isinstance(self.question, schema.Order) else {}
        valued = {name: step for name, step in steps.items() if isinstance(step, schema.Step)}
        env = self.env() if valued else {}
        return {name: number(step.value, env) for name, step in valued.items()}


def draw(question: schema.Question, seed: int) -> Asked:
    """Ask `question` once; the same seed gives the same numbers in the same order."""
    random = Random(f"{question.id}:{seed}")  # noqa: S311  # a shuffle, no secret
    values = draw_params(question.params, random) if isinstance(question, schema.Drawn) else {}
    choices: list[Option] = []
    names: dict[str, str] = {}
    if isinstance(question, schema.Choices):
        shuffled = random.sample(question.choices, len(question.choices))
        choices = [
            Option(letter, fill(choice.text, values), choice.correct, fill(choice.why, values))
            for letter, choice in zip(LETTERS, shuffled, strict=False)
        ]
    if isinstance(question, schema.Order):
        names = dict(zip(LETTERS, random.sample(list(question.steps), len(question.steps)), strict=False))
    return Asked(
        question=question,
        seed=seed,
        values=values,
        text=fill(question.text, values),
        explain=fill(question.explain, values),
        hints=[fill(hint, values) for hint in question.hints],
        choices=choices,
        steps=[(letter, fill(_text(question, name), values)) for letter, name in names.items()],
        names=names,
    )


def _text(question: schema.Question, name: str) -> str:
    step = question.steps[name] if isinstance(question, schema.Order) else ""
    return step.text if isinstance(step, schema.Step) else step


def fingerprint(question: schema.Question) -> str:
    """A hash of what decides between right and wrong. Rewording keeps it; a changed key changes it."""
    import hashlib

    import msgspec

    fields = msgspec.to_builtins(question)
    kept = {name: fields.get(name) for name in ("kind", "answer", "params", "given", "symbols", "after", "mutant")}
    if isinstance(question, schema.Choices):
        kept["choices"] = [choice.correct for choice in question.choices]
    if isinstance(question, schema.Order):
        kept["steps"] = [step.value if isinstance(step, schema.Step) else name for name, step in question.steps.items()]
    if isinstance(question, schema.Code):
        kept["ref"] = question.ref
    return hashlib.sha256(msgspec.json.encode(kept, order="deterministic")).hexdigest()[:16]
