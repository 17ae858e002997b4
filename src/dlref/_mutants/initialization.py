"""Damaged initialization."""

import math

import torch

from dlref._checks import require
from dlref._types import Array, Device, Number, Shape


def constant_as_a_power(
    shape: Shape, value: Number, *, dtype: torch.dtype | None = None, device: Device = None
) -> Array:
    """Give every weight one value."""
    require(math.isfinite(value), "constant needs a finite value, got {}", value)
    dtype = dtype or torch.get_default_dtype()
    ones = torch.ones(tuple(shape), dtype=dtype, device=device)
    # right: `return ones * value`
    return ones**value  # wrong: 1 to any power is 1. Multiply by the value.
