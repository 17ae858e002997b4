"""Means and scatter of rows that are read in chunks, over workers and ranks."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributed import ProcessGroup, get_world_size

from dlref._batches import Batches
from dlref._checks import require
from dlref._ranks import summed, together
from dlref._workers import Workers, fitting

CHUNK = 2**17  # numbers that are centred at a time: few enough to stay in a processor's cache
LEAST = 32  # rows, whose multiples a chunk has, however wide: other products are slower by up to a half
WIDE = 512  # columns, from which the product of a chunk is work enough for all threads together

Work = Callable[[Iterator[Tensor]], Tensor]  # makes one tensor of chunks, each of which is written over by the next
Made = Callable[[Work], Iterator[Tensor]]  # reads all data, a run for each worker, and gives what is made of each run


class Moments(NamedTuple):
    """How many rows, their mean, and the products of their columns around it, added up."""

    rows: int
    mean: Tensor
    scatter: Tensor


def moments_of(data: Batches, group: ProcessGroup | None) -> Moments:
    """Return the moments of the rows of all ranks."""

    def share(rows: Tensor) -> Moments:
        # Of many columns the sums are larger than a chunk, so a chunk may be as large as they are.
        moments, room = nothing(), _room(rows, max(rows_of(data), data.width // 4))
        for chunk in rows.split(len(room)):
            # Each is centred at its own mean, and the distance of the means is made up for.
            center = chunk.mean(0)
            gap = torch.sub(chunk, center, out=room[: len(chunk)])
            moments = _joined(moments, Moments(len(chunk), center.double(), gap.T @ gap))
        return moments

    def nothing() -> Moments:
        return Moments(0, zeros(data, data.width), zeros(data, data.width, data.width))

    def here() -> Moments:
        moments = nothing()
        with Workers(data.device, alone=data.width >= WIDE) as workers:
            for batch in data:
                for part in workers.share(share, batch):
                    moments = _joined(moments, part)
        return moments

    moments = together(here, group)
    everywhere = _count(moments.rows, data, group)
    (joint,) = summed([moments.mean * (moments.rows / everywhere)], group)
    gap = moments.mean - joint
    (scatter,) = summed([moments.scatter.addr_(gap, gap, alpha=moments.rows)], group)
    return Moments(everywhere, joint, scatter)


def _joined(one: Moments, other: Moments) -> Moments:
    """Return the moments of both, written over those of the first."""
    if other.rows == 0:
        return one
    rows, gap = one.rows + other.rows, other.mean - one.mean
    scatter = one.scatter.add_(other.scatter).addr_(gap, gap, alpha=one.rows * other.rows / rows)
    return Moments(rows, one.mean.add_(gap, alpha=other.rows / rows), scatter)


def mean_of(data: Batches, workers: Workers, group: ProcessGroup | None) -> tuple[int, Tensor]:
    """Return the number of the rows of all ranks, and their mean."""

    def share(rows: Tensor) -> Tensor:
        return sum((chunk.sum(0).double() for chunk in rows.split(rows_of(data))), zeros(data, data.width))

    def here() -> tuple[int, Tensor]:
        count, total = 0, zeros(data, data.width)
        for batch in data:
            count, total = count + len(batch), total + sum(workers.share(share, batch))
        return count, total

    count, total = together(here, group)
    count = _count(count, data, group)
    (total,) = summed([total], group)
    return count, total / count


def spread_of(data: Batches, workers: Workers) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each column the number of its entries, their mean, and the squares around it, added up."""

    def share(guess: Tensor, rows: Tensor) -> Tensor:
        room, sums = _room(rows, rows_of(data)), zeros(data, 2, data.width)
        for chunk in rows.split(len(room)):
            gap = torch.sub(chunk, guess, out=room[: len(chunk)])
            sums[0] += gap.sum(0)
            sums[1] += gap.square_().sum(0)
        return sums

    guess, count, sums = None, zeros(data, data.width), zeros(data, 2, data.width)
    with workers:
        for batch in filter(len, data):
            guess = batch[:2048].mean(0) if guess is None else guess  # near the mean, so no digits cancel
            count += len(batch)
            sums += sum(workers.share(partial(share, guess), batch))
    slip = sums[0] / count.clamp(min=1)
    return count, slip if guess is None else guess + slip, (sums[1] - sums[0] * slip).clamp(min=0)


def by_rows(data: Batches, mean: Tensor, workers: Workers) -> Made:
    """Read the rows less the mean."""
    center = mean.to(data.dtype)
    rooms = [center.new_empty(rows_of(data), data.width) for _ in range(workers.count)]

    def made(work: Work) -> Iterator[Tensor]:
        def share(room: Tensor, rows: Tensor) -> Tensor:
            return work(torch.sub(chunk, center, out=room[: len(chunk)]) for chunk in rows.split(len(room)))

        return (part for batch in data for part in workers.share(share, batch, own=rooms))

    return made


def by_columns(x: Tensor, mean: Tensor, workers: Workers) -> Made:
    """Read the columns, each less its mean, as if they were rows: of wide data they are shorter."""
    rooms = [x.new_empty(len(x), rows_of(x.T)).T for _ in range(workers.count)]
    centers = mean.to(x.dtype)[:, None]

    def made(work: Work) -> Iterator[Tensor]:
        def share(room: Tensor, columns: Tensor, centers: Tensor) -> Tensor:
            pairs = zip(columns.split(len(room)), centers.split(len(room)), strict=True)
            return work(torch.sub(chunk, center, out=room[: len(chunk)]) for chunk, center in pairs)

        return iter(workers.share(share, x.T, centers, own=rooms))

    return made


def _count(count: int, data: Batches, group: ProcessGroup | None) -> int:
    """Return how many rows all ranks have together; their widths must be one."""
    if group is not None:
        (both,) = summed([torch.tensor([count, data.width], device=data.device)], group)
        count, widths = both.tolist()
        law = "pca needs rows of one width on every rank, got {} here and {} on all ranks"
        require(widths == data.width * get_world_size(group), law, data.width, widths)
    enough("pca", count)
    return count


def enough(function: str, rows: int) -> None:
    """Raise ValueError for fewer than 2 rows."""
    require(rows >= 2, "{} needs 2 rows or more, got {}: one row does not vary", function, rows)


def rows_of(data: Batches | Tensor) -> int:
    """Return how many rows of these data are centred at a time."""
    width = data.shape[1] if isinstance(data, Tensor) else data.width
    return max(1, fitting(CHUNK, data.device) // max(1, width) // LEAST) * LEAST


def zeros(data: Batches, *sizes: int) -> Tensor:
    """Return zeros in float64, where the data are."""
    return torch.zeros(sizes, dtype=torch.float64, device=data.device)


def _room(rows: Tensor, count: int) -> Tensor:
    return rows.new_empty(max(1, min(count, len(rows))), rows.shape[1])
