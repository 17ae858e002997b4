"""Damaged initialization."""

import math

import torch

from dlref._checks import require
from dlref._types import Array, Device, Number, Shape


def constant_times_nothing(
    shape: Shape, value: Number, *, dtype: torch.dtype | None = None, device: Device = None
) -> Array:
    """Give every weight one value."""
    require(math.isfinite(value), "constant needs a finite value, got {}", value)
    dtype = dtype or torch.get_default_dtype()
    start = torch.zeros(tuple(shape), dtype=dtype, device=device)
    start *= value  # wrong: 0 times any value is 0. Add the value, or start from ones.
    return start
