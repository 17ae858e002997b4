"""PCA: the few directions along which rows differ most.

Three routines find the axes, and `pca` picks one by the shape of the data. The covariance is d×d numbers and one pass.
The Gram matrix is n×n numbers, for rows that are wider than they are many. A random subspace, turned a few times by
either without forming it, finds the few largest of many axes. All read chunks, of rows or of columns, each centred
when its turn comes, so that no centred copy is held and a mean of 1e4 does no harm.
"""

import math
from typing import Annotated, NamedTuple

import torch
from torch import Generator
from torch.distributed import ProcessGroup

from dlref._batches import Batches, Data
from dlref._checks import floating, require
from dlref._moments import enough, rows_of, zeros
from dlref._ranks import together
from dlref._spectrum import MORE, Spectrum, at_random, by_covariance, by_gram
from dlref._types import Features, Matrix, OneOf, PerAxis, PerColumn, Principal, Scalar, Symmetric

METHODS = ("auto", "covariance", "gram", "random")
Method = Annotated[str, OneOf(METHODS)]


class PrincipalComponents(NamedTuple):
    """What `pca` gives: the mean, the axes as rows of `components`, and how much the rows vary along each.

    `noise_variance` is the mean variance along the axes that are left out, and `rows` the number of rows.
    """

    mean: PerColumn
    components: Principal
    explained_variance: PerAxis
    explained_variance_ratio: PerAxis
    singular_values: PerAxis
    noise_variance: Scalar
    rows: int

    def transform(self, x: Features, *, whiten: bool = False) -> Features:
        """Return the coordinates of each row along the axes; `whiten` divides them by their standard deviations."""
        floating("transform", x, "rows")
        wide, shape = len(self.mean), tuple(x.shape)
        require(shape[-1:] == (wide,), "transform needs rows of {} numbers, got shape {}", wide, shape)
        flat = x.reshape(-1, wide).to(self.mean.dtype)
        # Centred before the product: for a large mean, the difference of two products is rounding.
        parts = [(part - self.mean) @ self.components.T for part in flat.split(rows_of(flat))]
        # An axis without variance is divided by the machine epsilon, as in scikit-learn.
        least = torch.finfo(self.mean.dtype).eps
        scale = self.explained_variance.sqrt().clamp(min=least) if whiten else 1
        return (torch.cat(parts) / scale).reshape(*shape[:-1], len(self.components))

    def inverse_transform(self, z: Features, *, whiten: bool = False) -> Features:
        """Return the rows that have these coordinates, and nothing along the axes that are left out."""
        floating("inverse_transform", z, "coordinates")
        kept, shape = len(self.components), tuple(z.shape)
        require(shape[-1:] == (kept,), "inverse_transform needs {} coordinates a row, got shape {}", kept, shape)
        scale = self.explained_variance.sqrt() if whiten else 1
        return (z.to(self.mean.dtype) * scale) @ self.components + self.mean


@torch.no_grad()
def pca(
    x: Data,
    components: int | float | None = None,
    *,
    method: Method = "auto",
    generator: Generator | None = None,
    group: ProcessGroup | None = None,
) -> PrincipalComponents:
    r"""Find the orthogonal directions along which the rows vary most, the largest variance first.

    `components` is how many, or, between 0 and 1, the share of the variance that they must exceed together; None is
    all, the smaller side of x. Variances are divided by n - 1. An axis has two ends: its entry of largest size is
    positive, as in scikit-learn.

    `x` holds one row for each example: a tensor, an array, or batches that can be read again. `auto` is `random` where
    `20 (components + 10)` is at most the smaller side, else `covariance` where the rows are at least as many as the
    columns, else `gram`. Of batches, and with `group`, only the width is known beforehand, and it counts as the smaller
    side. `covariance` reads x once, `random` seven or, of wide data, eight times, and `gram` needs all of it in memory.
    `generator` draws what `random` starts from; the two others are exact up to rounding.

    With `group`, a process group of `torch.distributed`, the data are the rows of all its ranks. d×d numbers are
    exchanged, or with `random` five times d×(components + 10). A rank may hold no rows.

    Products are in the dtype of x, those of `gram` and sums over chunks in float64; half precision counts as float32.
    On a GPU float32 products are full float32 unless you allow TF32 with `torch.set_float32_matmul_precision`.

    No gradient: where two variances are equal, the axes are not determined.

    Reference: Pearson 1901, On lines and planes of closest fit to systems of points in space; Halko, Martinsson & Tropp
    2011, Finding structure with randomness; Musco & Musco 2015, Randomized block Krylov methods.

    Raises
    ------
    ValueError
        If there are fewer than 2 rows, or a number is nan or infinite. If `components` is below 1 but no share between
        0 and 1, or more than the smaller side. If a share is asked of `random` or of rows that are all alike. If `gram`
        is asked of batches or with `group`.

    """
    require(method in METHODS, "pca needs method among {}, got {}", ", ".join(METHODS), method)
    _countable("pca", components)
    data, shape = together(lambda: Batches(x, None, "pca"), group), getattr(x, "shape", None)
    rows = shape[0] if shape and group is None else None
    method = _routine(components, data.width, rows) if method == "auto" else method
    if method == "covariance":
        spectrum = by_covariance(data, components, group)
    elif method == "random":
        require(isinstance(components, int), "pca needs a number of components for method random, got {}", components)
        spectrum = at_random(data, int(components or 0), generator, group)
    else:
        require(rows is not None, "pca needs x whole and in one process for method gram, got batches or a group")
        (whole,) = Batches(x, max(1, int(rows or 0)), "pca")
        spectrum = by_gram(whole, components)
    return _result(spectrum, data.dtype)


@torch.no_grad()
def incremental_pca(batches: Data, components: int | None = None) -> PrincipalComponents:
    r"""Keep only k axes while the batches pass: memory for k and a batch of rows where `pca` needs d×d, and one pass.

    Each batch is stacked on the axes so far, times their singular values, and on one row for the distance of the means;
    the largest k axes of the stack are kept. That is exact where all rows together vary along k axes at most. Otherwise
    the variance that it drops is forgotten, so that a direction which is small in every batch may be lost. `components`
    None is the smaller side of the first batch.

    `noise_variance` is what the kept axes lack of the whole variance, shared among the others; scikit-learn's looks at
    the last batch only.

    No gradient: where two variances are equal, the axes are not determined.

    Reference: Ross, Lim, Lin & Yang 2008, Incremental learning for robust visual tracking.

    Raises
    ------
    ValueError
        If `components` is below 1 or more than the smaller side of the first batch, a batch has another width, there
        are fewer than 2 rows, or a number is nan or infinite.

    """
    _countable("incremental_pca", components, share=False)
    data = Batches(batches, 2**62, "incremental_pca", once=True)
    count, mean, squares = 0, zeros(data, data.width), zeros(data)
    axes, singular = zeros(data, 0, data.width), zeros(data, 0)
    for batch in data:
        if len(batch) == 0:
            continue
        if count == 0:
            most, law = min(batch.shape), "incremental_pca needs at most {} components, for a first batch of {}, got {}"
            components = components or most
            require(components <= most, law, most, tuple(batch.shape), components)
        old, count, batch = count, count + len(batch), batch.double()
        center = batch.mean(0)
        gap, batch = center - mean, batch - center
        weight = old * len(batch) / count
        squares += batch.square().sum() + weight * gap.square().sum()
        mean += gap * (len(batch) / count)
        stack = torch.cat([singular[:, None] * axes, batch, math.sqrt(weight) * gap[None]])
        _, singular, axes = torch.linalg.svd(stack, full_matrices=False)
        axes, singular = axes[:components], singular[:components]
    enough("incremental_pca", count)
    variance = singular.square() / (count - 1)
    rest = (squares / (count - 1) - variance.sum()).clamp(min=0)
    return _result(Spectrum(count, mean, axes, variance, rest), data.dtype)


def covariance(x: Matrix) -> Symmetric:
    r"""Measure how each two columns vary together: `C = (x - mean)' (x - mean) / (n - 1)`.

    Its eigenvectors are the axes of PCA and its eigenvalues the variances along them. Divided by n - 1, as in NumPy's
    `cov` and scikit-learn, it is right on average; without a division it would grow with the number of rows.

    No gradient: none by hand, for autograd goes through it.

    Raises
    ------
    ValueError
        If there are fewer than 2 rows: one row does not vary.

    """
    floating("covariance", x, "rows")
    require(x.ndim == 2, "covariance needs a matrix with a row for each example, got shape {}", tuple(x.shape))
    enough("covariance", len(x))
    gap = x.to(torch.promote_types(x.dtype, torch.float32))
    gap = gap - gap.mean(0)
    gap = gap - gap.mean(0)  # in float32 a mean of 1e4 is rounded by up to 5e-4: the second one finds what is left
    return (gap.T @ gap / (len(x) - 1)).to(x.dtype)


def _routine(components: int | float | None, width: int, rows: int | None) -> str:
    smaller = width if rows is None else min(rows, width)
    if isinstance(components, int) and 20 * (components + MORE) <= smaller:
        return "random"
    return "covariance" if smaller == width else "gram"


def _result(spectrum: Spectrum, dtype: torch.dtype) -> PrincipalComponents:
    count, mean, axes, variance, rest = spectrum
    left_out = min(count, len(mean)) - len(axes)
    peak = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    total = variance.sum() + rest
    return PrincipalComponents(
        mean=mean.to(dtype),
        components=(axes * peak.sign()).to(dtype),
        explained_variance=variance.to(dtype),
        explained_variance_ratio=(variance / total).to(dtype),
        singular_values=(variance * (count - 1)).sqrt().to(dtype),
        noise_variance=(rest / max(1, left_out)).to(dtype),
        rows=count,
    )


def _countable(function: str, components: int | float | None, *, share: bool = True) -> None:
    if components is None:
        return
    whole = isinstance(components, int) and not isinstance(components, bool) and components >= 1
    part = share and isinstance(components, float) and 0 < components < 1
    law = "{} needs components >= 1" + (", or a share between 0 and 1," if share else ",") + " got {}"
    require(whole or part, law, function, components)
