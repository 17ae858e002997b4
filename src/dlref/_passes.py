"""The readings of the rows that k-means is made of: each holds a chunk of rows, and k numbers for each row of a chunk.

All see the rows less their mean: then float32 keeps the digits of rows that lie far from 0 and close to each other.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributed import ProcessGroup, get_rank

from dlref._batches import Batches, Data
from dlref._checks import require
from dlref._ranks import gathered, summed

READ = 32_768  # rows that are read at a time, and shared out among the workers
SCORES = 256 * 1024  # numbers in the table of a chunk, rows times centroids: 1 MB, which a core's cache holds
FEW = 32  # centroids
Pieces = Sequence[tuple[Tensor, ...]]  # chunks of rows, each with the places for what belongs to them


class Far(NamedTuple):
    """Rows that lie far from their centroids: the farthest first."""

    rows: Tensor
    labels: Tensor
    distances: Tensor


class Passes:
    """Rows of all ranks, ready to be read again and again; `within` keeps the workers between readings."""

    def __init__(self, function: str, x: Data, group: ProcessGroup | None = None) -> None:
        self.function, self.group = function, group
        self._pool: ThreadPoolExecutor | None = None
        self._threads = 1
        refusal = None
        try:
            self.data = Batches(x, READ, function)
            counts, means, spreads = self._survey()
        except (ValueError, TypeError) as error:
            refusal, counts, means, spreads = error, *torch.zeros(3, 1, dtype=torch.float64)
        # Whatever one rank refuses, all must hear of: the others would wait for its sums.
        agreed = gathered(torch.tensor([0 if refusal else len(means)]), group).flatten().tolist()
        if refusal:
            raise refusal
        law = "{} needs rows of one width on all ranks, got {} (0 where they were refused)"
        require(len(set(agreed)) == 1, law, function, agreed)
        counts, means, spreads = gathered(torch.stack([counts, means, spreads]), group).unbind(1)
        self.everywhere = counts[:, 0].long().tolist()
        self.rows = self.everywhere[get_rank(group) if group else 0]
        total = counts.sum(0).clamp(min=1)
        mean = (counts * means).sum(0) / total
        self.mean = mean.to(self.data.dtype)
        self.variance = (spreads + counts * (means - mean).square()).sum(0) / total

    def _survey(self) -> tuple[Tensor, Tensor, Tensor]:
        """Count this rank's rows, and return the mean of each column and the squares around it, added up."""
        guess = None
        count, first, second = torch.zeros(3, self.data.width, dtype=torch.float64, device=self.data.device)
        for chunk in (chunk for batch in self.data for chunk in batch.split(2048) if len(chunk)):
            guess = chunk.mean(0) if guess is None else guess  # near the mean, so no digits cancel
            gap = chunk - guess
            count += len(chunk)
            first += gap.sum(0)
            second += gap.square_().sum(0)
        slip = first / count.clamp(min=1)
        return count, slip if guess is None else guess + slip, (second - first * slip).clamp(min=0)

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
        """Share the chunks of each batch out among workers, one for each thread of torch; on a GPU there is one.

        Meanwhile torch works with one thread: many small products side by side are faster than each cut in two.
        """
        threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
        self._threads = threads if self.data.device.type == "cpu" else 1
        # TF32 keeps 10 bits of a number: it would move rows between centroids that are near each other.
        torch.set_float32_matmul_precision("highest")
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(self._threads) as self._pool:
                yield self
        finally:
            torch.set_num_threads(threads)
            torch.set_float32_matmul_precision(precision)
            self._pool, self._threads = None, 1

    def totals(self, centroids: Tensor) -> tuple[Tensor, Tensor]:
        """Add up and count the rows that are nearest to each centroid, in float64, over all ranks."""

        def share(nearest: _Nearest, chunks: Pieces) -> Tensor:
            sums = centroids.new_zeros(len(centroids), self.data.width + 1)
            for (chunk,) in chunks:
                rows, labels = nearest(chunk)
                sums.index_add_(0, labels, rows)
            return sums

        total = torch.zeros(len(centroids), self.data.width + 1, dtype=torch.float64, device=self.data.device)
        tables = self._tables(centroids)
        for batch in self.data:
            for sums in self._shared(share, tables, batch):
                total += sums
        (total,) = summed([total], self.group)
        return total[:, :-1], total[:, -1]

    def assigned(self, centroids: Tensor, *, keep: bool = True) -> tuple[Tensor, Tensor]:
        """Return the nearest centroid of each row of this rank, and the squared distances of all ranks, added up."""

        def share(nearest: _Nearest, chunks: Pieces) -> Tensor:
            inertia = torch.zeros((), dtype=torch.float64, device=place)
            for chunk, found in chunks:
                rows, labels = nearest(chunk)
                found.copy_(labels)
                gaps = rows[:, :-1].sub_(centroids[labels]).square_()
                inertia += gaps.sum(1).sum(dtype=torch.float64)
            return inertia

        place = self.data.device
        labels, start = torch.empty(self.rows if keep else READ, dtype=torch.int64, device=place), 0
        inertia, tables = torch.zeros((), dtype=torch.float64, device=place), self._tables(centroids)
        for batch in self.data:
            inertia += sum(self._shared(share, tables, batch, labels[start : start + len(batch)]))
            start += len(batch) if keep else 0
        return labels if keep else labels[:0].clone(), summed([inertia], self.group)[0]

    def farthest(self, centroids: Tensor, count: int) -> Far:
        """Return the `count` rows of all ranks that lie farthest from their nearest centroid."""
        nearest = _Nearest(centroids, self.mean)
        best = centroids.new_full((count, self.data.width + 2), -math.inf)  # distance, label and row
        for batch in self.data:
            for chunk in batch.split(_chunk(len(centroids))):
                rows, labels = nearest(chunk)
                distances = (rows[:, :-1] - centroids[labels]).square_().sum(1)
                met = torch.cat([distances[:, None], labels[:, None].to(rows), rows[:, :-1]], 1)
                best = _first(torch.cat([best, met]), count)
        best = _first(gathered(best, self.group).flatten(0, 1), count)
        return Far(best[:, 2:], best[:, 1].long(), best[:, 0])

    def products(self) -> Tensor:
        """Add up the outer products of all rows with themselves, in float64, over all ranks."""
        total = torch.zeros(self.data.width, self.data.width, dtype=torch.float64, device=self.data.device)
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

    def _tables(self, centroids: Tensor) -> list["_Nearest"]:
        return [_Nearest(centroids, self.mean) for _ in range(self._threads)]

    def _shared(
        self, share: Callable[["_Nearest", Pieces], Tensor], tables: list["_Nearest"], *columns: Tensor
    ) -> Iterator[Tensor]:
        chunks = list(zip(*(each.split(len(tables[0].rows)) for each in columns), strict=True))
        shares = [chunks[turn :: len(tables)] for turn in range(len(tables))]
        return (self._pool.map if self._pool else map)(share, tables, shares)


class _Nearest:
    """Finds the nearest centroid of each row of a chunk, in tables that are written over by the next chunk.

    |x - c|² is |x|² - 2 x·c + |c|², and |x|² is the same for all centroids. A column of ones beside the rows carries
    |c|² into the product, and counts the rows when they are added up.
    """

    def __init__(self, centroids: Tensor, mean: Tensor) -> None:
        self.mean = mean
        self.weights = torch.cat([-2 * centroids, centroids.square().sum(1, keepdim=True)], 1).T
        self.rows = mean.new_ones(_chunk(len(centroids)), len(mean) + 1)
        shape = _chunk(len(centroids)), len(centroids)
        # Few columns are filled four times as fast one by one.
        self.scores = mean.new_empty(shape[::-1]).T if len(centroids) < FEW else mean.new_empty(shape)

    def __call__(self, chunk: Tensor) -> tuple[Tensor, Tensor]:
        rows, scores = self.rows[: len(chunk)], self.scores[: len(chunk)]
        torch.sub(chunk, self.mean, out=rows[:, :-1])
        torch.mm(rows, self.weights, out=scores)
        return rows, _argmin(scores)


def _argmin(scores: Tensor) -> Tensor:
    # numpy's is ten times faster on a processor; both take the first of equals.
    if scores.device.type == "cpu":
        return torch.from_numpy(scores.numpy().argmin(1))
    return scores.argmin(1)


def _chunk(k: int) -> int:
    return max(64, min(4096, SCORES // k))


def _first(found: Tensor, count: int) -> Tensor:
    return found[found[:, 0].argsort(descending=True, stable=True)[:count]]
