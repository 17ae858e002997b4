"""Sums over the processes of a `torch.distributed` group: each holds rows of its own, and all want one answer."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed
from torch.distributed import ProcessGroup

T = TypeVar("T")


def over_ranks(x: Tensor, group: ProcessGroup | None) -> Tensor:
    """Add up the tensor of every rank, for all of them; without a group there is one. Autograd goes through it."""
    return x if group is None else _SumOverRanks.apply(x, group)


def summed(tensors: Sequence[Tensor], group: ProcessGroup | None) -> list[Tensor]:
    """Add up each of the tensors over the ranks, all in one exchange of float64 numbers; without a group there is one.

    Whole numbers stay exact up to 2^53. A rank that is gone, or silent for as long as the group's timeout, is an error
    on all the others.
    """
    if group is None or not tensors:
        return list(tensors)
    flat = torch.cat([each.flatten().double() for each in tensors])
    flat = flat.to("cuda") if distributed.get_backend(group) == "nccl" else flat  # which knows no other memory
    try:
        distributed.all_reduce(flat, group=group)
    except RuntimeError as error:
        lost = "a sum over the ranks failed, for one of them has died or fallen silent: end them all, and start again"
        raise RuntimeError(f"{lost} ({str(error).splitlines()[0]})") from error
    parts = flat.split([each.numel() for each in tensors])
    return [part.view(each.shape).to(each) for part, each in zip(parts, tensors, strict=True)]


def gathered(tensor: Tensor, group: ProcessGroup | None) -> Tensor:
    """Stack the tensors of all ranks, in the order of the ranks, on a new first axis: they must have one shape."""
    if group is None:
        return tensor[None]
    slots = tensor.new_zeros(distributed.get_world_size(group), *tensor.shape)
    slots[distributed.get_rank(group)] = tensor
    return summed([slots], group)[0]


def together(work: Callable[[], T], group: ProcessGroup | None) -> T:
    """Return what `work` gives. Rows that one rank refuses are refused on all: the others would wait for its sums."""
    made: list[T] = []
    refusal = None
    try:
        made.append(work())
    except (ValueError, TypeError) as error:
        refusal = error
    refused = gathered(torch.tensor(1.0 if refusal else 0.0), group).nonzero().flatten().tolist()
    try:
        if refusal:
            raise refusal
    finally:
        refusal = (
            None  # or it and its traceback would keep each other, and the group, past the end of the process group
        )
    if refused:
        raise ValueError(f"every rank needs rows that will do, and rank {refused[0]} has others: it says what is wrong")
    return made[0]


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
