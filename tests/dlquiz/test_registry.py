"""What a bank can say to a reference function, and which part of a result it can ask for."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NamedTuple

import pytest
import torch
from jaxtyping import Float, Integer
from torch import Generator, Tensor

from dlquiz import calling
from dlquiz.arguments import converted, wanted
from dlquiz.bank import read
from dlquiz.calling import derived, scalar
from dlquiz.params import evaluate
from dlquiz.registry import RegistryError
from dlref.regression_losses import huber

Vector = Float[Tensor, "*shape"]


class Result(NamedTuple):
    value: Vector
    state: tuple[Vector, int]


def every(
    x: Vector,
    maybe: Vector | None = None,
    which: Integer[Tensor, ""] | None = None,
    shape: Annotated[Sequence[int], "a law"] = (),
    size: int | tuple[int, ...] = 1,
    pair: tuple[float, float] = (0.0, 1.0),
    parts: Sequence[Tensor] = (),
    grads: Tensor | Sequence[Tensor] = (),
    count: int | None = None,
    rate: int | float = 0.0,
    mode: Literal["a", "b"] = "a",
    start: str | Vector = "random",
    generator: Generator | None = None,
    dtype: torch.dtype | None = None,
    rule: Callable[..., Tensor] | None = None,
    *,
    flag: bool = False,
    plain=0,
):
    pass


CASES = {
    "x": [(2, torch.tensor(2.0, dtype=torch.float64)), ([1, 2], torch.tensor([1.0, 2.0], dtype=torch.float64))],
    "maybe": [("{a} + 1", torch.tensor(4.0, dtype=torch.float64))],
    "which": [(2.0, torch.tensor(2))],
    "shape": [([3, "{a}"], (3, 3))],
    "size": [(4.0, 4), ([2, 3.0], (2, 3))],
    "pair": [([0.9, 1], (0.9, 1.0))],
    "parts": [([[1, 2], 3], (torch.tensor([1.0, 2.0], dtype=torch.float64), torch.tensor(3.0, dtype=torch.float64)))],
    "grads": [
        ([[1], [2]], torch.tensor([[1.0], [2.0]], dtype=torch.float64)),
        ([[1], [2, 3]], (torch.tensor([1.0], dtype=torch.float64), torch.tensor([2.0, 3.0], dtype=torch.float64))),
    ],
    "count": [("a", 3)],
    "rate": [(1, 1.0)],
    "mode": [("b", "b")],
    "start": [("k-means++", "k-means++"), ([[0]], torch.tensor([[0.0]], dtype=torch.float64))],
    "dtype": [("float32", torch.float32)],
    "rule": [("regression_losses.huber", huber)],
    "flag": [(True, True)],
    "plain": [(1, torch.tensor(1.0, dtype=torch.float64))],
}


@pytest.mark.parametrize("name", CASES)
def test_an_argument_becomes_what_the_annotation_wants(name):
    for said, want in CASES[name]:
        got = converted(said, wanted(every)[name], {"a": 3.0})

        assert type(got) is type(want)
        if isinstance(want, Tensor):
            assert got.dtype == want.dtype
            assert torch.equal(got, want)
        elif isinstance(want, tuple) and isinstance(want[0], Tensor):
            assert all(map(torch.equal, got, want))
        else:
            assert got == want


def test_every_kind_of_argument_is_tried():
    assert wanted(every).keys() - CASES.keys() == {"generator"}


def test_a_generator_is_said_by_its_seed():
    first, again, other = (converted(seed, wanted(every)["generator"], {}) for seed in (7, 7, 8))

    drawn = [torch.rand(3, generator=one) for one in (first, again, other)]

    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("shape", 3, "a shape such as [3, 4] is wanted, got 3"),
        ("shape", [1.5], "a whole number is wanted, got 1.5"),
        ("count", 0.5, "a whole number is wanted"),
        ("x", [[1], [2, 3]], "rows of one length, is wanted"),
        ("dtype", "float8", "one of float16, bfloat16"),
        ("rule", "os.system", "no concept module 'os'"),
        ("rule", 3, "a function as concept.function is wanted"),
        ("x", "b", "unknown name 'b'"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(name, said, told):
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the message is looked at below
        converted(said, wanted(every)[name], {"a": 1.0})

    assert told in str(refused.value)


@pytest.fixture
def known(monkeypatch):
    """A reference function that gives a named result."""

    def step(x: Vector) -> Result:
        return Result(2 * x, (x + 1, 5))

    monkeypatch.setattr(calling, "reference", lambda _: step)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("index", "want"),
    [(["value", 1], 6), ([0, 1], 6), (["state", 0, 0], 2), (["state", 1], 5), ([1, 1], 5), ([-1, -1], 5)],
)
def test_a_part_of_a_result_is_named_or_counted(index, want):
    assert scalar("some.step", {"x": [1, 3]}, {}, index) == want


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("valeu", "step gives no 'valeu'; did you mean 'value'?; it gives value, state"),
        (["value", "mean"], "its result has no named parts"),
        (["state", 7], "has no index 7"),
        ("value", "2 values; pick one with index"),
        (None, "pick one with index"),
    ],
)
def test_a_part_that_is_not_there_is_refused(index, said):
    with pytest.raises(RegistryError) as refused:
        scalar("some.step", {"x": [1, 3]}, {}, index)

    assert said in str(refused.value)


def test_a_bank_may_say_all_of_it(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text("""
format: 1
concept: mine
questions:
  - id: named-index
    kind: number
    ref: regression_losses.huber
    level: 1
    text: t
    explain: e
    answer: {call: some.step, args: {x: [1, 3]}, index: [state, 0, 1]}
""")

    (question,) = read(path)

    assert question.answer.index == ["state", 0, 1]


@pytest.mark.parametrize("name", ["huber", "huber_grad"])
def test_the_last_line_of_a_derivation_has_its_names_written_out(name):
    """The lines say e for prediction - target; a bank knows nothing of e."""
    args = {"prediction": "x", "target": "2", "delta": "1"}
    said = {"prediction": 3.0, "target": 2.0, "delta": 1.0}

    got = derived(f"regression_losses.{name}", args, {"x": 3.0})

    assert got == pytest.approx(scalar(f"regression_losses.{name}", said, {}), rel=1e-12)


def test_an_argument_is_evaluated_item_by_item():
    assert evaluate([["{a}", "a + 1"], 2], {"a": 1.0}) == [[1.0, 2.0], 2]


def test_a_text_among_the_numbers_of_a_derivation_is_refused_and_never_run(tmp_path):
    """The schema keeps text out of what is drawn; this is the second wall, for whoever calls without a bank."""
    trace = tmp_path / "trace"
    text = f"__import__('pathlib').Path({str(trace)!r}).touch()"
    args = {"prediction": "{prediction}", "target": "{target}"}
    for value in (text, [text]):
        with pytest.raises(RegistryError, match="needs a number for 'prediction'"):
            derived("regression_losses.squared_error_grad", args, {"prediction": value, "target": 1.0})

    assert not trace.exists()
