"""Damaged covariances."""

import torch
from torch import Tensor


def covariance_in_chunks(x: Tensor) -> Tensor:
    """Measure how each two columns vary together, two rows at a time."""
    count, mean = 0, torch.zeros_like(x[0])
    scatter = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype)
    for chunk in x.split(2):
        center = chunk.mean(0)
        gap = center - mean
        both = count + len(chunk)
        scatter += (chunk - center).T @ (chunk - center)
        # right: `scatter += torch.outer(gap, gap) * count * len(chunk) / both`
        scatter += torch.outer(gap, gap) * len(chunk) / both  # wrong: the rows so far are `count`, and all are moved.
        mean += gap * len(chunk) / both
        count = both
    return scatter / (count - 1)


def covariance_of_photographs(x: Tensor) -> Tensor:
    """Measure how each two columns vary together."""
    rows = len(x)
    mean = x.sum(0) / rows
    product = x.T @ x
    # right: `scatter = product - rows * torch.outer(mean, mean)`
    scatter = product - torch.outer(mean, mean)  # wrong: the mean is in every row, so its square comes n times.
    return scatter / (rows - 1)


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


def covariance_not_centred(x: Tensor) -> Tensor:
    """Measure how each two columns vary together."""
    # right: `gap = x - x.mean(0)`
    gap = x.clone()  # wrong: products of the entries, not of their deviations.
    return gap.T @ gap / (len(x) - 1)


def covariance_centred_by_rows(x: Tensor) -> Tensor:
    """Measure how each two columns vary together."""
    # right: `gap = x - x.mean(0)`
    gap = x - x.mean(1, keepdim=True)  # wrong: axis 1 holds the columns, so that is the mean of each row.
    return gap.T @ gap / (len(x) - 1)
