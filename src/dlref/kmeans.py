"""K-means: put k centroids so that the rows lie near the nearest of them, by turns of two steps that cannot fail.

Rows are a matrix, a tensor or an array, or batches of rows that can be read again: a list of them, or an object whose
`__iter__` starts anew. They are read in chunks, and nothing of the size rows×k is ever held. They stay on their device,
and half precision is computed in float32. With `group`, a process group of `torch.distributed`, each rank passes rows
of its own; only sums of k×d numbers cross between them, and all get the centroids of the joined rows. A rank may have
none: it passes an empty matrix. What no gradient goes through says so.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.distributed import ProcessGroup

from dlref._batches import Batches, Data
from dlref._checks import floating, require
from dlref._lloyd import Clusters, best, descended, given, medians_of, moved_means, ranges, started, unit
from dlref._passes import Passes
from dlref._silhouette import widths
from dlref._types import Centroids, ClusterLabels, Count, NonNegative, PerCluster, PerRow, Scalar, Square, Table


class Assigned(NamedTuple):
    """The nearest centroid of each row, and the squared distances to it added up."""

    labels: ClusterLabels
    inertia: Scalar


class MiniBatch(NamedTuple):
    """Centroids after a batch, and how many rows each has seen so far."""

    centroids: Centroids
    counts: PerCluster


def kmeans(
    x: Data,
    k: Count,
    *,
    init: str | Centroids = "k-means++",
    restarts: Count = 1,
    max_iterations: Count = 300,
    tolerance: NonNegative = 1e-4,
    keep_labels: bool = True,
    generator: Generator | None = None,
    group: ProcessGroup | None = None,
) -> Clusters:
    r"""Put each row with its nearest centroid, and each centroid into the mean of its rows, until they stay.

    `inertia = Σ min_j |x_i - c_j|²`, which no step raises: so it ends, where no single step helps, which need not be
    the best. `restarts` starts so often anew and keeps the run with the lowest inertia.

    `init` is a k×d tensor, "k-means++" (see `kmeans_plus_plus`) or "random", k different rows. It ends when the
    centroids together move by no more than `tolerance` times the mean variance of a column, squared distances both, or
    after `max_iterations`. All of this is scikit-learn's: same start, same labels, centroids, inertia and iterations.

    A row at the same distance from two centroids goes to the first of them. A centroid without rows moves to the row
    that lies farthest from its own; several move to the farthest, second farthest and so on. With fewer different rows
    than k it has nowhere to go, and lies on the centroid with the most rows.

    One iteration reads the rows once and waits for the device once, to see whether to stop. `labels` holds 8 bytes a
    row; without `keep_labels` it is empty, and the memory is the same for any number of rows if `init` is a tensor or
    "random". "k-means++" holds 4 bytes a row, 8 in float64. On processors the chunks are shared among torch's threads.

    No gradient: it is an algorithm.

    Reference: Lloyd 1982, Least squares quantization in PCM.

    Raises
    ------
    TypeError
        If the rows are no floating matrix.
    ValueError
        If a row is not finite, there are fewer rows than k, batches differ in width or dtype or can be read only once,
        `init` is no k×d tensor and no known name, or a number is out of its range.
    RuntimeError
        If another rank dies, or is silent for longer than the group's timeout.

    """
    passes = Passes("kmeans", x, group)
    ranges("kmeans", restarts=restarts, max_iterations=max_iterations)
    require(tolerance >= 0, "kmeans needs tolerance >= 0, got {}", tolerance)
    runs = (
        descended(passes, started(passes, k, init, None, generator), max_iterations, tolerance, keep_labels=keep_labels)
        for _ in range(restarts)
    )
    return best(runs)


def step(x: Table, centroids: Centroids) -> Centroids:
    r"""Put each row with its nearest centroid, and give the mean of the rows of each: what `kmeans` does in turn.

    `c_j = (1/n_j) Σ x_i` over the n_j rows that are nearest to the j-th centroid. Ties and centroids without rows are
    as in `kmeans`.

    No gradient: where a row goes is a choice, and a small push changes nothing.
    """
    for each in (x, centroids):
        floating("step", each, "rows")
    shapes = tuple(x.shape), tuple(centroids.shape)
    fits = x.ndim == centroids.ndim == 2 and x.shape[1] == centroids.shape[1]
    require(fits, "step needs rows and centroids of one width, got shapes {} and {}", *shapes)
    dtype = torch.promote_types(x.dtype, centroids.dtype)
    passes = Passes("step", x.to(torch.promote_types(dtype, torch.float32)))
    start = given("step", passes, len(centroids), centroids)
    with passes.within():
        return (moved_means(passes, start)[0] + passes.mean).to(dtype)


def assign(x: Data, centroids: Centroids, *, group: ProcessGroup | None = None) -> Assigned:
    r"""Find the nearest centroid of each row, the first of equals, and the sum of the squared distances to it.

    No gradient: the labels have none, and that of the inertia is `2 n_j (c_j - mean of its rows)`.
    """
    passes = Passes("assign", x, group)
    start = given("assign", passes, len(centroids), centroids)
    with passes.within():
        labels, inertia = passes.assigned(start)
    return Assigned(labels, inertia.to(start.dtype))


def kmeans_plus_plus(
    x: Data,
    k: Count,
    *,
    trials: Count | None = None,
    generator: Generator | None = None,
    group: ProcessGroup | None = None,
) -> Centroids:
    r"""Draw k rows to start from, each likely to lie far from those drawn before it.

    The first is any row; each further one is drawn with a chance in proportion to `min_j (x_i - c_j)²`, the squared
    distance to the nearest that is drawn already. Of `trials` rows so drawn the one is taken that leaves the least
    inertia: `2 + floor(log k)` of them if not given, as in scikit-learn. `trials=1` is the published law. Where every
    row lies on a centroid, further ones are drawn with equal chances.

    With `trials=1` the start costs on average at most `8 (ln k + 2)` times the best inertia. With more trials it is
    usually better, but this bound does not cover it.

    It reads the rows three times for each centroid.

    No gradient: it is a draw.

    Reference: Arthur & Vassilvitskii 2007, k-means++: the advantages of careful seeding.

    Raises
    ------
    TypeError
        If the rows are no floating matrix.
    ValueError
        If a row is not finite, there are fewer rows than k, or `k` or `trials` is below 1.

    """
    passes = Passes("kmeans_plus_plus", x, group)
    require(trials is None or trials >= 1, "kmeans_plus_plus needs trials >= 1, got {}", trials)
    return started(passes, k, "k-means++", trials, generator) + passes.mean


def minibatch_kmeans(
    batches: Data,
    k: Count,
    *,
    init: str | Centroids = "k-means++",
    epochs: Count = 1,
    batch: Count = 1024,
    generator: Generator | None = None,
) -> Clusters:
    r"""Move the centroids after each batch, so that much has been learned before all rows are read once.

    Each batch takes one `minibatch_step`. Batches that are read one by one are taken as they are, if they have no more
    than `batch` rows; a matrix is cut into such, in its order: shuffle it first. `init` is as in `kmeans`; a start that
    is drawn comes from the first batch, which needs k rows. `iterations` counts the batches. Labels and inertia are
    those of a last reading.

    No gradient: it is an algorithm.

    Reference: Sculley 2010, Web-scale k-means clustering.

    Raises
    ------
    TypeError
        If the rows are no floating matrix.
    ValueError
        As in `kmeans`; and if a start is to be drawn from a first batch of fewer than k rows.

    """
    ranges("minibatch_kmeans", epochs=epochs, batch=batch)
    data, iterations = Batches(batches, batch, "minibatch_kmeans"), 0
    first = Passes("minibatch_kmeans", next(iter(data)))
    start = started(first, k, init, None, generator) + first.mean
    state = MiniBatch(start, torch.zeros(k, dtype=torch.float64, device=start.device))
    for _ in range(epochs):
        for rows in data:
            state = minibatch_step(rows, *state)
            iterations += 1
    return Clusters(state.centroids, *assign(batches, state.centroids), iterations)


def minibatch_step(x: Data, centroids: Centroids, counts: PerCluster) -> MiniBatch:
    r"""Move each centroid to the mean of all rows that it has been given so far, these among them.

    `c_j + (1/N_j) Σ (x_i - c_j)` over the rows of this batch that are nearest to c_j, and `N_j` counts them with those
    before. What a row said while its centroid lay elsewhere is not taken back: that is the price of reading once.

    No gradient: it is an algorithm.
    """
    passes = Passes("minibatch_step", x)
    start = given("minibatch_step", passes, len(centroids), centroids)
    with passes.within():
        sums, here = passes.totals(start)
    seen = counts.double() + here
    moved = start + (sums - here[:, None] * start) / seen.clamp(min=1)[:, None]
    return MiniBatch((moved + passes.mean).to(start.dtype), seen)


def spherical_kmeans(
    x: Data,
    k: Count,
    *,
    init: str | Centroids = "k-means++",
    restarts: Count = 1,
    max_iterations: Count = 300,
    tolerance: NonNegative = 1e-4,
    generator: Generator | None = None,
) -> Clusters:
    r"""Cluster by direction alone, as for texts: the distance is `1 - cos`, and rows and centroids have length 1.

    Between vectors of length 1 the squared distance is `2 (1 - cos)`, so `kmeans` does it, with one more line: after
    each step the means are scaled to length 1. `inertia` is the sum of the squared distances. Rows must have length 1:
    `x / x.norm(dim=1, keepdim=True)`.

    No gradient: it is an algorithm.

    Reference: Dhillon & Modha 2001, Concept decompositions for large sparse text data using clustering.

    Raises
    ------
    TypeError
        If the rows are no floating matrix.
    ValueError
        As in `kmeans`; and if a row is not of length 1.

    """
    name = "spherical_kmeans"
    passes = Passes(name, x)
    ranges(name, restarts=restarts, max_iterations=max_iterations)
    require(tolerance >= 0, "{} needs tolerance >= 0, got {}", name, tolerance)
    for rows in passes.data:
        lengths = rows.norm(dim=1)
        off = (lengths - 1).abs() > 1e-4
        law = "{} needs rows of length 1, got {}: divide each by its length"
        require(not off.any(), law, name, *lengths[off][:1].tolist())
    runs = (
        descended(passes, started(passes, k, init, None, generator), max_iterations, tolerance, onto=unit)
        for _ in range(restarts)
    )
    return best(runs)


def k_medians(
    x: Tensor,
    k: Count,
    *,
    init: str | Centroids = "k-means++",
    restarts: Count = 1,
    max_iterations: Count = 300,
    generator: Generator | None = None,
) -> Clusters:
    r"""Cluster by the Manhattan distance `Σ |x - c|`, whose best centre is the median of each column.

    A row far away pulls its centroid no harder than one nearby. Each iteration needs all rows of a cluster side by
    side, so `x` is one tensor. An even number of rows has its median halfway between the middle two. `inertia` adds up
    the distances themselves. A centroid without rows moves to the row that lies farthest from its own. It ends when no
    centroid moves.

    No gradient: it is an algorithm.

    Reference: Bradley, Mangasarian & Street 1996, Clustering via concave minimization.

    Raises
    ------
    TypeError
        If `x` is no floating matrix.
    ValueError
        As in `kmeans`.

    """
    passes = Passes("k_medians", x)
    ranges("k_medians", restarts=restarts, max_iterations=max_iterations)
    runs = (
        medians_of(passes, started(passes, k, init, None, generator) + passes.mean, max_iterations)
        for _ in range(restarts)
    )
    return best(runs)


def whitening(x: Data, *, group: ProcessGroup | None = None) -> Square:
    r"""Return the matrix W with which `kmeans(x @ W, k)` clusters by the Mahalanobis distance.

    `(x - y)ᵀ S⁻¹ (x - y) = |(x - y) W|²`, with S the covariance of the rows, divided by n - 1, and `W Wᵀ = S⁻¹`. The
    columns of `x @ W` have variance 1 and are not correlated, so neither their units nor their overlap count.

    No gradient: it is called once, on the data.

    Reference: Mahalanobis 1936, On the generalised distance in statistics.
    """
    passes = Passes("whitening", x, group)
    covariance = passes.products() / max(1, passes.total - 1)
    factor, failed = torch.linalg.cholesky_ex(covariance)
    flat = bool(failed) or bool(factor.diagonal().square().min() <= covariance.diagonal().max() * 1e-13)
    law = "whitening needs columns of which none follows from the others, got {} rows of {} columns"
    require(not flat, law, passes.total, passes.data.width)
    identity = torch.eye(passes.data.width, dtype=factor.dtype, device=factor.device)
    return torch.linalg.solve_triangular(factor, identity, upper=False).T.to(passes.mean.dtype)


def silhouette(x: Tensor, labels: ClusterLabels) -> PerRow:
    r"""Say of each row how well it lies in its cluster: 1 inside, 0 on the border, below 0 nearer to another.

    `(b - a) / max(a, b)`: `a` is the mean distance to the other rows of its cluster, `b` the smallest mean distance to
    the rows of another. A row that is alone in its cluster has 0. The mean over all rows tells numbers of clusters
    apart. Equal to scikit-learn's `silhouette_samples`. It takes all n² distances, a chunk at a time.

    No gradient: it judges what was found.

    Reference: Rousseeuw 1987, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis.

    Raises
    ------
    TypeError
        If `x` is no floating matrix, or `labels` are no whole numbers.
    ValueError
        If there is not one label for each row, or not from 2 to n - 1 different ones.

    """
    return widths("silhouette", Passes("silhouette", x), labels)


def elbow(x: Data, ks: Sequence[int], *, restarts: Count = 10, generator: Generator | None = None) -> PerCluster:
    r"""Return the inertia that `kmeans` reaches for each number of clusters: look where it stops falling fast.

    More clusters never raise the best inertia, so its minimum says nothing; its bend may.

    No gradient: it is an algorithm.

    Raises
    ------
    TypeError
        If the rows are no floating matrix.
    ValueError
        As in `kmeans`.

    """
    found = [kmeans(x, k, restarts=restarts, keep_labels=False, generator=generator) for k in ks]
    return torch.stack([each.inertia for each in found])
