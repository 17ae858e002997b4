"""What came back from the learner's function beside what the reference gives."""

import importlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlquiz.code.cases import Argument, Case, arguments
from dlquiz.code.run import Ran
from dlquiz.params import show
from dlquiz.registry import RegistryError
from dlquiz.schema import Code


@dataclass(frozen=True)
class Array:
    """A result: its values row by row, and its shape."""

    shape: tuple[int, ...]
    values: list[float]


def computed(function: Callable[..., Any], cases: Sequence[Case], dtype: str, *, to: str = "") -> list[Array]:
    """What a function of this package gives for each case, its floating arguments of this dtype; rounded to `to`."""
    torch = importlib.import_module("torch")
    results = []
    for case in cases:
        try:
            result = function(**{name: _tensor(torch, value, dtype) for name, value in case.items()})
            result = result.to(getattr(torch, to or dtype))
        except (ValueError, TypeError, IndexError, RuntimeError, AttributeError) as error:
            line = (str(error).splitlines() or [type(error).__name__])[0]
            raise RegistryError(f"{function.__name__} refuses a case, {described(case)}: {line}") from None
        results.append(Array(tuple(result.shape), [float(value) for value in result.reshape(-1).tolist()]))
    return results


def expected(question: Code, function: Callable[..., Any], cases: Sequence[Case]) -> list[Array]:
    """The right result of each case: the reference in float64, rounded to the question's dtype."""
    return computed(function, cases, "float64", to=question.dtype)


def _tensor(torch: Any, value: Any, dtype: str) -> Any:
    if not isinstance(value, dict):
        return value
    kind = getattr(torch, "int64" if value["dtype"] == "int64" else dtype)
    return torch.tensor(value["values"], dtype=kind).reshape(value["shape"])


def failure(question: Code, cases: Sequence[Case], want: Sequence[Array], ran: Ran) -> str:
    """The first thing that is wrong, with the case it is wrong at; empty for a right function."""
    for case, right, outcome in zip(cases, want, ran.outcomes, strict=False):
        if fault := _wrong_kind(question, right, outcome):
            return f"{fault} That is at {described(case)}."
        wrong = [
            i for i, pair in enumerate(zip(outcome["values"], right.values, strict=True)) if not _near(question, *pair)
        ]
        if wrong:
            return _difference(question, case, right, outcome["values"], wrong[0])
    if ran.error:
        line = f" (line {ran.line} of your code)" if ran.line else ""
        where = f" That is at {described(cases[len(ran.outcomes)])}." if ran.called else ""
        return f"It did not get to the end: {ran.error}{line}.{where}"
    return _changed(ran) if len(ran.outcomes) == len(cases) else "Not every case came back."


def _wrong_kind(question: Code, right: Array, outcome: Mapping[str, Any]) -> str:
    """What is wrong with a result before one looks at its values."""
    wanted = {"numpy": "a numpy array", "torch": "a torch tensor"}[question.arrays]
    if outcome["type"] != "array":
        forgot = "; is there a return?" if outcome["type"] == "NoneType" else ""
        return f"It returns {outcome['type']}, not {wanted}{forgot}."
    if outcome["dtype"] != question.dtype:
        return f"It returns {outcome['dtype']} for arguments of {question.dtype}; it should be {question.dtype}."
    if tuple(outcome["shape"]) != right.shape:
        return f"It returns the shape {tuple(outcome['shape'])}; it should be {right.shape}."
    return ""


def _near(question: Code, got: float, want: float) -> bool:
    if math.isnan(want) or math.isinf(want) or not math.isfinite(got):
        return got == want or (math.isnan(got) and math.isnan(want))
    return abs(got - want) <= max(question.tolerance.abs, question.tolerance.rel * abs(want))


def _changed(ran: Ran) -> str:
    changed = sorted({name for outcome in ran.outcomes for name in outcome["changed"]})
    if not changed:
        return ""
    names = " and ".join(f"`{name}`" for name in changed)
    return f"The values are right, but it changes {names} in place: the caller still needs the data. Work on a copy."


def behaves_as(question: Code, gives: Sequence[Array], outcomes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a function gave what another gives, in every case."""
    return len(gives) == len(outcomes) and all(
        "values" in outcome
        and tuple(outcome["shape"]) == one.shape
        and all(_near(question, *pair) for pair in zip(outcome["values"], one.values, strict=True))
        for one, outcome in zip(gives, outcomes, strict=True)
    )


def as_outcomes(question: Code, results: Sequence[Array]) -> list[dict[str, Any]]:
    """Results of this package as if a learner's function had given them."""
    facts = {"type": "array", "dtype": question.dtype, "changed": []}
    return [{**facts, "shape": list(one.shape), "values": one.values} for one in results]


# -- in words


def described(case: Case) -> str:
    """A case in a line: small arrays as they are, of large ones the shape."""
    return ", ".join(f"{name} = {_brief(value)}" for name, value in case.items())


def _brief(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value) if isinstance(value, str | bool) or value is None else show(value)
    if len(value["values"]) <= 3:
        return show(nested(value["values"], value["shape"]))
    return f"an array of shape {tuple(value['shape'])}"


def nested(values: Sequence[float], shape: Sequence[int]) -> Any:
    """Values row by row as lists in lists; a number for the shape ()."""
    if not shape:
        return values[0]
    step = len(values) // max(shape[0], 1)
    return [nested(values[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def _difference(question: Code, case: Case, right: Array, got: Sequence[float], position: int) -> str:
    """One example at which the values differ: its arguments, the learner's value and ours."""
    taken = arguments(question.ref)
    batch = _batch(taken, case)
    index = _index(position, right.shape)[: len(batch)]
    at = {a.name: _pick(a, case[a.name], batch, index) for a in taken}
    yours, ours = (_row(values, right.shape, index) for values in (got, right.values))
    digits = 6 if show(yours, 6) != show(ours, 6) else 12
    shown = ((name, show(value) if isinstance(value, int | float | list) else value) for name, value in at.items())
    where = ", ".join(f"{name} = {value}" for name, value in shown)
    return f"At {where} yours gives {show(yours, digits)}; it is {show(ours, digits)}."


def _batch(taken: Sequence[Argument], case: Case) -> tuple[int, ...]:
    """The axes that count examples: what is left of the largest array without its own axes."""
    shapes = [case[a.name]["shape"][: len(case[a.name]["shape"]) - a.own_axes] for a in taken if a.axes is not None]
    return tuple(max(shapes, key=len, default=()))


def _index(position: int, shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(reversed([*_digits(position, shape)]))


def _digits(position: int, shape: Sequence[int]) -> Iterator[int]:
    for size in reversed(shape):
        position, digit = divmod(position, size)
        yield digit


def _pick(argument: Argument, value: Any, batch: tuple[int, ...], index: tuple[int, ...]) -> Any:
    """One example's part of an argument; all of one that has no axis of the batch."""
    if argument.axes is None:
        return value
    whole = tuple(value["shape"][: len(value["shape"]) - argument.own_axes]) != batch
    return _row(value["values"], value["shape"], () if whole else index)


def _row(values: Sequence[float], shape: Sequence[int], index: Sequence[int]) -> Any:
    part: Any = nested(values, shape)
    for i in index:
        part = part[i]
    return part
