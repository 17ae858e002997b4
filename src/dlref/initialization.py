"""Initialization: how large the first weights are, which decides whether a deep network can learn at all.

Each rule returns a new tensor of the shape (out, in, *kernel), as PyTorch lays weights out. Random rules take a
`generator`: the numbers are drawn on its device, and the same seed gives the same tensor. `dtype` and `device` are
those of the result, torch's defaults unless given. Fan-in is the number of inputs that one output adds up, fan-out
the number of outputs that one input reaches. Biases start at 0.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from dlref._checks import require
from dlref._probe import probe
from dlref._types import Array, Count, Device, LayerShape, NonNegative, Number, PerLayer, Shape

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class Fans(NamedTuple):
    """How many inputs an output adds up, and how many outputs an input reaches."""

    fan_in: int
    fan_out: int


class Statistics(NamedTuple):
    """Mean and standard deviation of each layer's output, and the standard deviation of the gradient by it."""

    mean: PerLayer
    std: PerLayer
    gradient_std: PerLayer


def fans(shape: LayerShape) -> Fans:
    r"""Count what one output adds up and what one input reaches: all that the rules below know about a layer.

    `in × kernel` and `out × kernel`: 27 and 576 for a convolution of 3 channels to 64 by 3×3. Groups are counted by
    the weight's own second axis, and strides not at all, as in PyTorch.

    No gradient: it counts.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes: a bias has no fans, and starts at 0.

    """
    return _fans("fans", shape)


def constant(shape: Shape, value: Number, *, dtype: torch.dtype | None = None, device: Device = None) -> Array:
    r"""Give every weight one value: right for biases and gains, fatal for weights.

    Units of a layer that start alike, in and out, receive the same gradient and stay alike for ever. With 0, and tanhs
    or ReLUs between, even that gradient is 0.

    No gradient: it is called once, before training.

    Raises
    ------
    ValueError
        If `value` is nan or infinite.

    """
    require(math.isfinite(value), "constant needs a finite value, got {}", value)
    dtype = dtype or torch.get_default_dtype()
    return torch.full(_sizes("constant", shape, dtype), value, dtype=dtype, device=device)


def small_normal(
    shape: Shape,
    *,
    std: NonNegative = 0.01,
    generator: Generator | None = None,
    dtype: torch.dtype | None = None,
    device: Device = None,
) -> Array:
    r"""Draw from a normal distribution of a standard deviation that knows nothing of the layer.

    0.01 was AlexNet's. In a deep network the signal shrinks or grows by about `std √fan_in` at each layer.

    No gradient: it is called once, before training.

    Reference: Krizhevsky, Sutskever & Hinton 2012, ImageNet classification with deep convolutional neural networks.

    Raises
    ------
    ValueError
        If `std` is below 0 or infinite.

    """
    require(0 <= std < math.inf, "small_normal needs a finite std >= 0, got {}", std)
    return std * _normal(_sizes("small_normal", shape, dtype), generator, dtype, device)


def lecun_normal(
    shape: LayerShape, *, generator: Generator | None = None, dtype: torch.dtype | None = None, device: Device = None
) -> Array:
    r"""Keep the variance of a linear layer: `Var(w) = 1 / fan_in`. SELU is made for it, and tanh shrinks slowly.

    Some notes call it Xavier, whose rule looks at both fans; the two agree on square layers. Keras cuts the normal
    distribution off at two standard deviations and stretches it back to this variance; here and in PyTorch it is whole.

    No gradient: it is called once, before training.

    Reference: LeCun, Bottou, Orr & Müller 1998, Efficient backprop.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes.

    """
    std = _root(1, _fans("lecun_normal", shape, dtype).fan_in)
    return std * _normal(shape, generator, dtype, device)


def xavier_normal(
    shape: LayerShape, *, generator: Generator | None = None, dtype: torch.dtype | None = None, device: Device = None
) -> Array:
    r"""Keep the variance on the way up and on the way down as well as one number can.

    `Var(w) = 2 / (fan_in + fan_out)`, between the `1 / fan_in` that the signal wants and the `1 / fan_out` that the
    gradient wants. Both are derived for a linear layer, which tanh is near 0.

    No gradient: it is called once, before training.

    Reference: Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes.

    """
    std = _root(2, sum(_fans("xavier_normal", shape, dtype)))
    return std * _normal(shape, generator, dtype, device)


def xavier_uniform(
    shape: LayerShape, *, generator: Generator | None = None, dtype: torch.dtype | None = None, device: Device = None
) -> Array:
    r"""Keep the variance as `xavier_normal` does, with no weight beyond `√(6 / (fan_in + fan_out))`.

    A uniform distribution on ±a has the variance `a² / 3`: hence the 6.

    No gradient: it is called once, before training.

    Reference: Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes.

    """
    limit = _root(6, sum(_fans("xavier_uniform", shape, dtype)))
    return limit * _uniform(shape, generator, dtype, device)


def he_normal(
    shape: LayerShape,
    *,
    negative_slope: NonNegative = 0.0,
    generator: Generator | None = None,
    dtype: torch.dtype | None = None,
    device: Device = None,
) -> Array:
    r"""Make up for the half of the signal that a ReLU throws away: `Var(w) = 2 / fan_in`.

    `Var(w) = 2 / ((1 + a²) fan_in)` for a leaky or parametric ReLU of slope a; a = 1 is `lecun_normal`. It is PyTorch's
    `kaiming_normal_` with its default `mode="fan_in"`. The standard deviation is `√(2 / fan_in)`: weights divided
    by that, as some notes print, have `fan_in² / 4` times the variance.

    No gradient: it is called once, before training.

    Reference: He, Zhang, Ren & Sun 2015, Delving deep into rectifiers.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes, or `negative_slope` is below 0 or infinite.

    """
    std = _he_std("he_normal", shape, negative_slope, dtype)
    return std * _normal(shape, generator, dtype, device)


def he_uniform(
    shape: LayerShape,
    *,
    negative_slope: NonNegative = 0.0,
    generator: Generator | None = None,
    dtype: torch.dtype | None = None,
    device: Device = None,
) -> Array:
    r"""Keep the variance as `he_normal` does, with no weight beyond `√(6 / ((1 + a²) fan_in))`.

    PyTorch's own layers start with it and a = √5, so within `1 / √fan_in`: a third of LeCun's variance, far too little
    for a deep ReLU network.

    No gradient: it is called once, before training.

    Reference: He, Zhang, Ren & Sun 2015, Delving deep into rectifiers.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes, or `negative_slope` is below 0 or infinite.

    """
    limit = math.sqrt(3) * _he_std("he_uniform", shape, negative_slope, dtype)
    return limit * _uniform(shape, generator, dtype, device)


def orthogonal(
    shape: LayerShape,
    *,
    gain: NonNegative = 1.0,
    generator: Generator | None = None,
    dtype: torch.dtype | None = None,
    device: Device = None,
) -> Array:
    r"""Turn the signal without stretching it in any direction: every singular value is `gain`.

    The weight is read as a matrix, out × (in · kernel). Its rows are orthogonal, or its columns where there are more
    rows. Each such matrix is as likely as any other (Haar's distribution). Square linear layers keep lengths exactly,
    at any depth; with fewer rows than columns some directions are lost. Before a ReLU take `gain = √2`.

    No gradient: it is called once, before training.

    Reference: Saxe, McClelland & Ganguli 2013, Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks; Mezzadri 2007, How to generate random matrices from the classical compact groups.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes, or `gain` is below 0 or infinite.

    """
    require(0 <= gain < math.inf, "orthogonal needs a finite gain >= 0, got {}", gain)
    rows, *rest = sizes = _sizes("orthogonal", shape, dtype, least=2)
    dtype = dtype or torch.get_default_dtype()
    columns = math.prod(rest)
    tall = max(rows, columns), min(rows, columns)
    q, r = torch.linalg.qr(_normal(tall, generator, torch.promote_types(dtype, torch.float32), device))
    q = q * (1 - 2 * r.diagonal().signbit().to(q))  # QR leaves the signs to the algorithm, and q would not be Haar's
    return (gain * (q if rows >= columns else q.T)).reshape(sizes).to(dtype).contiguous()


@torch.no_grad()
def lsuv(model: nn.Module, batch: Tensor, *, generator: Generator | None = None) -> nn.Module:
    r"""Measure instead of assuming: scale each layer until its output on a real batch has variance 1.

    Every linear and convolutional layer starts orthogonal, its bias at 0. Then the batch runs through once; each
    layer in turn divides its weight, and so its output, by the standard deviation that it sees. So activations,
    pooling and shortcuts need no theory. The model is changed in place, and returned.

    It runs as in evaluation, so no dropout disturbs it and no batch norm remembers it. A layer that is used twice is
    scaled by its first use.

    No gradient: it is called once, before training.

    Reference: Mishkin & Matas 2015, All you need is a good init.

    Raises
    ------
    ValueError
        If the model has no such layer, or a layer gives the same number everywhere.

    """
    names = {layer: name for name, layer in model.named_modules() if isinstance(layer, WEIGHTED)}
    require(bool(names), "lsuv needs a linear or convolutional layer, got {}", type(model).__name__)
    modes, hooks = {each: each.training for each in model.modules()}, {}

    def scale(layer: nn.Linear, _: object, output: Tensor) -> Tensor:
        hooks.pop(layer).remove()
        std = _spread(output)
        law = "lsuv needs outputs that vary, got a standard deviation of {} at layer {!r}: take a batch of real inputs"
        require(bool(0 < std < math.inf), law, std.item(), names[layer])
        layer.weight.div_(std)
        return output / std

    for layer in names:
        _start_orthogonal(layer, generator)
        hooks[layer] = layer.register_forward_hook(scale)
    try:
        model.eval()(batch)
    finally:
        for hook in hooks.values():
            hook.remove()
        for module, training in modes.items():
            module.training = training
    return model


def activation_statistics(
    initializer: Callable[..., Tensor],
    activation: Callable[[Tensor], Tensor],
    *,
    depth: Count = 10,
    width: Count = 500,
    batch: Count = 1000,
    residual: bool = False,
    generator: Generator | None = None,
) -> Statistics:
    r"""Send one random batch up a deep network and a random gradient down, to see where they die or explode.

    Each of `depth` layers gives `activation(W h)`, with `width` units and no bias; with `residual` it adds its input.
    The input is standard normal, and so is the gradient that arrives at the last output, so that the last
    `gradient_std` is about 1. All three results hold one number per layer, input side first, none for the input itself.

    `initializer` takes a shape, and a `generator` if it likes: `he_normal`, or `partial(small_normal, std=1.0)`.
    The dtype and the device are those of its weights.

    No gradient: it is an experiment.

    Raises
    ------
    ValueError
        If `depth`, `width` or `batch` is below 1.

    """
    sizes = {"depth": depth, "width": width, "batch": batch}
    run = probe("activation_statistics", initializer, activation, **sizes, residual=residual, generator=generator)
    gradients = torch.autograd.grad(run.outputs[-1], run.outputs, run.upstream)
    outputs = [each.detach() for each in run.outputs]
    mean = torch.stack([each.mean() for each in outputs])
    return Statistics(mean, *(torch.stack([_spread(each) for each in part]) for part in (outputs, gradients)))


def _sizes(function: str, shape: Shape, dtype: torch.dtype | None, least: int = 0) -> Shape:
    if not (dtype is None or dtype.is_floating_point):
        raise TypeError(f"{function} needs a floating dtype, got {dtype}: whole numbers cannot be trained")
    sizes = tuple(shape)
    whole = all(isinstance(size, int) and size >= 0 for size in sizes)
    require(whole, "{} needs a shape of whole numbers >= 0, got {}", function, sizes)
    law = "{} needs a shape of at least {} axes, (out, in, *kernel), got {}"
    require(len(sizes) >= least, law, function, least, sizes)
    return sizes


def _fans(function: str, shape: Shape, dtype: torch.dtype | None = None) -> Fans:
    out, inputs, *kernel = _sizes(function, shape, dtype, least=2)
    places = math.prod(kernel)
    return Fans(inputs * places, out * places)


def _root(share: float, fan: int) -> float:
    return math.sqrt(share / max(fan, 1))  # without inputs there is no weight to draw


def _he_std(function: str, shape: Shape, negative_slope: float, dtype: torch.dtype | None) -> float:
    law = "{} needs a finite negative_slope >= 0, got {}"
    require(0 <= negative_slope < math.inf, law, function, negative_slope)
    return _root(2 / (1 + negative_slope**2), _fans(function, shape, dtype).fan_in)


def _normal(shape: Shape, generator: Generator | None, dtype: torch.dtype | None, device: Device) -> Tensor:
    source = device if generator is None else generator.device
    return torch.randn(tuple(shape), generator=generator, dtype=dtype, device=source).to(device=device)


def _uniform(shape: Shape, generator: Generator | None, dtype: torch.dtype | None, device: Device) -> Tensor:
    source = device if generator is None else generator.device
    share = torch.rand(tuple(shape), generator=generator, dtype=dtype, device=source).to(device=device)
    return 2 * share - 1


def _spread(x: Tensor) -> Tensor:
    return x.double().std(correction=0).to(x)  # squares of a gradient that has vanished leave float32


def _start_orthogonal(layer: nn.Module, generator: Generator | None) -> None:
    weight = layer.get_parameter("weight")
    weight.copy_(orthogonal(weight.shape, generator=generator, dtype=weight.dtype, device=weight.device))
    if isinstance(layer.bias, Tensor):
        layer.bias.zero_()
