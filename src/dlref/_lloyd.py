"""Lloyd's algorithm: one step and the loop around it, for means and for medians, and what they start from."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from dlref._checks import require
from dlref._passes import Passes
from dlref._seeding import at_random, far_apart
from dlref._types import Centroids, ClusterLabels, Scalar


class Clusters(NamedTuple):
    """What was found: centroids k×d, the nearest of each of this rank's rows, and the squared distances added up."""

    centroids: Centroids
    labels: ClusterLabels
    inertia: Scalar
    iterations: int


def descended(
    passes: Passes,
    centroids: Tensor,
    max_iterations: int,
    tolerance: float,
    *,
    keep_labels: bool = True,
    onto: Callable[[Tensor], Tensor] | None = None,
) -> Clusters:
    """Take steps until the centroids stay; they are held less the mean, and `onto` says where they may lie."""
    limit, iterations = tolerance * float(passes.variance.mean()), 0
    with passes.within():
        for iterations in range(1, max_iterations + 1):  # noqa: B007  (the result says how many)
            moved, shift = moved_means(passes, centroids)
            if onto is not None:
                moved = onto(moved + passes.mean) - passes.mean
                shift = (moved - centroids).square().sum().item()
            centroids = moved
            if shift <= limit:
                break
        labels, inertia = passes.assigned(centroids, keep=keep_labels)
    return Clusters(centroids + passes.mean, labels, inertia.to(centroids.dtype), iterations)


def best(runs: Iterable[Clusters]) -> Clusters:
    """Return the run with the lowest inertia, the first of equals."""
    return min(runs, key=lambda run: run.inertia)


def moved_means(passes: Passes, centroids: Tensor) -> tuple[Tensor, float]:
    """Return the mean of the rows of each centroid, and how far they are from the centroids, squared."""
    sums, counts = passes.totals(centroids)
    moved = (sums / counts[:, None]).to(centroids.dtype)
    shift = (moved - centroids).square().sum().item()  # the one wait for the device; nan where 0 is divided by 0
    if shift == shift:
        return moved, shift
    moved = _relocated(passes, centroids, sums, counts).to(centroids.dtype)
    return moved, (moved - centroids).square().sum().item()


def _relocated(passes: Passes, centroids: Tensor, sums: Tensor, counts: Tensor) -> Tensor:
    # scikit-learn's rule: the farthest rows leave their clusters, and each is the only row of its new one.
    empty = (counts == 0).nonzero().flatten()
    far = passes.farthest(centroids, len(empty))
    rounding = torch.finfo(far.rows.dtype).eps * (far.rows.abs().max() + centroids.abs().max())
    if len(empty) and far.distances[0] > 4 * rounding.square() * far.rows.shape[1]:
        sums.index_add_(0, far.labels, far.rows.double(), alpha=-1)
        counts.index_add_(0, far.labels, torch.ones_like(counts[empty]), alpha=-1)
        sums[empty], counts[empty] = far.rows.double(), 1.0
    moved = sums / counts[:, None]
    return torch.where(counts[:, None] > 0, moved, moved[counts.argmax()])


def medians_of(passes: Passes, centroids: Tensor, max_iterations: int) -> Clusters:
    """Take steps of the Manhattan distance until the centroids stay."""
    rows, iterations = torch.cat(list(passes.data)), 0
    for iterations in range(1, max_iterations + 1):  # noqa: B007  (the result says how many)
        labels, distances = _nearest_by_blocks(rows, centroids)
        counts = torch.bincount(labels, minlength=len(centroids))
        spare = iter(distances.argsort(descending=True, stable=True).tolist())
        moved = torch.stack(
            [_median(rows[labels == j]) if counts[j] else rows[next(spare)] for j in range(len(centroids))]
        )
        if torch.equal(moved, centroids):
            break
        centroids = moved
    labels, distances = _nearest_by_blocks(rows, centroids)
    return Clusters(centroids, labels, distances.sum(dtype=torch.float64).to(rows.dtype), iterations)


def _nearest_by_blocks(rows: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    nearest = [torch.cdist(chunk, centroids, p=1.0).min(1) for chunk in rows.split(2048)]
    return torch.cat([each.indices for each in nearest]), torch.cat([each.values for each in nearest])


def _median(rows: Tensor) -> Tensor:
    ordered, middle = rows.sort(0).values, len(rows) // 2
    return (ordered[middle] + ordered[-1 - middle]) / 2


def unit(centroids: Tensor) -> Tensor:
    """Scale each to length 1."""
    return centroids / centroids.norm(dim=1, keepdim=True)


def started(passes: Passes, k: int, init: str | Tensor, trials: int | None, generator: Generator | None) -> Tensor:
    """Return k centroids, less the mean."""
    ranges(passes.function, k=k)
    require(k <= passes.total, "{} needs k <= rows, got {} and {} rows", passes.function, k, passes.total)
    if isinstance(init, Tensor):
        return given(passes.function, passes, k, init)
    names = {
        "k-means++": lambda: far_apart(passes, k, trials, generator),
        "random": lambda: at_random(passes, k, generator),
    }
    require(init in names, "{} needs init to be k-means++, random or a tensor, got {}", passes.function, init)
    return names[init]()


def given(function: str, passes: Passes, k: int, centroids: Tensor) -> Tensor:
    """Return the centroids less the mean, once they are k of the right width."""
    shape = k, passes.data.width
    law = "{} needs finite centroids of shape {}, got {}"
    require(tuple(centroids.shape) == shape, law, function, shape, tuple(centroids.shape))
    require(bool(centroids.isfinite().all()), law, function, shape, "nan or infinity")
    return centroids.detach().to(passes.mean) - passes.mean


def ranges(function: str, **numbers: int) -> None:
    """Raise ValueError unless each is 1 or more."""
    for name, number in numbers.items():
        require(number >= 1, "{} needs {} >= 1, got {}", function, name, number)
