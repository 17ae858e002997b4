"""Damaged k-means."""

import torch
from torch import Tensor

from dlref.kmeans import MiniBatch


def step_forgets_the_squares(x: Tensor, centroids: Tensor) -> Tensor:
    """Move each centroid to the mean of the rows that are nearest to it."""
    products = x @ centroids.T
    # right: `scores = centroids.square().sum(1) - 2 * products`
    scores = -2 * products  # wrong: without |c|² a long centroid in the row's direction wins, however far.
    labels = scores.argmin(1)
    chosen = torch.nn.functional.one_hot(labels, len(centroids)).to(x)
    return chosen.T @ x / chosen.sum(0)[:, None]


def step_divides_by_all(x: Tensor, centroids: Tensor) -> Tensor:
    """Move each centroid to the mean of the rows that are nearest to it."""
    gaps = (x[:, None] - centroids).square().sum(2)
    labels = gaps.argmin(1)
    chosen = torch.nn.functional.one_hot(labels, len(centroids)).to(x)
    # right: `counts = chosen.sum(0)[:, None]`
    counts = len(x)  # wrong: a mean divides by the rows of its own cluster.
    return chosen.T @ x / counts


def step_to_the_median(x: Tensor, centroids: Tensor) -> Tensor:
    """Move each centroid to the mean of the rows that are nearest to it."""
    gaps = (x[:, None] - centroids).square().sum(2)
    labels = gaps.argmin(1)
    groups = [x[labels == each] for each in range(len(centroids))]
    # right: `return torch.stack([group.mean(0) for group in groups])`
    return torch.stack([group.quantile(0.5, 0) for group in groups])  # wrong: the median is k-medians'.


def step_to_the_farthest(x: Tensor, centroids: Tensor) -> Tensor:
    """Move each centroid to the mean of the rows that are nearest to it."""
    gaps = (x[:, None] - centroids).square().sum(2)
    # right: `labels = gaps.argmin(1)`
    labels = gaps.argmax(1)  # wrong: the nearest centroid has the smallest distance.
    groups = [x[labels == each] for each in range(len(centroids))]
    return torch.stack([group.mean(0) for group in groups])


def minibatch_step_forgets_the_past(x: Tensor, centroids: Tensor, counts: Tensor) -> MiniBatch:
    """Move each centroid to the mean of all rows that it has been given so far."""
    labels = torch.cdist(x, centroids).argmin(1)
    chosen = torch.nn.functional.one_hot(labels, len(centroids)).to(x)
    here = chosen.sum(0)
    seen = counts + here
    gaps = chosen.T @ x - here[:, None] * centroids
    # right: `moved = centroids + gaps / seen.clamp(min=1)[:, None]`
    moved = centroids + gaps / here.clamp(min=1)[:, None]  # wrong: only `seen` counts the rows of earlier batches.
    return MiniBatch(moved, seen)


def silhouette_counts_the_row_itself(x: Tensor, labels: Tensor) -> Tensor:
    """Compare each row's mean distance to its own cluster with that to the next one."""
    chosen = torch.nn.functional.one_hot(labels).to(x)
    counts = chosen.sum(0)
    sums = torch.cdist(x, x) @ chosen
    own = labels[:, None]
    # right: `a = (sums.gather(1, own) / (counts[labels] - 1)[:, None])[:, 0]`
    a = (sums.gather(1, own) / counts[labels][:, None])[:, 0]  # wrong: the row is no neighbour of itself; take 1 off.
    b = (sums / counts).scatter(1, own, float("inf")).amin(1)
    return (b - a) / torch.maximum(a, b)
