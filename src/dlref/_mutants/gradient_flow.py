"""Damaged gradient clipping."""

import torch

from dlref._checks import require
from dlref._types import Array, Arrays, NonNegative, Positive


def clip_by_norm_always(grad: Array, max_norm: Positive, *, eps: NonNegative = 1e-6) -> Array:
    """Shorten one tensor to the length max_norm if it is longer."""
    require(max_norm > 0, "clip_by_norm needs max_norm > 0, got {}", max_norm)
    norm = torch.linalg.vector_norm(grad)
    # right: `share = (max_norm / (norm + eps)).clamp(max=1)`
    share = max_norm / (norm + eps)  # wrong: above 1 for a short gradient, which grows. Take at most 1.
    return grad * share


def clip_by_value_above(grads: Arrays, limit: Positive) -> Arrays:
    """Cut each entry off at plus and minus the limit."""
    require(limit > 0, "clip_by_value needs limit > 0, got {}", limit)
    listed: list[torch.Tensor] = [grads] if isinstance(grads, torch.Tensor) else list(grads)
    # right: `clipped = [each.clamp(min=-limit, max=limit) for each in listed]`
    clipped = [each.clamp(max=limit) for each in listed]  # wrong: only the upper side. Clamp at -limit too.
    return clipped[0] if isinstance(grads, torch.Tensor) else tuple(clipped)
