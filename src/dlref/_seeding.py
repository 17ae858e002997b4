"""Rows to start k-means from: drawn with equal chances, or far from those that are drawn already."""

import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor
from torch.distributed import get_rank

from dlref._passes import Passes
from dlref._ranks import gathered, summed

BLOCK = 4096  # rows whose weights are added up at once
ROW_BY_ROW = "donot_use_mm_for_euclid_dist"  # differences, so that a row is at 0 from itself and not drawn again


def at_random(passes: Passes, k: int, generator: Generator | None) -> Tensor:
    """Return k rows of different numbers, each set of k as likely as any other."""
    chosen: dict[int, None] = {}
    for last in range(passes.total - k, passes.total):  # Floyd's way: k draws, and nothing to hold but their numbers
        number = int(_uniform(1, passes, generator).item() * (last + 1))
        chosen[last if number in chosen else number] = None
    return passes.at(list(chosen))


def far_apart(passes: Passes, k: int, trials: int | None, generator: Generator | None) -> Tensor:
    """Return k rows by k-means++: each is drawn with a chance that is the squared distance to the nearest before it.

    Of `trials` rows so drawn the one that leaves the smallest sum of these distances is taken.
    """
    trials = 2 + int(math.log(k)) if trials is None else trials
    near = passes.mean.new_ones(passes.rows)  # the first is as likely to be one row as another
    centroids = passes.mean.new_empty(k, passes.data.width)
    for turn in range(k):
        candidates = passes.at(_drawn(passes, near, trials if turn else 1, generator))
        near = near if turn else near.fill_(math.inf)
        centroids[turn] = candidates[_left(passes, near, candidates).argmin()]
        for rows, closest in _chunks(passes, near):
            torch.minimum(closest, _gaps(rows, centroids[turn, None])[:, 0], out=closest)
    return centroids


def _left(passes: Passes, near: Tensor, candidates: Tensor) -> Tensor:
    """Add up the squared distances that would be left, were each of the candidates taken."""
    left = torch.zeros(len(candidates), dtype=torch.float64, device=near.device)
    for rows, closest in _chunks(passes, near):
        left += torch.minimum(_gaps(rows, candidates), closest[:, None]).sum(0, dtype=torch.float64)
    return summed([left], passes.group)[0]


def _drawn(passes: Passes, near: Tensor, count: int, generator: Generator | None) -> list[int]:
    """Draw numbers of rows with chances in proportion to `near`; where all are at 0, each is as likely as another."""
    sums = torch.stack([block.sum(dtype=torch.float64) for block in near.split(BLOCK)])
    ends = gathered(sums.sum(), passes.group).cumsum(0).tolist()  # of the ranks, laid end to end
    if ends[-1] == 0:
        return _drawn(passes, torch.ones_like(near), count, generator)
    rank = get_rank(passes.group) if passes.group else 0
    start, end = (ends[rank - 1] if rank else 0.0), ends[rank]
    numbers = torch.zeros(count, dtype=torch.float64)
    for place, share in enumerate(_uniform(count, passes, generator).tolist()):
        target = min(share * ends[-1], math.nextafter(ends[-1], 0))
        if start <= target < end:
            block, rest = _passed(sums, target - start)
            number, _ = _passed(near[block * BLOCK : (block + 1) * BLOCK].double(), rest)
            numbers[place] = passes.start + block * BLOCK + number
    return [int(number) for number in summed([numbers], passes.group)[0].tolist()]


def _passed(weights: Tensor, target: float) -> tuple[int, float]:
    """Return the place at which the running total of the weights passes the target, and how far into it that is."""
    ends = weights.cumsum(0)
    last = int((ends < ends[-1]).sum())  # rounding may put the target past the end: it belongs to the last weight
    place = min(int((ends <= target).sum()), last)
    return place, target - float(ends[place] - weights[place])


def _uniform(count: int, passes: Passes, generator: Generator | None) -> Tensor:
    """Draw numbers from 0 to 1: those of the first rank, so that all go on alike."""
    device = generator.device if generator else None
    return gathered(torch.rand(count, dtype=torch.float64, generator=generator, device=device), passes.group)[0]


def _chunks(passes: Passes, near: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    start = 0
    for batch in passes.data:
        for chunk in batch.split(BLOCK):
            yield chunk - passes.mean, near[start : start + len(chunk)]
            start += len(chunk)


def _gaps(rows: Tensor, candidates: Tensor) -> Tensor:
    return torch.cdist(rows, candidates, compute_mode=ROW_BY_ROW).square_()
