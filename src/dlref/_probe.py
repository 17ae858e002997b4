"""A deep plain network with one batch in it: what initialization and gradient_flow measure."""

import inspect
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from dlref._checks import floating, require


class Probe(NamedTuple):
    """The weights and the output of each layer, input side first, and a gradient to send down from the last."""

    weights: list[Tensor]
    outputs: list[Tensor]
    upstream: Tensor


def probe(
    function: str,
    initializer: Callable[..., Tensor],
    activation: Callable[[Tensor], Tensor],
    *,
    depth: int,
    width: int,
    batch: int,
    residual: bool,
    generator: Generator | None,
) -> Probe:
    """Send standard normal numbers up a network of square layers without biases, and draw others to send down.

    A layer gives `activation(W h)`, with `residual` on top of its input.
    """
    for name, number in {"depth": depth, "width": width, "batch": batch}.items():
        require(number >= 1, "{} needs {} >= 1, got {}", function, name, number)
    weights = [_drawn(initializer, (width, width), generator).requires_grad_() for _ in range(depth)]
    floating(function, weights[0], "weights")
    h, upstream = (_normal((batch, width), generator).to(weights[0]) for _ in range(2))
    outputs = []
    for weight in weights:
        branch = activation(h @ weight.T)
        h = h + branch if residual else branch
        outputs.append(h)
    return Probe(weights, outputs, upstream)


def _drawn(initializer: Callable[..., Tensor], shape: tuple[int, int], generator: Generator | None) -> Tensor:
    # A constant takes no generator, and neither need an initializer that the caller writes.
    takes_one = "generator" in inspect.signature(initializer).parameters
    return (initializer(shape, generator=generator) if takes_one else initializer(shape)).detach()


def _normal(shape: tuple[int, int], generator: Generator | None) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device if generator else None)
