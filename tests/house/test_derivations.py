"""Every derivation holds at its declared level, and its last line is what the code computes."""

import functools
import inspect
from collections.abc import Callable

import mpmath
import pytest
import sympy as sp
import torch
from torch import Tensor
from torch.nn import functional

from dlref.derivations import Derivation, load, names
from dlref.derivations._numeric import DIGITS, Point, value
from laws import functions

NAMES = names()
SAMPLED = 8  # points of each derivation that are put to the code: the checker has looked at all of them


@functools.cache
def checked(name: str) -> Derivation:
    return load(name).check()


JOINED = [name for name in NAMES if load(name).function]


def named_by(name: str) -> str:
    """The concept.name of the function that a derivation describes."""
    return f"{name.partition('.')[0]}.{load(name).function}"


@pytest.mark.parametrize("name", NAMES)
def test_a_derivation_reaches_exactly_the_level_it_declares(name: str) -> None:
    """A level that rises must be declared too: else it could fall again unseen."""
    derivation = checked(name)

    assert derivation.level.startswith(derivation.expect)
    assert derivation.level.removeprefix(derivation.expect) in ("", ", on open cells")


@pytest.mark.parametrize("name", NAMES)
def test_a_derivation_says_what_it_derives(name: str) -> None:
    derivation = checked(name)

    assert derivation.title
    assert not derivation.title.endswith(".")
    assert all(step.reason for step in derivation.steps[1:]), "every line but the first gives its reason"


def test_every_public_function_is_derived() -> None:
    derived = set(map(named_by, JOINED))

    assert sorted(functions().keys() - derived) == []
    assert sorted(derived - functions().keys()) == [], "derived, but no such function"


def arguments(function: Callable[..., Tensor], at: Point) -> dict[str, Tensor | float]:
    """The point as the function's arguments: a symbol is the argument of its name, and places count from 0."""
    given = {str(symbol): number for symbol, number in at.items()}
    taken = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in given:
            assert parameter.default is not parameter.empty, f"no symbol is called {name}"
        elif parameter.kind is parameter.KEYWORD_ONLY:
            taken[name] = float(given[name])
        elif name == "index":
            taken[name] = torch.tensor(int(given[name]) - 1)
        else:
            taken[name] = torch.tensor(numbers(given[name]), dtype=torch.float64)
    return taken


def numbers(given: object) -> float | list:
    return [numbers(number) for number in given] if isinstance(given, list) else float(given)


def component(result: Tensor, derivation: Derivation, at: Point) -> float:
    """The entry of a result that the last line describes: the one at the place it leaves open."""
    places = [s for s in derivation.lines[-1].free_symbols if isinstance(s, sp.Symbol) and str(s) == "k"]
    return float(result[int(at[places[0]]) - 1] if places else result)


def samples(name: str) -> list[Point]:
    points = checked(name).points
    return points[:: max(1, len(points) // SAMPLED)]


@pytest.mark.parametrize("name", JOINED)
def test_the_last_line_is_what_the_function_computes(name: str) -> None:
    derivation, function = checked(name), functions()[named_by(name)]
    for at in samples(name):
        with mpmath.workdps(DIGITS):
            derived = float(value(derivation.lines[-1], at))

        computed = component(function(**arguments(function, at)), derivation, at)

        assert computed == pytest.approx(derived, rel=1e-11, abs=1e-12), at


@pytest.mark.parametrize("name", [name for name in JOINED if load(name).function.endswith("_grad")])
def test_the_last_line_is_the_slope_that_autograd_finds(name: str) -> None:
    derivation = checked(name)
    loss = functions()[named_by(name).removesuffix("_grad")]
    for at in samples(name):
        with mpmath.workdps(DIGITS):
            derived = float(value(derivation.lines[-1], at))
        given = arguments(loss, at)
        first = next(iter(given.values())).requires_grad_()

        (slope,) = torch.autograd.grad(loss(**given), first)

        assert component(slope, derivation, at) == pytest.approx(derived, rel=1e-11, abs=1e-12), at


def _categorical_hinge(scores: Tensor, target: Tensor) -> Tensor:
    return (1 + ((1 - target) * scores).amax(-1) - (target * scores).sum(-1)).clamp(min=0)


def _hinge(score: Tensor, sign: Tensor) -> Tensor:
    return functional.hinge_embedding_loss(sign * score, torch.tensor(-1.0), margin=1.0)


def _multiclass_hinge(scores: Tensor, index: Tensor, margin: float) -> Tensor:
    return functional.multi_margin_loss(scores, index, margin=margin) * scores.shape[-1]


def _percentage(prediction: Tensor, target: Tensor) -> Tensor:
    return functional.l1_loss(prediction, target) / target.abs()


NUMBERS = dict[str, float | list[float]]
KINKS: list[tuple[str, Callable[..., Tensor], NUMBERS]] = [
    ("regression_losses.absolute_error_grad", functional.l1_loss, {"prediction": 2, "target": 2}),
    ("regression_losses.absolute_percentage_error_grad", _percentage, {"prediction": 2, "target": 2}),
    ("regression_losses.huber_grad", functional.huber_loss, {"prediction": 3, "target": 1, "delta": 2}),
    ("regression_losses.huber_grad", functional.huber_loss, {"prediction": -1, "target": 1, "delta": 2}),
    ("regression_losses.huber_grad", functional.huber_loss, {"prediction": 1, "target": 1, "delta": 2}),
    ("regression_losses.smooth_l1_grad", functional.smooth_l1_loss, {"prediction": 3, "target": 1, "beta": 2}),
    ("regression_losses.smooth_l1_grad", functional.smooth_l1_loss, {"prediction": -1, "target": 1, "beta": 2}),
    ("regression_losses.smooth_l1_grad", functional.smooth_l1_loss, {"prediction": 1, "target": 1, "beta": 2}),
    ("classification_losses.hinge_grad", _hinge, {"score": 1, "sign": 1}),
    ("classification_losses.hinge_grad", _hinge, {"score": -1, "sign": -1}),
    ("classification_losses.squared_hinge_grad", lambda s, sign: _hinge(s, sign) ** 2, {"score": 1, "sign": 1}),
    ("classification_losses.multiclass_hinge_grad", _multiclass_hinge, {"scores": [2, 1], "index": 0, "margin": 1}),
    ("classification_losses.multiclass_hinge_grad", _multiclass_hinge, {"scores": [0, 1, 3], "index": 1, "margin": 1}),
    ("classification_losses.categorical_hinge_grad", _categorical_hinge, {"scores": [1, 0, -2], "target": [1, 0, 0]}),
    ("classification_losses.categorical_hinge_grad", _categorical_hinge, {"scores": [0, 2, 2], "target": [1, 0, 0]}),
]


@pytest.mark.parametrize(("name", "theirs", "given"), KINKS)
def test_at_a_kink_the_slope_is_the_one_torch_chooses(name: str, theirs: Callable[..., Tensor], given: NUMBERS) -> None:
    ours = functions()[name]
    parameters = inspect.signature(ours).parameters
    point = {
        key: torch.tensor(number, dtype=torch.int64 if key == "index" else torch.float64)
        if parameters[key].kind is not inspect.Parameter.KEYWORD_ONLY
        else float(number)
        for key, number in given.items()
    }
    first, *rest = point.values()
    first.requires_grad_()
    options = {key: point[key] for key in point if isinstance(point[key], float)}

    (slope,) = torch.autograd.grad(theirs(*(v for v in point.values() if isinstance(v, Tensor)), **options), first)

    assert ours(**{**point, next(iter(point)): first.detach()}).tolist() == slope.tolist()
    assert rest


def test_every_gradient_with_kinks_stands_in_the_table() -> None:
    kinked = {name for name in JOINED if load(name).kinks and load(name).function.endswith("_grad")}

    assert kinked == {name for name, _, _ in KINKS}
