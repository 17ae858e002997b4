"""PCA: the few directions along which rows differ most.

Three routines find the axes, and `pca` picks one by the shape of the data. The covariance is d×d numbers and one pass.
The Gram matrix is n×n numbers, for rows that are wider than they are many. A random subspace, turned a few times by the
covariance without forming it, finds the few largest of many axes. All see the rows in chunks, each centred when its
turn comes, so that no centred copy is held and a mean of 1e4 does no harm.
"""

import math
from typing import Annotated, NamedTuple

import torch
from torch import Generator, Tensor
from torch.distributed import ProcessGroup, get_world_size

from dlref._batches import Batches, Data
from dlref._batches import batches as read
from dlref._checks import floating, require
from dlref._ranks import summed
from dlref._types import Features, Matrix, OneOf, PerAxis, PerColumn, Principal, Scalar, Symmetric

METHODS = ("auto", "covariance", "gram", "random")
MORE, TURNS = 10, 8  # a random subspace has so many axes more than are asked for, and is turned so often
CHUNK = 2**19  # numbers that are centred at a time: few enough to stay in a processor's cache
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
        parts = [(part - self.mean) @ self.components.T for part in flat.split(_rows_of(wide))]
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


class _Spectrum(NamedTuple):
    axes: Tensor  # a row each, of any sign
    variance: Tensor  # along each
    rest: Tensor  # along all others


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
    side. `covariance` reads x once, `random` nine times, and `gram` needs all of it in memory. `generator` draws what
    `random` starts from; the two others are exact up to rounding.

    With `group`, a process group of `torch.distributed`, the data are the rows of all its ranks. d×d numbers are
    exchanged, or with `random` d×(components + 10). A rank may hold no rows.

    Products are in the dtype of x, sums over chunks and all that follows in float64; half precision counts as float32.
    On a GPU float32 products are full float32 unless you allow TF32 with `torch.set_float32_matmul_precision`.

    No gradient: where two variances are equal, the axes are not determined.

    Reference: Pearson 1901, On lines and planes of closest fit to systems of points in space; Halko, Martinsson & Tropp
    2011, Finding structure with randomness.

    Raises
    ------
    ValueError
        If there are fewer than 2 rows, or a number is nan or infinite. If `components` is below 1 but no share between
        0 and 1, or more than the smaller side. If a share is asked of `random` or of rows that are all alike. If `gram`
        is asked of batches or with `group`.

    """
    require(method in METHODS, "pca needs method among {}, got {}", ", ".join(METHODS), method)
    _countable("pca", components)
    shape: list[int] = list(getattr(x, "shape", []))
    data = read(x, _rows_of(shape[-1]) if len(shape) == 2 else 4096, function="pca")
    rows = shape[0] if shape and group is None else None
    method = _routine(components, data.width, rows) if method == "auto" else method
    if method == "covariance":
        count, mean, spectrum = _by_covariance(data, components, group)
    elif method == "random":
        require(isinstance(components, int), "pca needs a number of components for method random, got {}", components)
        count, mean, spectrum = _at_random(data, int(components or 0), generator, group)
    else:
        require(rows is not None, "pca needs x whole and in one process for method gram, got batches or a group")
        count, mean, spectrum = _by_gram(next(iter(read(x, max(1, shape[0]), function="pca"))), components)
    return _result(count, mean, spectrum, data.dtype)


@torch.no_grad()
def incremental_pca(batches: Data, components: int | None = None) -> PrincipalComponents:
    r"""Keep only k axes while the batches pass: k×d numbers of memory where `pca` needs d×d, and one pass.

    Each batch is stacked on the axes so far, times their singular values, and on one row for the distance of the means;
    the largest k axes of the stack are kept. That is exact where no batch has more than k axes, and otherwise forgets
    the variance that it drops, so that a direction which is small in every batch may be lost. `components` None is the
    smaller side of the first batch.

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
    data = read(batches, 2**62, function="incremental_pca", once=True)
    count, mean, squares = 0, _zeros(data, data.width), _zeros(data)
    axes, singular = _zeros(data, 0, data.width), _zeros(data, 0)
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
    _enough("incremental_pca", count)
    variance = singular.square() / (count - 1)
    rest = (squares / (count - 1) - variance.sum()).clamp(min=0)
    return _result(count, mean, _Spectrum(axes, variance, rest), data.dtype)


def covariance(x: Matrix) -> Symmetric:
    r"""Measure how each two columns vary together: `C = (x - mean)' (x - mean) / (n - 1)`.

    Its eigenvectors are the axes of PCA and its eigenvalues the variances along them. Divided by n - 1, as in NumPy's
    `cov` and scikit-learn, it is right on average; without a division it would grow with the number of rows.

    No gradient: autograd goes through it.

    Raises
    ------
    ValueError
        If there are fewer than 2 rows: one row does not vary.

    """
    floating("covariance", x, "rows")
    require(x.ndim == 2, "covariance needs a matrix with a row for each example, got shape {}", tuple(x.shape))
    _enough("covariance", len(x))
    gap = x.to(torch.promote_types(x.dtype, torch.float32))
    gap = gap - gap.mean(0)
    gap = gap - gap.mean(0)  # in float32 a mean of 1e4 is rounded by up to 5e-4: the second one finds what is left
    return (gap.T @ gap / (len(x) - 1)).to(x.dtype)


def _routine(components: int | float | None, width: int, rows: int | None) -> str:
    smaller = width if rows is None else min(rows, width)
    if isinstance(components, int) and 20 * (components + MORE) <= smaller:
        return "random"
    return "covariance" if smaller == width else "gram"


def _by_covariance(
    data: Batches, components: int | float | None, group: ProcessGroup | None
) -> tuple[int, Tensor, _Spectrum]:
    count, mean, scatter = _scatter(data, group)
    variance, vectors = torch.linalg.eigh(scatter / (count - 1))
    variance = variance.flip(0).clamp(min=0)[: min(count, data.width)]
    kept = _kept(components, variance)
    return count, mean, _Spectrum(vectors.flip(1).T[:kept], variance[:kept], variance[kept:].sum())


def _by_gram(x: Tensor, components: int | float | None) -> tuple[int, Tensor, _Spectrum]:
    # If x x' u = λ u then x' u is an eigenvector of x' x: products of rows do for products of columns.
    _enough("pca", len(x))
    chunks = x.split(_rows_of(len(x)), dim=1)
    small = sum(gap @ gap.T for gap in map(_centred, chunks))
    values, vectors = torch.linalg.eigh(small)
    variance = values.flip(0).clamp(min=0)[: min(x.shape)] / (len(x) - 1)
    kept = _kept(components, variance)
    left = vectors.flip(1)[:, :kept]
    # QR makes axes of the columns, also where one is nothing but rounding; how long they were is its diagonal.
    axes, lengths = torch.linalg.qr(torch.cat([_centred(chunk).T @ left for chunk in chunks]))
    mean = torch.cat([chunk.double().mean(0) for chunk in chunks])
    along = lengths.diagonal().square() / (len(x) - 1)
    return len(x), mean, _Spectrum(axes.T, along, variance[kept:].sum())


def _at_random(
    data: Batches, components: int, generator: Generator | None, group: ProcessGroup | None
) -> tuple[int, Tensor, _Spectrum]:
    # Each turn multiplies by the covariance, so what belongs to small eigenvalues dies out; the last one measures.
    count, mean = _center(data, group)
    _kept(components, mean[:count])
    size = data.width, min(components + MORE, data.width)
    start = torch.randn(size, generator=generator, device=generator.device if generator else None)
    subspace, squares = start.to(data.device, data.dtype), _zeros(data)  # of each rank: the first sum makes them one
    for _ in range(TURNS):
        subspace, squares = _turned(data, mean, _upright(subspace), group)
    axes, mixed = torch.linalg.qr(subspace)
    rotation, scatter, _ = torch.linalg.svd(mixed.double())
    axes = axes @ rotation[:, :components].to(axes.dtype)
    variance = scatter[:components] / (count - 1)
    rest = (squares / (count - 1) - variance.sum()).clamp(min=0)
    return count, mean, _Spectrum(axes.T, variance, rest)


def _turned(data: Batches, mean: Tensor, axes: Tensor, group: ProcessGroup | None) -> list[Tensor]:
    """Return the scatter times the axes, and the sum of all squares: the scatter itself is never formed."""
    mean, turned, squares = mean.to(data.dtype), torch.zeros_like(axes), _zeros(data)
    for batch in data:
        squares += _add_turned(batch - mean, axes, turned)  # a call, so that one chunk is gone before the next comes
    return summed([turned, squares], group)


def _add_turned(gap: Tensor, axes: Tensor, turned: Tensor) -> Tensor:
    turned.addmm_(gap.T, gap @ axes)
    return torch.linalg.vector_norm(gap).double().square()


def _upright(subspace: Tensor) -> Tensor:
    # QR would do, but is slow for a tall matrix; that no column is near another is all that is needed here.
    small = sum(part.double().T @ part.double() for part in subspace.split(4096))
    values, vectors = torch.linalg.eigh(small)
    least = values[-1] * torch.finfo(values.dtype).eps
    return subspace @ (vectors / values.clamp(min=least).sqrt()).to(subspace.dtype)


def _center(data: Batches, group: ProcessGroup | None) -> tuple[int, Tensor]:
    count, total = 0, _zeros(data, data.width)
    for batch in data:
        count, total = count + len(batch), total + batch.sum(0).double()
    count = _count(count, data, group)
    (total,) = summed([total], group)
    return count, total / count


def _scatter(data: Batches, group: ProcessGroup | None) -> tuple[int, Tensor, Tensor]:
    # Each chunk is centred at its own mean, and the distance of the means is made up for.
    count, mean, scatter = 0, _zeros(data, data.width), _zeros(data, data.width, data.width)
    for batch in filter(len, data):
        count += len(batch)
        center = batch.mean(0)
        gap, batch = center.double() - mean, batch - center
        scatter += batch.T @ batch
        scatter.addr_(gap, gap, alpha=len(batch) * (count - len(batch)) / count)
        mean += gap * (len(batch) / count)
    everywhere = _count(count, data, group)
    (joint,) = summed([mean * (count / everywhere)], group)
    gap = mean - joint
    (scatter,) = summed([scatter.addr_(gap, gap, alpha=count)], group)
    return everywhere, joint, scatter


def _count(count: int, data: Batches, group: ProcessGroup | None) -> int:
    """Return how many rows all ranks have, once they are as wide on all of them."""
    if group is not None:
        (both,) = summed([torch.tensor([count, data.width], device=data.device)], group)
        count, widths = both.tolist()
        law = "pca needs rows of one width on every rank, got {} here and {} on all ranks"
        require(widths == data.width * get_world_size(group), law, data.width, widths)
    _enough("pca", count)
    return count


def _kept(components: int | float | None, variance: Tensor) -> int:
    """Return how many axes are asked for, given the variance along each."""
    most = len(variance)
    if components is None:
        return most
    if isinstance(components, int):
        law = "pca needs at most as many components as the smaller side of x, {}, got {}"
        require(components <= most, law, most, components)
        return components
    law = "pca needs rows that vary to keep a share of their variance, got {} rows that are alike"
    require(bool(variance.sum() > 0), law, most)
    shares = (variance / variance.sum()).cumsum(0)
    return min(most, 1 + int((shares <= components).sum()))


def _result(count: int, mean: Tensor, spectrum: _Spectrum, dtype: torch.dtype) -> PrincipalComponents:
    axes, variance, rest = spectrum
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


def _enough(function: str, rows: int) -> None:
    require(rows >= 2, "{} needs 2 rows or more, got {}: one row does not vary", function, rows)


def _rows_of(width: int) -> int:
    return max(16, CHUNK // max(1, width))


def _zeros(data: Batches, *sizes: int) -> Tensor:
    return torch.zeros(sizes, dtype=torch.float64, device=data.device)


def _centred(chunk: Tensor) -> Tensor:
    chunk = chunk.double()
    return chunk - chunk.mean(0)
