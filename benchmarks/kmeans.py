"""K-means against scikit-learn's Lloyd, from the same start, for the same number of iterations, on as many threads.

Float32 rows without clusters, which is the hardest case: rows change sides until the end. Wall time, then the time of
all processors together, which a busy machine blurs less.

What readability costs: product, smallest and sums are three calls on a chunk of rows, each to torch or NumPy, where
scikit-learn fuses them in C. With 1000 centroids the product is nearly all there is; with 10 it is a tenth.
"""

import time
import warnings
from collections.abc import Callable, Iterator

import torch
from sklearn.cluster import KMeans

from benchmarks._race import Result, race
from dlref.kmeans import kmeans

CASES = {"100k rows of 16, k = 10": (100_000, 16, 10, 20), "200k rows of 64, k = 100": (200_000, 64, 100, 10),
         "100k rows of 128, k = 1000": (100_000, 128, 1000, 5)}  # fmt: skip
CLOCKS = {"": time.perf_counter, ", processor time": time.process_time}


def results() -> Iterator[Result]:
    """Two races for each size: by the clock on the wall, and by that of the processors."""
    for name, (rows, width, k, iterations) in CASES.items():
        x = torch.randn(rows, width, generator=torch.Generator().manual_seed(0))
        ours, peer = contestants(x, k, iterations)
        for suffix, clock in CLOCKS.items():
            yield race(name + suffix, ours, peer, peer_name="scikit-learn", rounds=5, clock=clock)


def contestants(x: torch.Tensor, k: int, iterations: int) -> tuple[Callable, Callable]:
    """Both from the first k rows."""

    def ours() -> None:
        kmeans(x, k, init=x[:k], max_iterations=iterations, tolerance=0)

    def peer() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            KMeans(k, init=x[:k].numpy(), n_init=1, max_iter=iterations, tol=0).fit(x.numpy())

    return ours, peer
