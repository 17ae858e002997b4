"""Sums over the processes of a `torch.distributed` group: each holds rows of its own, and all want one answer."""

from typing import Any

import torch
from torch import Tensor, distributed
from torch.distributed import ProcessGroup


def over_ranks(x: Tensor, group: ProcessGroup | None) -> Tensor:
    """Add up the tensor of every rank, for all of them; without a group there is one. Autograd goes through it."""
    return x if group is None else _SumOverRanks.apply(x, group)


class _SumOverRanks(torch.autograd.Function):
    # What this rank gives reaches the value of every rank, so the pulls on it come from all of them.
    @staticmethod
    def forward(ctx: Any, x: Tensor, group: ProcessGroup) -> Tensor:
        ctx.group = group
        total = x.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, *pulls: Tensor) -> tuple[Tensor, None]:
        return over_ranks(pulls[0], ctx.group), None
