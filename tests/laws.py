"""The reference functions, found in the tree, and arguments for them, drawn from their annotations.

A tensor is drawn by its jaxtyping shape and its law (`dlref._types`), a number by its law or its default. Everything is
drawn on the grid of float32, so that float64 sees the same point. A law without a way to draw it is an error here,
never a function left out.
"""

import inspect
import math
import typing
from dataclasses import dataclass
from functools import cache, partial, singledispatch
from importlib import import_module
from pathlib import Path

import torch
from beartype import beartype
from jaxtyping import jaxtyped
from torch import Tensor

import dlref
from dlref._types import Above, AtLeast, Between, Distribution, IndexInto, OneHot, OneOf

BATCH = (4, 3)
CLASSES = 5
EXTREMES = (-1e4, -100, -30, -1, -1e-4, -1e-30, 0, 1e-30, 1e-4, 0.5, 1, 30, 100, 1e4)


def concepts():
    """Name every concept: a module of dlref that does not begin with an underscore."""
    return sorted(path.stem for path in Path(dlref.__path__[0]).glob("[!_]*.py"))


@cache
def functions():
    """Map concept.name to every public function of every concept."""
    modules = [import_module(f"dlref.{concept}") for concept in concepts()]
    return {
        f"{module.__name__.removeprefix('dlref.')}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def pairs():
    """Name every function that has a gradient beside it."""
    return [name for name in functions() if f"{name}_grad" in functions()]


def executed(function):
    """Return the function with its shapes executed at each call."""
    return jaxtyped(function, typechecker=beartype)


@dataclass(frozen=True)
class Argument:
    """One argument of a function: what its annotation says about it."""

    name: str
    annotation: typing.Any
    default: object

    @property
    def bare(self):
        """Return the annotation without its law."""
        return self.annotation.__origin__ if self._is_annotated else self.annotation

    @property
    def law(self):
        """Return the law, or None where anything goes."""
        return self.annotation.__metadata__[0] if self._is_annotated else None

    @property
    def _is_annotated(self):
        return typing.get_origin(self.annotation) is typing.Annotated

    @property
    def arrays(self):
        """Return the jaxtyping alternatives; a number has none."""
        alternatives = typing.get_args(self.bare) or (self.bare,)
        return [kind for kind in alternatives if getattr(kind, "array_type", None) is Tensor]

    @property
    def is_number(self):
        return not self.arrays

    @property
    def dims(self):
        """Return the names of the axes as written: `["*#batch", "classes"]`."""
        return self.arrays[0].dim_str.split()

    @property
    def broadcasts(self):
        return any("#" in dim for dim in self.dims)

    @property
    def is_floating(self):
        """Say whether only floating tensors will do: then it is a prediction."""
        return bool(self.arrays) and not any({"int32", "bool"} & set(kind.dtypes) for kind in self.arrays)

    @property
    def is_index(self):
        return bool(self.arrays) and not any("float32" in kind.dtypes for kind in self.arrays)


def arguments(function):
    """List the arguments of a function, in order."""
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return [Argument(each.name, hints[each.name], each.default) for each in parameters]


def returned(function):
    """Return what the function promises to return."""
    return Argument("return", typing.get_type_hints(function, include_extras=True)["return"], None)


def tensors(function):
    return [argument for argument in arguments(function) if not argument.is_number]


def numbers(function):
    return [argument for argument in arguments(function) if argument.is_number and argument.law]


def shape_of(argument, batch=BATCH, classes=CLASSES):
    """Spell out the shape: the starred axes are the batch, every named one has as many places as there are classes."""
    axes = [tuple(batch) if "*" in dim else (classes,) for dim in argument.dims]
    return sum(axes, ())


def draw(function, *, dtype=torch.float64, device="cpu", seed=0, how=None, **sizes):
    """Draw every argument of a function, legal by its annotation; `how` is `typical` or `extreme`."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for argument in arguments(function):
        if argument.is_number:
            drawn[argument.name] = draw_number(argument)
        else:
            drawn[argument.name] = draw_tensor(argument, generator, how or typical, **sizes).to(device)
            if not argument.is_index:
                drawn[argument.name] = drawn[argument.name].to(dtype)
    return drawn


def draw_number(argument):
    if argument.default is not inspect.Parameter.empty:
        return argument.default
    assert argument.law, f"{argument.name} has neither a law nor a default: nothing says what to pass for it"
    return legal_numbers(argument.law)[0]


def draw_tensor(argument, generator, how, **sizes):
    return how(argument.law, shape_of(argument, **sizes), generator)


@singledispatch
def typical(law, shape, generator):
    """Draw a tensor well inside its law, as data would be: away from kinks, poles and bounds."""
    assert law is None, f"tests/laws.py does not say how to draw {law}"
    return torch.randn(shape, generator=generator) * 2


@typical.register
def _(law: Above, shape, generator):
    return law.bound + torch.randn(shape, generator=generator).exp()


@typical.register
def _(law: AtLeast, shape, generator):
    return law.bound + torch.randn(shape, generator=generator).exp()


@typical.register
def _(law: Between, shape, generator):
    return law.low + (law.high - law.low) * (0.05 + 0.9 * torch.rand(shape, generator=generator))


@typical.register
def _(law: OneOf, shape, generator):
    return _choose(law.values, shape, generator)


@typical.register
def _(_law: Distribution, shape, generator):
    return torch.randn(shape, generator=generator).softmax(-1)


@typical.register
def _(_law: OneHot, shape, generator):
    index = torch.randint(shape[-1], shape[:-1], generator=generator)
    return torch.nn.functional.one_hot(index, shape[-1]).float()


@typical.register
def _(law: IndexInto, shape, generator):
    assert law.axis == "classes", f"tests/laws.py does not know the size of {law.axis}"
    return torch.randint(CLASSES, shape, generator=generator)


@singledispatch
def extreme(law, shape, generator):
    """Draw a tensor from the far ends of its law, its bounds among them."""
    return _choose(EXTREMES, shape, generator) if law is None else typical(law, shape, generator)


@extreme.register
def _(law: Above, shape, generator):
    return _choose([law.bound + 2**-7, *(each for each in EXTREMES if each > law.bound)], shape, generator)


@extreme.register
def _(law: AtLeast, shape, generator):
    return _choose([law.bound, *(each for each in EXTREMES if each > law.bound)], shape, generator)


@extreme.register
def _(law: Between, shape, generator):
    inside = [each for each in EXTREMES if law.low < each < law.high]
    return _choose([law.low, law.high, law.high - 2**-24, *inside], shape, generator)


@extreme.register
def _(_law: Distribution, shape, generator):
    return (torch.randn(shape, generator=generator) * 60).softmax(-1)


def _choose(values, shape, generator):
    return torch.tensor(values)[torch.randint(len(values), shape, generator=generator)]


@singledispatch
def whole(law, shape, generator):
    """Draw whole numbers that keep the law, for arguments that may be of any dtype."""
    return typical(law, shape, generator).ceil().long()


@whole.register
def _(_law: Distribution, shape, generator):
    return typical(OneHot(), shape, generator).long()


@singledispatch
def legal_numbers(law):
    """List numbers that a hyper-parameter may be."""
    raise AssertionError(f"tests/laws.py does not say which numbers obey {law}")


@legal_numbers.register
def _(law: Above):
    return [law.bound + 0.5, law.bound + 1e-3, law.bound + 2]


@legal_numbers.register
def _(law: AtLeast):
    return [law.bound + 0.5, law.bound, law.bound + 2]


@legal_numbers.register
def _(law: Between):
    return [law.low + (law.high - law.low) / 8, law.low, law.high]


@singledispatch
def illegal_numbers(law):
    """List numbers that the law excludes."""
    raise AssertionError(f"tests/laws.py does not say which numbers break {law}")


@illegal_numbers.register
def _(law: Above):
    return [law.bound, law.bound - 0.5, math.nan, -math.inf]


@illegal_numbers.register
def _(law: AtLeast):
    return [law.bound - 0.5, math.nan, math.inf]


@illegal_numbers.register
def _(law: Between):
    return [law.low - 0.5, law.high + 0.5, math.nan, math.inf]


@singledispatch
def illegal_tensors(law, tensor):
    """Damage a legal tensor in each way that the law excludes; say what an error must quote."""
    for number in illegal_numbers(law):
        yield _with_first(tensor, number), number


@illegal_tensors.register
def _(law: OneOf, tensor):
    for number in {min(law.values) - 1, max(law.values) + 1, sum(law.values) / len(law.values), math.nan}:
        yield _with_first(tensor, number), float(number)


@illegal_tensors.register
def _(_law: Distribution, tensor):
    yield tensor * 2, 2.0
    yield tensor * 0.75, 0.75
    yield _with_first(tensor, math.nan), math.nan
    one_hot = torch.zeros_like(tensor)
    one_hot[..., 0], one_hot[..., 1] = -0.25, 1.25
    yield one_hot, -0.25


@illegal_tensors.register
def _(_law: OneHot, tensor):
    yield torch.zeros_like(tensor), 0.0
    yield torch.ones_like(tensor), float(tensor.shape[-1])
    yield tensor / 2, 0.5
    yield _with_first(tensor, math.nan), math.nan


@illegal_tensors.register
def _(_law: IndexInto, tensor):
    for number in (-1, CLASSES, -100):
        yield _with_first(tensor, number), number


def _with_first(tensor, number):
    damaged = tensor.clone()
    damaged.view(-1)[0] = number
    return damaged


def autograd(function, drawn):
    """Differentiate the sum of the values by the first argument, by torch's own rules."""
    (name, prediction), *_ = drawn.items()
    prediction = prediction.clone().requires_grad_()
    (slope,) = torch.autograd.grad(function(**drawn | {name: prediction}).sum(), prediction)
    return slope


def by_first(function, drawn):
    """Return the function of its first argument alone, for gradcheck."""
    (name, _), *rest = drawn.items()
    return lambda first: partial(function, **dict(rest))(**{name: first})
