"""The parts that questions are made of, as the bank's file has them."""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

ID, CONCEPT, NAME, DOTTED = (
    r"^[a-z][a-z0-9-]{2,59}$",
    r"^[a-z][a-z0-9_]{1,59}$",
    r"^[A-Za-z][A-Za-z0-9_]{0,30}$",
    r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$",
)
IN_WORDS = {
    ID: "an id is 3 to 60 lower-case letters, digits and hyphens",
    CONCEPT: "a concept is a lower-case name, such as regression_losses",
    NAME: "a name is letters, digits and underscores",
    DOTTED: "a function is named concept.function, such as regression_losses.huber",
}
Id = Annotated[str, Meta(pattern=ID)]
Concept = Annotated[str, Meta(pattern=CONCEPT)]
Name = Annotated[str, Meta(pattern=NAME)]
Dotted = Annotated[str, Meta(pattern=DOTTED)]
Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Algebra = Annotated[str, Meta(min_length=1, max_length=400)]
Real = int | float
Argument = bool | Real | str | list
Index = int | str | list[int | str]  # by position or, where the result has named parts, by name
Domain = Literal["real", "positive", "unit"] | tuple[float, float]

PLACEHOLDER = re.compile(r"\{([A-Za-z]\w*)\}")


class Part(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A mapping inside a question; a field that is not listed is an error."""


def one_of(part: Part, *names: str) -> None:
    """Exactly one of these fields is given."""
    given = [name for name in names if getattr(part, name) not in (None, "", [])]
    if len(given) != 1:
        raise ValueError(f"give exactly one of {', '.join(names)}; got {', '.join(given) or 'none'}")


class Param(Part):
    """Where a number is drawn from: a choice, a range of whole numbers, or an interval."""

    choice: list[Real | list[Real]] = []
    range: tuple[int, int] | None = None
    uniform: tuple[float, float] | None = None
    digits: Annotated[int, Meta(ge=0, le=9)] = 2

    def __post_init__(self) -> None:
        one_of(self, "choice", "range", "uniform")
        for low, high in filter(None, (self.range, self.uniform)):
            if low >= high:
                raise ValueError(f"the lower end {low} is not below the upper end {high}")


class Call(Part):
    """A reference function and its arguments; `index` picks one part of a result."""

    call: Dotted
    args: dict[Name, Argument]
    index: Index | None = None


class Answer(Part):
    """A value: by a reference function, by a formula, by both (which must then agree), or as it stands.

    `also` is a second route beside a formula: another one, in the params alone.
    """

    call: Dotted | Literal[""] = ""
    args: dict[Name, Argument] = {}
    index: Index | None = None
    formula: str = ""
    also: str = ""
    value: Real | None = None

    def __post_init__(self) -> None:
        one_of(self, "call" if self.call else "formula", "value")


class NumberMistake(Answer, kw_only=True):
    """A wrong number that people reach, and what to say to it."""

    say: Text

    def __post_init__(self) -> None:
        one_of(self, "call", "formula", "value")


class Tolerance(Part):
    """How far from the key a number may be: the larger of the two counts."""

    abs: Annotated[float, Meta(ge=0)] = 0.0
    rel: Annotated[float, Meta(ge=0, le=0.2)] = 0.0


class Choice(Part):
    """An option, whether it is right, and the feedback to it; `holds` is the claim that a machine can check."""

    text: Text
    correct: bool
    why: Text
    holds: str = ""


class FormulaMistake(Part):
    """A wrong formula that people write, and what to say to it."""

    formula: Algebra
    say: Text


class CodeMistake(Part):
    """A wrong function that people write, kept in `dlref._mutants`, and what to say to it."""

    mutant: Dotted
    say: Text


class Verify(Part):
    """One route to a formula's key: a function, a derivation, or the derivative of another formula."""

    call: Dotted | Literal[""] = ""
    derivation: Dotted | Literal[""] = ""
    args: dict[Name, Argument] = {}
    index: Index | None = None
    derivative_of: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        one_of(self, "call", "derivation", "derivative_of")
        if bool(self.derivative_of) != bool(self.by):
            raise ValueError("derivative_of and by go together")


class Survives(Part):
    """Where the typed form itself is run in floating point."""

    dtype: Literal["float32", "float64"]
    at: Annotated[list[dict[Name, Real]], Meta(min_length=1)]
    rel: float = 1e-3


class Step(Part):
    """A step of an order question, with the value that sorts it; `also` is a second route, in the params alone."""

    text: Text
    value: str
    also: str = ""
