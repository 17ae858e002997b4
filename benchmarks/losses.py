"""Losses against torch.nn.functional: the value, and value and gradient together.

The gradient of ours is the hand-written twin; the peer's is autograd's, as in training.
Four million float32 elements: 4096 rows of 1024.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)

from benchmarks._race import Result, race
from dlref import classification_losses as c
from dlref import regression_losses as r

ROWS, COLUMNS = 4096, 1024


class Case(NamedTuple):
    """One loss, its peer, and the tensors that both take."""

    name: str
    value: Callable
    gradient: Callable
    peer: Callable
    inputs: tuple[torch.Tensor, ...]


def cases() -> list[Case]:
    """Draw the inputs once, so that all contestants see the same numbers."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, ROWS, COLUMNS, generator=generator)
    unit = torch.rand(ROWS, COLUMNS, generator=generator)
    index = torch.randint(COLUMNS, (ROWS,), generator=generator)
    none = {"reduction": "none"}
    return [
        Case("squared_error", r.squared_error, r.squared_error_grad, lambda a, b: F.mse_loss(a, b, **none), (x, y)),
        Case("absolute_error", r.absolute_error, r.absolute_error_grad, lambda a, b: F.l1_loss(a, b, **none), (x, y)),
        Case("huber", r.huber, r.huber_grad, lambda a, b: F.huber_loss(a, b, **none), (x, y)),
        Case(
            "binary_cross_entropy_with_logits",
            c.binary_cross_entropy_with_logits,
            c.binary_cross_entropy_with_logits_grad,
            lambda a, b: F.binary_cross_entropy_with_logits(a, b, **none),
            (x, unit),
        ),
        Case(
            "sparse_cross_entropy",
            c.sparse_cross_entropy,
            c.sparse_cross_entropy_grad,
            lambda a, b: F.cross_entropy(a, b, **none),
            (x, index),
        ),
    ]


def trained(loss: Callable, first: torch.Tensor, *rest: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The peer's value and autograd's gradient."""
    leaf = first.detach().requires_grad_()
    value = loss(leaf, *rest)
    return value, torch.autograd.grad(value.sum(), leaf)[0]


def results() -> Iterator[Result]:
    """Two races for each loss."""
    for name, value, gradient, peer, inputs in cases():
        both = lambda v=value, g=gradient, i=inputs: (v(*i), g(*i))  # noqa: E731 (bound in the loop, used at once)
        yield race(f"{name}, value", lambda v=value, i=inputs: v(*i), lambda p=peer, i=inputs: p(*i), peer_name="torch")
        yield race(f"{name}, value and gradient", both, lambda p=peer, i=inputs: trained(p, *i), peer_name="torch")
