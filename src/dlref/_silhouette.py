"""How well each row lies in its cluster, from the distances between all rows, a block of them at a time."""

import torch
from torch import Tensor

from dlref._checks import require
from dlref._passes import Passes

BLOCK = 1024  # rows whose distances to as many others are held at once
ROW_BY_ROW = "donot_use_mm_for_euclid_dist"  # the other way loses the digits of rows that are near each other


def widths(function: str, passes: Passes, labels: Tensor) -> Tensor:
    """Return `(b - a) / max(a, b)` of each row, and 0 where it is alone in its cluster."""
    own, counts = _checked(function, labels, passes)
    apart = torch.cat([_sums(passes, rows, own, len(counts)) for rows in _blocks(passes)])
    mine = own[:, None]
    alone = counts[own] == 1
    a = apart.gather(1, mine)[:, 0] / (counts[own] - 1).clamp(min=1)
    b = (apart / counts).scatter(1, mine, float("inf")).amin(1)
    largest = torch.maximum(a, b)
    return torch.where(alone | (largest == 0), 0.0, (b - a) / largest).to(passes.mean.dtype)


def _sums(passes: Passes, rows: Tensor, own: Tensor, clusters: int) -> Tensor:
    """Add up the distances of these rows to all others, cluster by cluster."""
    sums, start = torch.zeros(clusters, len(rows), dtype=torch.float64, device=rows.device), 0
    for others in _blocks(passes):
        distances = torch.cdist(others, rows, compute_mode=ROW_BY_ROW)
        sums.index_add_(0, own[start : start + len(others)], distances.double())
        start += len(others)
    return sums.T


def _blocks(passes: Passes) -> list[Tensor]:
    return [block for batch in passes.data for block in batch.split(BLOCK)]


def _checked(function: str, labels: Tensor, passes: Passes) -> tuple[Tensor, Tensor]:
    """Return the labels numbered from 0 without a gap, and how many rows each has."""
    if not isinstance(labels, Tensor) or labels.is_floating_point() or labels.is_complex():
        kind = getattr(labels, "dtype", type(labels).__name__)
        raise TypeError(f"{function} needs whole numbers as labels, got {kind}: convert them with .long()")
    law = "{} needs one label for each row, got labels of shape {} and {} rows"
    require(tuple(labels.shape) == (passes.rows,), law, function, tuple(labels.shape), passes.rows)
    _, own, counts = labels.unique(return_inverse=True, return_counts=True)
    law = "{} needs from 2 to {} different labels for {} rows, got {}"
    require(1 < len(counts) < passes.rows, law, function, passes.rows - 1, passes.rows, len(counts))
    return own, counts
