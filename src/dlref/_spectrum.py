"""Three routines that find the axes of PCA, and the variance along each.

All read chunks, each centred when its turn comes, so that no centred copy is held and a mean of 1e4 does no harm: of
rows, or of columns where rows are wider than they are many. Sums over chunks are in float64.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.distributed import ProcessGroup

from dlref._batches import Batches
from dlref._checks import require
from dlref._moments import Made, by_columns, by_rows, enough, mean_of, moments_of, rows_of
from dlref._ranks import summed
from dlref._workers import Workers, added

MORE, TURNS = 10, 5  # a random subspace has so many axes more than are asked for, and is turned so often
KEPT = 3  # turns that are looked at together in the end


class Spectrum(NamedTuple):
    """What a routine finds."""

    rows: int
    mean: Tensor
    axes: Tensor  # a row each, of any sign
    variance: Tensor  # along each
    rest: Tensor  # along all others


def by_covariance(data: Batches, components: int | float | None, group: ProcessGroup | None) -> Spectrum:
    """Sum up the d×d covariance in one reading; its eigenvectors are the axes."""
    count, mean, scatter = moments_of(data, group)
    variance, vectors = torch.linalg.eigh(scatter / (count - 1))
    variance = variance.flip(0).clamp(min=0)[: min(count, data.width)]
    kept = _kept(components, variance)
    return Spectrum(count, mean, vectors.flip(1).T[:kept], variance[:kept], variance[kept:].sum())


def by_gram(x: Tensor, components: int | float | None) -> Spectrum:
    """Form the n×n products of the rows. If x x' u = λ u, then x' u is an eigenvector of x' x."""
    enough("pca", len(x))
    chunks = x.split(rows_of(x.T), dim=1)
    small = sum(gap @ gap.T for gap in map(_centred, chunks))
    values, vectors = torch.linalg.eigh(small)
    variance = values.flip(0).clamp(min=0)[: min(x.shape)] / (len(x) - 1)
    kept = _kept(components, variance)
    left = vectors.flip(1).T[:kept]
    axes, along = _lifted(left @ _centred(chunk) for chunk in chunks)
    mean = torch.cat([chunk.double().mean(0) for chunk in chunks])
    return Spectrum(len(x), mean, axes, along / (len(x) - 1), variance[kept:].sum())


def at_random(data: Batches, components: int, generator: Generator | None, group: ProcessGroup | None) -> Spectrum:
    """Turn a random subspace by the covariance a few times, without forming it, and look at the last turns together.

    Each turn multiplies by the covariance, so what belongs to small eigenvalues dies out. What several turns span, a
    block Krylov subspace, holds not only the last power of the covariance but the best mixture of these powers. Wide
    data that come in one piece are turned by their Gram matrix instead, whose axes are shorter.
    """
    with Workers(data.device) as workers:
        count, mean = mean_of(data, workers, group)
        _at_most(components, min(count, data.width))
        whole = data.whole if group is None and count < data.width else None
        made = by_rows(data, mean, workers) if whole is None else by_columns(whole, mean, workers)
        width = data.width if whole is None else count
        size = min(components + MORE, width), width
        start = torch.randn(size, generator=generator, device=generator.device if generator else None)
        basis = _subspace(made, start.to(data.device, data.dtype), group)
        small, squares = _seen(made, basis, group)
        values, vectors = torch.linalg.eigh(small)
        axes, along = vectors.flip(1).T[:components].to(basis.dtype) @ basis, values.flip(0)[:components].clamp(min=0)
        if whole is not None:
            axes, along = _lifted(made(lambda gaps: torch.cat([axes @ gap.T for gap in gaps], 1)))
    return Spectrum(count, mean, axes, along / (count - 1), (squares - along.sum()).clamp(min=0) / (count - 1))


def _subspace(made: Made, start: Tensor, group: ProcessGroup | None) -> Tensor:
    """Return axes at right angles that span the last turns."""
    blocks = [start]  # of each rank its own: the first sum makes them one
    for _ in range(TURNS):
        blocks = [*blocks, _upright(_turned(made, blocks[-1], group))][-KEPT:]
    return _upright(torch.cat(blocks))


def _turned(made: Made, axes: Tensor, group: ProcessGroup | None) -> Tensor:
    """Return the axes times the scatter."""

    def work(gaps: Iterator[Tensor]) -> Tensor:
        turned = torch.zeros_like(axes)
        for gap in gaps:
            turned.addmm_(axes @ gap.T, gap)
        return turned

    return summed([added(made(work))], group)[0]


def _seen(made: Made, axes: Tensor, group: ProcessGroup | None) -> tuple[Tensor, Tensor]:
    """Return the scatter as the axes see it, and the sum of all squares, both in float64."""
    size = len(axes)

    def work(gaps: Iterator[Tensor]) -> Tensor:
        sums = torch.zeros(size * size + 1, dtype=torch.float64, device=axes.device)
        for gap in gaps:
            along = (axes @ gap.T).double()
            sums[:-1].view(size, size).addmm_(along, along.T)
            sums[-1] += torch.linalg.vector_norm(gap).double().square()
        return sums

    (sums,) = summed([added(made(work))], group)
    return sums[:-1].view(size, size), sums[-1]


def _lifted(parts: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the axes, and the sum of squares along each, from chunks of left axes times the centred data.

    They are at right angles up to rounding. So QR does little but scale them, and its diagonal holds their lengths; and
    it makes an axis also of what is nothing but rounding.
    """
    axes, lengths = torch.linalg.qr(torch.cat(list(parts), 1).T)
    return axes.T, lengths.diagonal().double().square()


def _upright(axes: Tensor) -> Tensor:
    return torch.linalg.qr(axes.T)[0].T


def _kept(components: int | float | None, variance: Tensor) -> int:
    """Return how many axes are asked for, given the variance along each."""
    most = len(variance)
    if components is None:
        return most
    if isinstance(components, int):
        return _at_most(components, most)
    law = "pca needs rows that vary to keep a share of their variance, got {} rows that are alike"
    require(bool(variance.sum() > 0), law, most)
    shares = (variance / variance.sum()).cumsum(0)
    return min(most, 1 + int((shares <= components).sum()))


def _at_most(components: int, most: int) -> int:
    law = "pca needs at most as many components as the smaller side of x, {}, got {}"
    require(components <= most, law, most, components)
    return components


def _centred(chunk: Tensor) -> Tensor:
    chunk = chunk.double()
    return chunk - chunk.mean(0)
