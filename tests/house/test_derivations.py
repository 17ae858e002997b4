"""Every derivation holds at its declared level, and its last line is what the code computes."""

import inspect
from collections.abc import Callable

import mpmath
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from catalogue import Argument, functions, pairs, parts
from catalogue import arguments as arguments_of
from dlref.derivations import load, names
from dlref.derivations._numeric import DIGITS, Point, value
from dlref.derivations._symbols import Variable
from laws import draw_number
from verified import TOGETHER, checked, each_derivation

SAMPLED = 8  # points of each derivation that are put to the code: the checker has looked at all of them
JOINED = [name for name in names() if load(name).function]


def named_by(name: str) -> str:
    """The concept.name of the function that a derivation describes, wholly or by one of its results."""
    return f"{name.partition('.')[0]}.{load(name).function.partition('.')[0]}"


@each_derivation
def test_a_derivation_reaches_exactly_the_level_it_declares(name: str) -> None:
    """A level that rises must be declared too: else it could fall again unseen."""
    derivation = checked(name)

    assert derivation.level.startswith(derivation.expect)
    assert derivation.level.removeprefix(derivation.expect) in ("", ", on open cells")


@each_derivation
def test_no_proof_needs_simplify(name: str) -> None:
    """It has no end that can be foretold: under the limit a slow machine would find less than a fast one."""
    assert "simplify" not in checked(name).rungs


@each_derivation
def test_a_derivation_says_what_it_derives(name: str) -> None:
    derivation = checked(name)

    assert derivation.title
    assert not derivation.title.endswith(".")
    assert all(step.reason for step in derivation.steps[1:]), "every line but the first gives its reason"


def test_every_public_function_is_derived() -> None:
    derived = set(map(named_by, JOINED))
    makers = {name for name, function in functions().items() if "No gradient:" in (inspect.getdoc(function) or "")}

    assert sorted(functions().keys() - derived - makers) == [], "only what states no formula needs no derivation"
    assert sorted(derived - functions().keys()) == [], "derived, but no such function"


def arguments(name: str, function: Callable[..., Tensor], at: Point) -> dict[str, Tensor | float]:
    """The point as the function's arguments: a symbol is the argument of its name, and places count from 0."""
    given = {str(symbol): number for symbol, number in at.items()}
    axes = {str(base.label): str(base.shape[0]) for base in checked(name).space.vectors}
    taken = {}
    for each in arguments_of(function):
        if each.name == "state" and set(getattr(each.annotation, "_fields", ())) & set(given):
            taken["state"] = state(each.annotation, given)
        elif each.name not in given:
            assert each.is_number or each.default is not inspect.Parameter.empty, f"no symbol is called {each.name}"
            taken[each.name] = draw_number(each) if each.is_number else each.default
        elif each.is_number:
            taken[each.name] = float(given[each.name])
        elif each.name == "index":
            taken[each.name] = torch.tensor(int(given[each.name]) - 1)
        else:
            taken[each.name] = laid(numbers(given[each.name]), each, axes.get(each.name))
    return taken


def state(kind: type, at: dict[str, object]) -> tuple:
    """The state of an optimizer rule: a symbol is the part of its name, and steps are counted."""
    whole = {name for name, hint in inspect.get_annotations(kind).items() if hint is int}
    given = {name: numbers(at[name]) for name in kind._fields}
    return kind(**{k: int(v) if k in whole else torch.tensor(v, dtype=torch.float64) for k, v in given.items()})


def laid(numbers: float | list, argument: Argument, axis: str | None) -> Tensor:
    """The numbers as a tensor: a vector lies along the axis that its size is named after, and all others are one."""
    tensor, dims = torch.tensor(numbers, dtype=torch.float64), [dim.strip("*#") for dim in argument.dims]
    if tensor.ndim == 1 and axis in dims:
        return tensor.reshape([-1 if dim == axis else 1 for dim in dims])
    return tensor.reshape([1 for dim in argument.dims if "*" not in dim]) if tensor.ndim == 0 else tensor


def numbers(given: object) -> float | list:
    return [numbers(number) for number in given] if isinstance(given, list) else float(given)


def part(name: str, result: Tensor | tuple[Tensor, ...]) -> Tensor:
    """The result that a derivation is about: the one it names after a dot, else the first."""
    which = load(name).function.partition(".")[2]
    return getattr(result, which) if which else parts(result)[0]


def places(name: str) -> list[Variable]:
    """The places that the last line leaves open: of the value first, and last k, of the entry that moves."""
    given = inspect.signature(functions()[named_by(name)]).parameters
    free = (s for s in checked(name).lines[-1].free_symbols if isinstance(s, Variable) and str(s) not in given)
    return sorted((s for s in free if s.domain.lower == 1 and s.domain.upper.free_symbols), key=lambda s: str(s) == "k")


def component(result: Tensor, where: list[Variable], at: Point) -> Tensor:
    """The entry of a result at these places; axes that are one long do not count where there are more of them."""
    result = result.squeeze() if result.ndim > len(where) else result
    return result[tuple(int(at[place]) - 1 for place in where)]


def samples(name: str) -> list[Point]:
    points = checked(name).points
    return points[:: max(1, len(points) // SAMPLED)]


@pytest.mark.parametrize("name", [TOGETHER[name] for name in JOINED])
def test_the_last_line_is_what_the_function_computes(name: str) -> None:
    derivation, function = checked(name), functions()[named_by(name)]
    for at in samples(name):
        with mpmath.workdps(DIGITS):
            derived = float(value(derivation.lines[-1], at))

        result = part(name, function(**arguments(name, function, at)))
        computed = component(result, places(name), at)

        assert float(computed) == pytest.approx(derived, rel=1e-11, abs=1e-12), at


GRADIENTS = {f"{name}_grad" for name in pairs()}  # those of layers are compared with autograd in test_layers.py


@pytest.mark.parametrize("name", [TOGETHER[name] for name in JOINED if named_by(name) in GRADIENTS])
def test_the_last_line_is_the_slope_that_autograd_finds(name: str) -> None:
    derivation = checked(name)
    loss = functions()[named_by(name).removesuffix("_grad")]
    for at in samples(name):
        with mpmath.workdps(DIGITS):
            derived = float(value(derivation.lines[-1], at))
        given = arguments(name, loss, at)
        first = next(iter(given.values())).requires_grad_()
        moved = [place for place in places(name) if str(place) == "k"]
        result = component(loss(**given), [place for place in places(name) if place not in moved], at)

        (slope,) = torch.autograd.grad(result, first)

        assert float(component(slope, moved, at)) == pytest.approx(derived, rel=1e-11, abs=1e-12), at


def _categorical_hinge(scores: Tensor, target: Tensor) -> Tensor:
    return (1 + ((1 - target) * scores).amax(-1) - (target * scores).sum(-1)).clamp(min=0)


def _hinge(score: Tensor, sign: Tensor) -> Tensor:
    return functional.hinge_embedding_loss(sign * score, torch.tensor(-1.0), margin=1.0)


def _multiclass_hinge(scores: Tensor, index: Tensor, margin: float) -> Tensor:
    return functional.multi_margin_loss(scores, index, margin=margin) * scores.shape[-1]


def _percentage(prediction: Tensor, target: Tensor) -> Tensor:
    return functional.l1_loss(prediction, target) / target.abs()


def _maxout(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return (weight @ x + bias).amax(0).sum()


NUMBERS = dict[str, float | list]
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
    ("activations.relu_grad", functional.relu, {"x": 0}),
    ("activations.leaky_relu_grad", functional.leaky_relu, {"x": 0, "negative_slope": 0.3}),
    ("activations.prelu_grad", functional.prelu, {"x": 0, "alpha": 0.25}),
    ("activations.elu_grad", functional.elu, {"x": 0, "alpha": 0.5}),
    ("activations.selu_grad", functional.selu, {"x": 0}),
    ("activations.maxout_grad", _maxout, {"x": [1, 2], "weight": [[[1, 0]], [[3, -1]]], "bias": [[0], [0]]}),
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
    first = next(iter(point.values())).requires_grad_()
    options = {key: point[key] for key in point if isinstance(point[key], float)}

    (slope,) = torch.autograd.grad(theirs(*(v for v in point.values() if isinstance(v, Tensor)), **options), first)

    assert ours(**{**point, next(iter(point)): first.detach()}).flatten().tolist() == slope.flatten().tolist()


def test_every_gradient_with_kinks_stands_in_the_table() -> None:
    kinked = {name for name in JOINED if load(name).kinks and load(name).function.endswith("_grad")}

    assert kinked == {name for name, _, _ in KINKS}
