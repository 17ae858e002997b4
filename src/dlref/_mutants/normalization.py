"""Damaged normalizations."""

import torch
from torch import Tensor

from dlref.normalization import RmsGradients


def layer_norm_textbook_variance(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-5) -> Tensor:
    """Give every example the mean beta and the standard deviation gamma."""
    mean = x.mean(-1, keepdim=True)
    center = x - mean
    # right: `variance = center.square().mean(-1, keepdim=True)`
    variance = x.square().mean(-1, keepdim=True) - mean.square()  # wrong: large squares cancel; square `center`.
    inverse = (variance + eps).rsqrt()
    return gamma * center * inverse + beta


def rms_norm_grad_forgets_gamma(
    upstream: Tensor, x: Tensor, gamma: Tensor, *, eps: float | None = None
) -> RmsGradients:
    """Give the gradients by x and gamma, for one row or a matrix of them."""
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    inverse = (x.square().mean(-1, keepdim=True) + eps).rsqrt()
    normal = x * inverse
    pull = upstream * gamma
    # right: `along = (pull * normal).mean(-1, keepdim=True)`
    along = (upstream * normal).mean(-1, keepdim=True)  # wrong: the share along `normal` is that of `pull`.
    dx = inverse * (pull - normal * along)
    dgamma = (upstream * normal).reshape(-1, len(gamma)).sum(0)
    return RmsGradients(dx, dgamma)


def group_norm_mixes_examples(x: Tensor, gamma: Tensor, beta: Tensor, *, groups: int, eps: float = 1e-5) -> Tensor:
    """Give groups of neighbouring channels the same mean and standard deviation, example by example."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    grouped = x.reshape(x.shape[0], groups, -1)
    # right: `center = grouped - grouped.mean(2, keepdim=True)`
    center = grouped - grouped.mean((0, 2), keepdim=True)  # wrong: axis 0 is the examples; take axis 2 alone.
    variance = center.square().mean(2, keepdim=True)
    normal = center * torch.rsqrt(variance + eps)
    return normal.reshape(x.shape) * gamma.reshape(shape) + beta.reshape(shape)
