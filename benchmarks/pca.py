"""PCA against scikit-learn, both on two threads: the better of its two solvers that suit the shape.

Float32 rows: twice as many directions as are asked for, of falling strength, in noise, around a mean of 3. "Error" is
the sine of the largest angle between the axes found and those of float64; the median of five draws. "CPU" compares
the time of all threads.

scikit-learn meets two copies of OpenBLAS, NumPy's and SciPy's, whose threads spin while they wait. They are told to
sleep here, which is its best case: as it comes, its random solver takes two to three times as long on two processors.

The peaks are what is held at a time: the allocator is told to give back at once what is free.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import torch
from sklearn.decomposition import PCA
from torch import Tensor

from benchmarks._process import printed
from benchmarks._race import Result, race
from dlref.pca import pca

BATCH, WIDTH = 5_000, 64
CASES = {  # shape, components, and the peer's solvers
    "100k×64 → 8": ((100_000, 64), 8, ("auto",)),
    "5k×2000 → 20": ((5_000, 2_000), 20, ("auto", "randomized")),
    "500×20k → 10": ((500, 20_000), 10, ("auto", "randomized")),
}


def results() -> Iterator[Result]:
    """One race for each shape and solver, with errors and CPU ratios in its name."""
    for name, (shape, components, solvers) in CASES.items():
        x = drawn(shape, components)
        exact = axes_in_float64(x, components)
        ours = lambda x=x, k=components: pca(x, k).components  # noqa: E731 (bound in the loop, used at once)
        for solver in solvers:
            peer = lambda x=x, k=components, s=solver: PCA(k, svd_solver=s).fit(x.numpy()).components_  # noqa: E731 (the same)
            errors = [statistics.median(error(run(), exact) for _ in range(5)) for run in (ours, peer)]
            cpu = min(used(ours) for _ in range(3)) / min(used(peer) for _ in range(3))
            told = f"{name}; error {errors[0]:.0e}, peer {errors[1]:.0e}; CPU {cpu:.2f}"
            yield race(told, ours, peer, peer_name=f"scikit-learn, {solver}", rounds=5)


def drawn(shape: tuple[int, int], components: int) -> Tensor:
    """Rows with a spectrum that falls, in noise."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = shape
    strength = torch.linspace(3, 0.3, 2 * components)
    hidden = torch.randn(rows, 2 * components, generator=generator) * strength
    mixed = hidden @ torch.randn(2 * components, columns, generator=generator)
    return mixed + torch.randn(shape, generator=generator) + 3


def axes_in_float64(x: Tensor, components: int) -> Tensor:
    """The axes by LAPACK, from the smaller of the two products."""
    gap = x.double() - x.double().mean(0)
    if len(x) >= x.shape[1]:
        return torch.linalg.eigh(gap.T @ gap)[1].flip(1)[:, :components]
    left = torch.linalg.eigh(gap @ gap.T)[1].flip(1)[:, :components]
    return torch.linalg.qr(gap.T @ left)[0]


def error(found: object, exact: Tensor) -> float:
    """The sine of the largest angle."""
    axes = torch.linalg.qr(torch.as_tensor(found).double().T)[0]
    return torch.linalg.matrix_norm(axes - exact @ (exact.T @ axes), 2).item()


def used(run: Callable) -> float:
    """Processor time of one call, all threads together."""
    start = time.process_time()
    run()
    return time.process_time() - start


class Stream:
    """Batches that are drawn when their turn comes, always the same."""

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Tensor]:
        for seed in range(self.batches):
            yield torch.randn(BATCH, WIDTH, generator=torch.Generator().manual_seed(seed))


def memory() -> Iterator[str]:
    """How far the peak of a fresh process lies above where it stood: beside x in memory, and over batches."""
    yield "| rows | data, MiB | peak above the start, MiB |"
    yield "|---|---|---|"
    for name, (shape, _, _) in CASES.items():
        yield f"| {name}, in memory | {shape[0] * shape[1] * 4 / 2**20:.1f} | {measured(name):.1f} |"
    for batches in (10, 100, 1000):
        data = batches * BATCH * WIDTH * 4 / 2**20
        yield f"| {batches * BATCH:,} in batches of {BATCH:,} | {data:.1f} | {measured(str(batches)):.1f} |"


def measured(what: str) -> float:
    """What a process of its own says of its peak."""
    return float(printed("-m", "benchmarks.pca", what))


def peak(what: str) -> float:
    """The growth of this process, in MiB, once a small run of the same routine has loaded all that it needs."""
    if what in CASES:
        shape, components, _ = CASES[what]
        x = drawn(shape, components)
        pca(torch.randn(300, 100), 2), pca(torch.randn(300, 100), 2, method="random")
    else:
        x, components = Stream(int(what)), 8
        pca(Stream(2), components)
    release()
    before = now()
    pca(x, components)
    return highest() - before


def release() -> None:
    """Give back what is free, and start the peak anew."""
    import ctypes

    ctypes.CDLL("libc.so.6").malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123 (a file of the kernel)
        file.write("5")


def now() -> float:
    return _status("VmRSS")


def highest() -> float:
    return _status("VmHWM")


def _status(field: str) -> float:
    with open("/proc/self/status") as file:  # noqa: PTH123 (a file of the kernel)
        return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024


if __name__ == "__main__":
    print(peak(sys.argv[1]))
