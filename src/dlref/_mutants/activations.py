"""Damaged activations."""

import torch
from torch import Tensor


def leaky_relu_as_maximum(x: Tensor, *, negative_slope: float = 0.01) -> Tensor:
    """Pass what is positive, and a share of what is negative."""
    steep = x
    shallow = negative_slope * x
    # right: `return torch.where(x > 0, steep, shallow)`
    return torch.maximum(steep, shallow)  # wrong: with a slope above 1 the names lie, and each side gets the other's.


def elu_grad_keeps_the_constant(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """Give slope 1 on the right, and on the left that of an exponential."""
    left = x.clamp(max=0)
    right = torch.ones_like(x)
    # right: `falling = alpha * left.exp()`
    falling = alpha * left.expm1()  # wrong: this is the value. The constant -1 has no slope, so the slope is exp(x).
    return torch.where(x > 0, right, falling)


def softmax_shifted_together(x: Tensor, *, dim: int = -1) -> Tensor:
    """Give shares that add up to 1 along `dim`."""
    # right: `largest = x.amax(dim, keepdim=True)`
    largest = x.max()  # wrong: the largest of all rows. Each row needs its own: a row far below is all zeros.
    shares = (x - largest).exp()
    total = shares.sum(dim, keepdim=True)
    return shares / total
