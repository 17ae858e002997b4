"""The shape of a quiz bank.

A bank is one YAML file per concept. It holds text, numbers, formulas and names of reference functions; never code.
``dlquiz check FILE`` says what is wrong with it, by line and column::

    format: 1
    concept: regression_losses            # the stem of the page, the module and this file
    questions:
      - id: huber-outlier-pull            # lower case, never reused, unique over all banks; progress hangs on it
        kind: single                      # single multiple truefalse number formula stable order bug code
        ref: regression_losses.huber_grad # the public function to read about
        level: 1                          # 1 recall, 2 apply, 3 derive or combine
        text: "..."                       # plain text, `code` in backticks, {name} filled from params
        explain: "..."                    # shown after every answer: why the right answer is right
        hints: ["...", "..."]             # optional, shown one at a time
        source: "..."                     # required where the key is not computed: who says so, and where
        tags: [huber]                     # optional
        retired: true                     # optional: no longer asked, id kept
        was: [oldest-id, old-id]          # optional: ids this question had before; its progress is kept

Numbers drawn afresh each time (`params`, any kind but formula, stable, bug and code)::

        params:
          error: {choice: [-3.0, 0.5, 4.0]}       # one of these; an item may be a list of numbers, a vector
          n: {range: [1, 9]}                      # a whole number, both ends included
          p: {uniform: [0.1, 0.9], digits: 2}     # rounded to `digits` decimals

Values of reference functions (`given`; number, single, multiple, truefalse, order)::

        given:
          a: {call: regression_losses.huber, args: {prediction: "{error}", target: 0, delta: 1}}
          b: {call: classification_losses.sparse_cross_entropy_grad, args: {logits: [1, 2, 3], index: 0}, index: 2}

An argument is a number, a list (a tensor; lists may nest), or a text: a formula in the names at hand. "{error}" and
"error" mean the same. Tensors are float64, or integer where the function says so. What else a function takes, its
annotations say: a shape is a list of whole numbers, several tensors a list of lists, a `generator` its seed, a dtype
its name ("float32"), another function its own (initialization.he_normal); an argument left out keeps its default.
`index` picks one part of a result, by position or by the name of a named result's part: 2, [1, 0], [centroids, 0, 1].
The names at hand are the params, the symbols, and for a vector param `z` its components `z0`, `z1`, ...; in `holds`,
in an `answer` formula and in a `value` also the `given` ones.

**number** ::

        answer: {call: regression_losses.huber, args: {prediction: "{error}", target: 0.0, delta: "{delta}"}}
        #  and, if you like, formula: "delta*(abs(error) - delta/2)": a second route, which must then agree
        #  or   {formula: "a / b", also: "..."}  over params and given; computed if it uses a `given`;
        #       `also` is a second route, over the params alone; `dlquiz check --damage` shows which keys lack one
        #  or   {value: 0.9}        needs `source`
        tolerance: {abs: 0.001}     # abs and rel, the larger counts; default {rel: 0.005}: three correct figures
        unit: "nats"                # optional, shown after the prompt
        mistakes:                   # one of formula, call or value each; matched only after a wrong answer
          - {formula: "error^2 / 2", say: "That branch holds only while |error| <= delta."}

**single**, **multiple** ::

        choices:                    # shuffled when asked; write no "all of the above"
          - {text: "...", correct: true, why: "...", holds: "a > 10*b"}
          - {text: "...", correct: false, why: "the mistake, by name", holds: "a < b"}

  `holds` is the option as a claim: formulas joined by < <= > >= == != and or not. `dlquiz check` evaluates it for 50
  draws of the params and, where `symbols` are declared, at many points of each: it must be true everywhere for a
  correct option; for a wrong one, false somewhere in every draw (without symbols: false in every draw). Two values
  within 1e-9 of each other (relative; 1e-12 absolute) count as equal. A key is computed if every option has `holds`.

        symbols: {x: real, d: positive, p: unit, t: [0.5, 3]}    # "for all x, d, p, t"; usable in given and holds

**truefalse** ::

        answer: false
        why_not: "feedback to whoever chose the other one"
        holds: "a == b"             # optional; true everywhere if the answer is true, else false somewhere; computes it

**formula** ::

        symbols: {r: real, d: positive}
        answer: "max(-d, min(r, d))"
        verify:                     # at least one for a computed key; all must agree with the answer
          - {call: regression_losses.huber_grad, args: {prediction: r, target: 0, delta: d}}
          - {derivative_of: "where(abs(r) <= d, r^2/2, d*(abs(r) - d/2))", by: r}
          - {derivation: regression_losses.huber_grad, args: {prediction: r, target: "0", delta: d}}
        forbid: [abs]               # optional: functions the answer may not use
        ties: true                  # optional: the value at a zero or a tie counts too (default: any subgradient does)
        mistakes:
          - {formula: "sign(r)", say: "That is the absolute error's slope."}

**stable**: a formula that is also run in floating point as it was typed ::

        stable: {dtype: float32, at: [{x: -50}, {x: 0}, {x: 100}], rel: 0.001}

**order** ::

        steps: {a: "...", b: "...", c: "..."}       # shuffled and relabelled when asked
        after: {b: [a], c: [a]}                     # b and c each come after a; any order that keeps this is right
   or, computed: steps with values, put from the smallest to the largest
        steps: {a: {text: "squared error", value: "u", also: "e^2"}, b: {text: "absolute error", value: "v"}}

**bug** ::

        mutant: regression_losses.huber_negative_tail   # a function in src/dlref/_mutants/regression_losses.py whose
                                                        # wrong line ends with `# wrong: why` (line and why are the key)
                                                        # and has a line "# right: `what it should be`" above it
        cases:                                          # arguments at which it differs from `ref`: at least one
          - {prediction: -3.0, target: 0.0, delta: 2.0}

**code**: the learner writes the function `ref`, which is then called with drawn arguments beside it ::

        arrays: numpy               # or torch: what the arguments are, and the result must be
        dtype: float64              # or float32: of the arguments, and of the result
        tolerance: {rel: 0.000001, abs: 0.000000001}    # of each value, against `ref` in float64
        cases:                      # optional: arguments to try first, numbers and lists
          - {prediction: [-3.0, 0.5], target: [0.0, 0.0], delta: 2.0}
        draws: true                 # 24 cases more, drawn by the annotations of `ref`, the far ends among them
        forbid: [huber_loss]        # optional: names the answer may not use
        mistakes:                   # functions in src/dlref/_mutants, recognised by what they give
          - {mutant: regression_losses.huber_negative_tail, say: "A loss is never negative: the tail takes |e|."}

  What the learner starts from is made from `ref`: its name, its arguments and `text`. The bank itself holds no code.

Formulas: + - * / ^ ( ), names, pi, e, and abs sign sqrt exp log log1p expm1 log2 log10 sin cos tan sinh cosh tanh
atan erf sigmoid softplus relu max min clip, where(condition, a, b) or `a if condition else b`.
"""

from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from dlquiz.parts import (
    Algebra,
    Answer,
    Argument,
    Call,
    Choice,
    CodeMistake,
    Concept,
    Domain,
    Dotted,
    FormulaMistake,
    Id,
    Name,
    NumberMistake,
    Param,
    Part,
    Step,
    Survives,
    Text,
    Tolerance,
    Verify,
)


class Base(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, tag_field="kind"):
    """What every question has. The concept is the file's; the loader fills it in."""

    concept: Concept
    id: Id
    ref: Dotted
    level: Literal[1, 2, 3]
    text: Text
    explain: Text
    hints: list[Text] = []
    source: str = ""
    tags: list[str] = []
    retired: bool = False
    was: list[Id] = []

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)

    @property
    def first_id(self) -> str:
        """The name that progress is kept under: a new id does not forget the answers given under the old one."""
        return self.was[0] if self.was else self.id


class Drawn(Base):
    """A question with numbers drawn each time it is asked, and values computed from them."""

    params: dict[Name, Param] = {}
    given: dict[Name, Call] = {}

    def __post_init__(self) -> None:
        if twice := self.params.keys() & self.given.keys():
            raise ValueError(f"{min(twice)!r} stands in params and in given")


class Claims(Drawn):
    """A question whose options are claims; `symbols` makes them claims for all values."""

    symbols: dict[Name, Domain] = {}


class Number(Drawn, tag="number", kw_only=True):
    """A question whose answer is a number."""

    answer: Answer
    tolerance: Tolerance = field(default_factory=lambda: Tolerance(rel=0.005))
    unit: str = ""
    mistakes: list[NumberMistake] = []


class Choices(Claims, kw_only=True):
    """A question with options."""

    choices: Annotated[list[Choice], Meta(min_length=2, max_length=8)]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len({choice.text.casefold() for choice in self.choices}) < len(self.choices):
            raise ValueError("two choices read the same")


class Single(Choices, tag="single"):
    """A question with one right option."""

    def __post_init__(self) -> None:
        super().__post_init__()
        correct = sum(choice.correct for choice in self.choices)
        if correct != 1:
            raise ValueError(f"a single has exactly one correct choice, this one {correct}")


class Multiple(Choices, tag="multiple"):
    """A question with one right option or more."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if all(not choice.correct for choice in self.choices):
            raise ValueError("a multiple has at least one correct choice")


class TrueFalse(Claims, tag="truefalse", kw_only=True):
    """A claim to accept or refuse."""

    answer: bool
    why_not: Text
    holds: str = ""


class Formula(Base, tag="formula", kw_only=True):
    """A question whose answer is a formula."""

    symbols: Annotated[dict[Name, Domain], Meta(min_length=1)]
    answer: Algebra
    verify: list[Verify] = []
    forbid: list[str] = []
    ties: bool = False
    mistakes: list[FormulaMistake] = []


class Stable(Formula, tag="stable", kw_only=True):
    """A formula that must survive floating point, too."""

    stable: Survives


class Order(Drawn, tag="order", kw_only=True):
    """Steps to put in order; `after` allows more than one."""

    steps: Annotated[dict[Name, Text | Step], Meta(min_length=2, max_length=12)]
    after: dict[Name, list[Name]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        valued = sum(isinstance(step, Step) for step in self.steps.values())
        if valued not in (0, len(self.steps)) or bool(valued) == bool(self.after):
            raise ValueError("an order has either 'after' or a value on every step")
        for name in (*self.after, *(before for some in self.after.values() for before in some)):
            if name not in self.steps:
                raise ValueError(f"'after' names {name!r}, which is no step")
        try:
            TopologicalSorter(self.after).prepare()
        except CycleError:
            raise ValueError("no order satisfies 'after': it goes round in a circle") from None


class Bug(Base, tag="bug", kw_only=True):
    """A damaged reference function, and the question which of its lines is wrong."""

    mutant: Dotted
    cases: Annotated[list[dict[Name, Argument]], Meta(min_length=1)]


class Code(Base, tag="code", kw_only=True):
    """A function to write, compared with the reference on drawn cases."""

    arrays: Literal["numpy", "torch"]
    dtype: Literal["float32", "float64"]
    tolerance: Tolerance
    cases: list[dict[Name, Argument]] = []
    draws: bool = True
    forbid: list[Name] = []
    mistakes: list[CodeMistake] = []

    def __post_init__(self) -> None:
        if not (self.draws or self.cases):
            raise ValueError("without draws there must be cases")


Question = Single | Multiple | TrueFalse | Number | Formula | Stable | Order | Bug | Code
KINDS: dict[str, Any] = {
    str(kind.__struct_config__.tag): kind
    for kind in (Single, Multiple, TrueFalse, Number, Formula, Stable, Order, Bug, Code)
}


class Bank(Part):
    """One file of questions."""

    format: Literal[1]
    concept: Concept
    questions: list[Question]
