"""The readings of the rows that k-means is made of: each holds a chunk of rows, and k numbers for each row of a chunk.

All see the rows less their mean: then float32 keeps the digits of rows that lie far from 0 and close to each other.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributed import ProcessGroup, get_rank

from dlref._batches import Batches, Data
from dlref._checks import require
from dlref._moments import spread_of
from dlref._nearest import Nearest
from dlref._ranks import gathered, summed, together
from dlref._workers import Workers, added

PART = 8192  # rows that are added up in their own dtype before float64 takes over


class Far(NamedTuple):
    """Rows that lie far from their centroids: the farthest first."""

    rows: Tensor
    labels: Tensor
    distances: Tensor


class Passes:
    """Rows of all ranks, ready to be read again and again; `within` keeps the workers between readings."""

    def __init__(self, function: str, x: Data, group: ProcessGroup | None = None) -> None:
        self.function, self.group = function, group
        self._tables: list[Nearest] = []
        self.data = together(lambda: Batches(x, None, function), group)
        self._workers = Workers(self.data.device)
        spread = together(lambda: spread_of(self.data, self._workers), group)
        widths = gathered(torch.tensor([self.data.width]), group).flatten().tolist()
        require(len(set(widths)) == 1, "{} needs rows of one width on all ranks, got {}", function, widths)
        counts, means, spreads = gathered(torch.stack(spread), group).unbind(1)
        self.everywhere = counts[:, 0].long().tolist()
        self.rows = self.everywhere[get_rank(group) if group else 0]
        total = counts.sum(0).clamp(min=1)
        mean = (counts * means).sum(0) / total
        self.mean = mean.to(self.data.dtype)
        self.variance = (spreads + counts * (means - mean).square()).sum(0) / total

    @property
    def total(self) -> int:
        """How many rows all ranks have."""
        return sum(self.everywhere)

    @property
    def start(self) -> int:
        """The number of this rank's first row, counted through the ranks."""
        return sum(self.everywhere[: get_rank(self.group)]) if self.group else 0

    @contextmanager
    def within(self) -> Iterator["Passes"]:
        """Keep the workers and their tables between readings."""
        precision = torch.get_float32_matmul_precision()
        # TF32 keeps 10 bits of a number: it would move rows between centroids that are near each other.
        torch.set_float32_matmul_precision("highest")
        try:
            with self._workers:
                yield self
        finally:
            torch.set_float32_matmul_precision(precision)
            self._tables = []

    def totals(self, centroids: Tensor) -> tuple[Tensor, Tensor]:
        """Add up and count the rows that are nearest to each centroid, in float64, over all ranks."""

        def share(nearest: Nearest, rows: Tensor) -> Tensor:
            total = self._zeros(len(centroids), self.data.width + 1)
            for part in rows.split(max(PART, nearest.size)):
                sums = torch.zeros_like(total, dtype=centroids.dtype)
                for chunk in part.split(nearest.size):
                    nearest.add(chunk, sums)
                total += sums
            return total

        tables = self._aimed(centroids)
        parts = (part for batch in self.data for part in self._workers.share(share, batch, own=tables))
        (total,) = summed([added(parts)], self.group)
        return total[:, :-1], total[:, -1]

    def assigned(self, centroids: Tensor, *, keep: bool = True) -> tuple[Tensor, Tensor]:
        """Return the nearest centroid of each row of this rank, and the squared distances of all ranks, added up."""

        def share(nearest: Nearest, rows: Tensor, kept: Tensor) -> Tensor:
            inertia = self._zeros()
            for first in range(0, len(rows), nearest.size):
                chunk, labels = nearest.labels(rows[first : first + nearest.size])
                if keep:
                    kept[first : first + nearest.size] = labels
                inertia += chunk.sub_(centroids[labels]).square_().sum(1).sum(dtype=torch.float64)
            return inertia

        labels = torch.empty(self.rows if keep else 0, dtype=torch.int64, device=self.data.device)
        inertia, start, tables = self._zeros(), 0, self._aimed(centroids)
        for batch in self.data:
            inertia += sum(self._workers.share(share, batch, labels[start : start + len(batch)], own=tables))
            start += len(batch)
        return labels, summed([inertia], self.group)[0]

    def farthest(self, centroids: Tensor, count: int) -> Far:
        """Return the `count` rows of all ranks that lie farthest from their nearest centroid."""
        nearest, *_ = self._aimed(centroids)
        best = centroids.new_full((count, self.data.width + 2), -math.inf)  # distance, label and row
        for batch in self.data:
            for chunk in batch.split(nearest.size):
                rows, labels = nearest.labels(chunk)
                distances = (rows - centroids[labels]).square_().sum(1)
                met = torch.cat([distances[:, None], labels[:, None].to(rows), rows], 1)
                best = _first(torch.cat([best, met]), count)
        best = _first(gathered(best, self.group).flatten(0, 1), count)
        return Far(best[:, 2:], best[:, 1].long(), best[:, 0])

    def products(self) -> Tensor:
        """Add up the outer products of all rows with themselves, in float64, over all ranks."""
        total = self._zeros(self.data.width, self.data.width)
        for chunk in (chunk for batch in self.data for chunk in batch.split(2048)):
            rows = (chunk - self.mean).double()
            total.addmm_(rows.T, rows)
        return summed([total], self.group)[0]

    def at(self, numbers: Sequence[int]) -> Tensor:
        """Return the rows with these numbers, less the mean, counted from 0 through the rows of all ranks."""
        start = self.start
        found = self.mean.new_zeros(len(numbers), self.data.width)
        for batch in self.data:
            for place, number in enumerate(numbers):
                if 0 <= number - start < len(batch):
                    found[place] = batch[number - start] - self.mean
            start += len(batch)
        return summed([found], self.group)[0]

    def _aimed(self, centroids: Tensor) -> list[Nearest]:
        """Return the table of each worker, the same ones as long as k stays: new memory costs as much as the work."""
        if not self._tables or self._tables[0].k != len(centroids):
            self._tables = [Nearest(len(centroids), self.mean) for _ in range(self._workers.count)]
        return [each.to(centroids) for each in self._tables]

    def _zeros(self, *sizes: int) -> Tensor:
        return torch.zeros(sizes, dtype=torch.float64, device=self.data.device)


def _first(found: Tensor, count: int) -> Tensor:
    return found[found[:, 0].argsort(descending=True, stable=True)[:count]]
