"""The nearest of k centroids, for a chunk of rows at a time."""

import torch
from torch import Tensor

from dlref._workers import fitting

SCORES = 2**18  # numbers in the table of a chunk, rows times centroids: 1 MB, which a core's cache holds
LEAST = 32  # centroids, of which a table has room for so many rows; of fewer it has no more rows
FEW = 200  # centroids


class Nearest:
    """Finds the nearest centroid of each row of a chunk, in tables that are written over by the next chunk.

    |x - c|² is |x|² - 2 x·c + |c|², and |x|² is the same for all centroids. A column of ones beside the rows carries
    |c|² into the product, and counts the rows when they are added up.
    """

    def __init__(self, k: int, mean: Tensor) -> None:
        self.k, self.mean = k, mean
        self.size = max(64, fitting(SCORES, mean.device) // max(k, LEAST))
        self.few = k < FEW and mean.device.type == "cpu"
        self.rows = mean.new_ones(self.size, len(mean) + 1)
        # A few long columns are filled, and compared, faster than many short rows.
        self.scores = mean.new_empty(k, self.size).T if self.few else mean.new_empty(self.size, k)
        self.numbers = torch.arange(k).to(mean)

    def to(self, centroids: Tensor) -> "Nearest":
        """Go by these k centroids from now on."""
        self.weights = torch.cat([-2 * centroids, centroids.square().sum(1, keepdim=True)], 1).T
        return self

    def labels(self, chunk: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows less the mean, and the centroid of each, the first of equals."""
        rows, labels = self._labelled(chunk)
        return rows[:, :-1], labels

    def add(self, chunk: Tensor, sums: Tensor) -> None:
        """Add each row, less the mean and with a 1 after it, to the sum of its centroid."""
        rows, labels = self._labelled(chunk)
        sums.index_add_(0, labels, rows)

    def _labelled(self, chunk: Tensor) -> tuple[Tensor, Tensor]:
        rows, scores = self.rows[: len(chunk)], self.scores[: len(chunk)]
        torch.sub(chunk, self.mean, out=rows[:, :-1])
        torch.mm(rows, self.weights, out=scores)
        return rows, _of_few(scores, self.numbers) if self.few else _of_many(scores)


def _of_few(scores: Tensor, numbers: Tensor) -> Tensor:
    # Where numbers are looked for one by one, a processor guesses what comes and is often wrong; here it need not.
    hits = torch.eq(scores, scores.amin(1, keepdim=True), out=scores)
    if hits.sum() > len(hits):
        hits.mul_(hits.cumsum(1) == 1)  # the first of equals
    return (hits @ numbers).long()


def _of_many(scores: Tensor) -> Tensor:
    # numpy's is ten times faster on a processor; both take the first of equals.
    if scores.device.type == "cpu":
        return torch.from_numpy(scores.numpy().argmin(1))
    return scores.argmin(1)
