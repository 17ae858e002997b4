"""Gradient flow: what becomes of a gradient on its way down through many layers or steps, and how to bound it.

Backpropagation multiplies one Jacobian per layer. If they shrink, the gradient of the first layers vanishes; if they
stretch, it explodes. Clipping bounds what comes out; it returns new tensors and leaves the given ones alone. `grads`
is one floating tensor or a sequence of them, as `[p.grad for p in model.parameters()]`; a sequence comes back as a
tuple.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from dlref._checks import floating, require
from dlref._probe import probe
from dlref._types import Array, Arrays, Count, NonNegative, PerLayer, PerStep, Positive, Receiver, Scalar, Square


class Clipped(NamedTuple):
    """The gradients after clipping, and the norm of all of them before."""

    grads: Arrays
    norm: Scalar


def clip_by_value(grads: Arrays, limit: Positive) -> Arrays:
    r"""Cut each entry off at ±`limit`, whatever the others are: simple, and it turns the gradient's direction.

    `min(max(g, -limit), limit)`. An infinite entry becomes the limit, nan stays nan. It is PyTorch's
    `clip_grad_value_` and Keras' `clipvalue`.

    No gradient: it is applied to gradients.

    Raises
    ------
    ValueError
        If `limit` is not above 0.

    """
    require(limit > 0, "clip_by_value needs limit > 0, got {}", limit)
    clipped = [each.clamp(-limit, limit) for each in _listed("clip_by_value", grads)]
    return _like(grads, clipped)


def clip_by_norm(grad: Array, max_norm: Positive, *, eps: NonNegative = 1e-6) -> Array:
    r"""Shorten one tensor to the length `max_norm` if it is longer, and keep its direction.

    `g min(1, max_norm / (‖g‖ + eps))`, with the Euclidean norm. Applied to each layer by itself, as Keras' `clipnorm`
    does, it changes the direction of the whole gradient; `clip_by_global_norm` does not.

    No gradient: it is applied to gradients.

    Raises
    ------
    ValueError
        If `max_norm` is not above 0, or `eps` below 0 or infinite.

    """
    floating("clip_by_norm", grad, "gradients")
    clipped, _ = _within("clip_by_norm", [grad], max_norm, eps)
    return clipped[0]


def clip_by_global_norm(grads: Arrays, max_norm: Positive, *, eps: NonNegative = 1e-6) -> Clipped:
    r"""Shorten all gradients by one factor, so that together they are at most `max_norm` long: the step keeps its way.

    `g min(1, max_norm / (norm + eps))`, where `norm` is the Euclidean norm of all entries of all tensors. `eps` is
    PyTorch's: at the norm `max_norm` itself it shortens by about `eps`. 0 is TensorFlow's rule. With `max_norm`
    infinite nothing is clipped, only measured.

    If an entry is infinite or nan, so is `norm`, and no step is right: as in PyTorch an infinite norm makes finite
    entries 0 and infinite ones nan, and nan spreads to all. Below float64, a norm whose square leaves float32 is
    infinite too. Look at `norm` before you step.

    No gradient: it is applied to gradients.

    Reference: Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks.

    Raises
    ------
    ValueError
        If `max_norm` is not above 0, or `eps` below 0 or infinite.

    """
    clipped, norm = _within("clip_by_global_norm", _listed("clip_by_global_norm", grads), max_norm, eps)
    return Clipped(_like(grads, clipped), norm)


def gradient_norms(
    initializer: Callable[..., Tensor],
    activation: Callable[[Tensor], Tensor],
    *,
    depth: Count = 10,
    width: Count = 500,
    batch: Count = 1000,
    residual: bool = False,
    by: Receiver = "outputs",
    generator: Generator | None = None,
) -> PerLayer:
    r"""Measure how long the gradient is at each layer of a deep network, input side first.

    The network is that of `initialization.activation_statistics`: `depth` layers of `width` units without biases, each
    giving `activation(W h)`, with `residual` on top of its input; a standard normal batch comes in below and a standard
    normal gradient above. Gradients are those of the mean over the examples, by the layer's outputs, which is what
    backpropagation passes down, or `by="weights"`, which is what the optimizer sees. The two differ: where outputs
    shrink on the way up as fast as gradients do on the way down, the weights' gradients are equally small everywhere.

    `initializer` takes a shape, and a `generator` if it likes; dtype and device are those of its weights.

    No gradient: it is an experiment.

    Reference: Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks.

    Raises
    ------
    ValueError
        If `depth`, `width` or `batch` is below 1, or `by` is neither "outputs" nor "weights".

    """
    require(by in {"outputs", "weights"}, "gradient_norms needs by to be outputs or weights, got {}", by)
    sizes = {"depth": depth, "width": width, "batch": batch}
    run = probe("gradient_norms", initializer, activation, **sizes, residual=residual, generator=generator)
    receivers = run.weights if by == "weights" else run.outputs
    gradients = torch.autograd.grad(run.outputs[-1], receivers, run.upstream / batch)
    return torch.stack([_norm(each.double()).to(each) for each in gradients])


def jacobian_norms(weight: Square, steps: Count) -> PerStep:
    r"""Measure how far a linear recurrence `h_t = W h_(t-1)` can stretch a gradient after 1, 2, …, `steps` steps.

    The largest singular value of `W^t`, the Jacobian over t steps. It is at most `s^t` with s the largest singular
    value of W, and at least `r^t` with r its largest absolute eigenvalue: below 1 for s it must vanish, above 1 for r
    it must explode, and in between it may first grow and then vanish. A step of tanh adds a factor of at most 1.

    No gradient: it is a measurement.

    Reference: Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks.

    Raises
    ------
    ValueError
        If `weight` is not square, or `steps` below 1.

    """
    floating("jacobian_norms", weight, "weights")
    shape = tuple(weight.shape)
    require(len(shape) == 2 and shape[0] == shape[1], "jacobian_norms needs a square weight, got shape {}", shape)
    require(steps >= 1, "jacobian_norms needs steps >= 1, got {}", steps)
    matrix = weight.detach().to(torch.promote_types(weight.dtype, torch.float32))
    product, logs = torch.eye(len(matrix)).to(matrix), []
    for _ in range(steps):  # with the length as a logarithm apart, the product neither over- nor underflows
        product = matrix @ product
        size = torch.linalg.matrix_norm(product, 2)
        product = product / size.clamp(min=torch.finfo(size.dtype).tiny)
        logs.append(size.log())
    return torch.stack(logs).cumsum(0).exp().to(weight)


def _listed(function: str, grads: Arrays) -> list[Tensor]:
    listed = [grads] if isinstance(grads, Tensor) else list(grads)
    for each in listed:
        floating(function, each, "gradients")
    return listed


def _like(grads: Arrays, clipped: Sequence[Tensor]) -> Arrays:
    return clipped[0] if isinstance(grads, Tensor) else tuple(clipped)


def _norm(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dtype=torch.promote_types(x.dtype, torch.float32))


def _within(function: str, grads: Sequence[Tensor], max_norm: float, eps: float) -> tuple[list[Tensor], Tensor]:
    require(max_norm > 0, "{} needs max_norm > 0, got {}", function, max_norm)
    require(0 <= eps < math.inf, "{} needs a finite eps >= 0, got {}", function, eps)
    norms = [_norm(each) for each in grads]
    norm = _norm(torch.stack([each.to(norms[0].device) for each in norms])) if norms else torch.zeros(())
    share = (max_norm / (norm + eps)).clamp(max=1)
    dtype = functools.reduce(torch.promote_types, [each.dtype for each in grads] or [norm.dtype])
    return [each * share.to(each) for each in grads], norm.to(dtype)
