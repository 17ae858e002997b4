"""Damaged PCA."""

import torch
from torch import Tensor

from dlref.pca import PrincipalComponents


def pca_without_the_square(x: Tensor, components: int) -> PrincipalComponents:
    """Find the axes of a matrix, one row for each example, from its singular value decomposition."""
    mean = x.mean(0)
    rows = len(x)
    _, singular, axes = torch.linalg.svd(x - mean, full_matrices=False)
    # right: `variance = singular**2 / (rows - 1)`
    variance = singular / (rows - 1)  # wrong: the eigenvalues of the covariance are the squares of these.
    ratio = variance / variance.sum()
    peak = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    axes = axes * peak.sign()
    noise = variance[components:].sum() / max(1, len(variance) - components)
    kept = (each[:components] for each in (axes, variance, ratio, singular))
    return PrincipalComponents(mean, *kept, noise, rows)


def pca_without_the_mean(x: Tensor, components: int) -> PrincipalComponents:
    """Find the axes of a matrix, one row for each example, from its covariance."""
    mean = x.mean(0)
    rows = len(x)
    # right: `gap = x - mean`
    gap = x.clone()  # wrong: without the mean taken away, the first axis points at it.
    values, vectors = torch.linalg.eigh(gap.T @ gap / (rows - 1))
    variance = values.flip(0).clamp(min=0)[: min(x.shape)]
    axes = vectors.flip(1).T[: min(x.shape)]
    peak = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    axes = axes * peak.sign()
    ratio = variance / variance.sum()
    noise = variance[components:].sum() / max(1, len(variance) - components)
    singular = (variance * (rows - 1)).sqrt()
    kept = (each[:components] for each in (axes, variance, ratio, singular))
    return PrincipalComponents(mean, *kept, noise, rows)


def covariance_grows(x: Tensor) -> Tensor:
    """Measure how each two columns vary together."""
    gap = x - x.mean(0)
    # right: `return gap.T @ gap / (len(x) - 1)`
    return gap.T @ gap  # wrong: a sum over the rows. Divide by n - 1.


def covariance_of_the_sample(x: Tensor) -> Tensor:
    """Measure how each two columns vary together."""
    gap = x - x.mean(0)
    # right: `return gap.T @ gap / (len(x) - 1)`
    return gap.T @ gap / len(x)  # wrong: that divides by n.


def covariance_of_the_rows(x: Tensor) -> Tensor:
    """Measure how each two columns vary together."""
    # right: `gap = x - x.mean(0)`
    gap = x - x.mean(1, keepdim=True)  # wrong: axis 1 holds the columns, so that is the mean of each row.
    return gap.T @ gap / (len(x) - 1)


def covariance_not_centred(x: Tensor) -> Tensor:
    """Measure how each two columns vary together."""
    # right: `gap = x - x.mean(0)`
    gap = x.clone()  # wrong: products of the entries, not of their deviations.
    return gap.T @ gap / (len(x) - 1)
