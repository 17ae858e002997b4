"""Arguments for the reference functions, drawn from their annotations.

A tensor is drawn by its jaxtyping shape and its law (`dlref._types`), a number by its law or its default. Everything is
drawn on the grid of float32, so that float64 sees the same point. A law without a way to draw it is an error here,
never a function left out.
"""

import inspect
import math
from functools import partial, singledispatch

import torch

from catalogue import arguments, numbers, promised
from dlref._types import (
    Above,
    AtLeast,
    Axes,
    Between,
    Distribution,
    DivisorOf,
    Finite,
    FromUpTo,
    IndexInto,
    OneHot,
    OneOf,
    Whole,
)

BATCH = (4, 3)
CLASSES = 5
EXTREMES = (-1e4, -100, -30, -1, -1e-4, -1e-30, 0, 1e-30, 1e-4, 0.5, 1, 30, 100, 1e4)


def options_in_turn(function):
    """Give each hyper-parameter each of its legal numbers, and each switch its other state, the rest as it is."""
    switches = [{each.name: not each.default} for each in arguments(function) if each.annotation is bool]
    return [{}, *switches, *({each.name: number} for each in numbers(function) for number in legal_numbers(each.law))]


def shape_of(argument, batch=BATCH, classes=CLASSES):
    """Spell out the shape: the starred axes are the batch, every named one has as many places as there are classes."""
    axes = [tuple(batch) if "*" in dim else (classes,) for dim in argument.dims]
    return sum(axes, ())


def draw(function, *, dtype=torch.float64, device="cpu", seed=0, how=None, **sizes):
    """Draw every argument of a function, legal by its annotation; `how` is `typical` or `extreme`."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for argument in arguments(function):
        if argument.is_function:
            drawn[argument.name] = draw_function(argument)
        elif argument.is_number:
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


def draw_function(argument):
    """Give something that can be solved: a bowl with its bottom at 1, or the product with a diagonal matrix."""
    if argument.gives.dims:
        return lambda x: x * stretched(x)
    return lambda x: (stretched(x) * (x - 1).square()).sum()


def stretched(x):
    return 1 + torch.arange(x.numel(), dtype=x.dtype, device=x.device).reshape(x.shape)


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
def _(law: Whole):
    return [law.least + 2, law.least, law.least + 7]


@legal_numbers.register
def _(_law: Finite):
    return [0.5, 0, -2]


@legal_numbers.register
def _(law: Axes):
    return [(4, 3, 2)[: max(law.least, 1)], (4, 3, 2), (0, 3), (4, 0)]


@legal_numbers.register
def _(law: Between):
    return [law.low + (law.high - law.low) / 8, law.low, law.high]


@legal_numbers.register
def _(law: FromUpTo):
    return [law.low + (law.high - law.low) / 8, law.low, law.high - 2**-10]


@legal_numbers.register
def _(law: OneOf):
    return list(law.values)


@legal_numbers.register
def _(_law: DivisorOf):
    return [1, CLASSES]


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
def _(law: Whole):
    return [law.least - 1, law.least - 8]


@illegal_numbers.register
def _(_law: Finite):
    return [math.nan, math.inf, -math.inf]


@illegal_numbers.register
def _(law: Axes):
    return [(4, -3), (4, 3.5), *((4,) * axes for axes in range(law.least))]


@illegal_numbers.register
def _(law: Between):
    return [law.low - 0.5, law.high + 0.5, math.nan, math.inf]


@illegal_numbers.register
def _(law: FromUpTo):
    return [law.low - 0.5, law.high, law.high + 0.5, math.nan, math.inf]


@illegal_numbers.register
def _(law: OneOf):
    return [str(law.values[0]).upper(), ""]


@illegal_numbers.register
def _(_law: DivisorOf):
    return [0, -1, CLASSES - 1, CLASSES + 1]


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
    """Differentiate the values by the first argument, by torch's own rules: a vector of values, by a Jacobian."""
    (name, prediction), *_ = drawn.items()
    prediction = prediction.clone().requires_grad_()
    value = function(**drawn | {name: prediction})
    is_vector = any(dim.isidentifier() for dim in promised(function)[0].dims)
    parts = value.unbind(-1) if is_vector else [value]
    slopes = [torch.autograd.grad(part.sum(), prediction, retain_graph=True)[0] for part in parts]
    return torch.stack(slopes, -2) if is_vector else slopes[0]


def by_first(function, drawn):
    """Return the function of its first argument alone, for gradcheck."""
    (name, _), *rest = drawn.items()
    return lambda first: partial(function, **dict(rest))(**{name: first})
