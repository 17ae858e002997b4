"""The peak of a process's own memory while it clusters, above what it had before: rows in memory, and out of core.

Each figure is a fresh process, whose allocator is told to give back at once what is free. In memory both cluster the
same float32 rows; the share is of the size of these rows. Out of core the rows are drawn batch by batch, 4096 of 64
numbers each, from a start that is given; "mapped" reads them from a file that is mapped into memory. `keep_labels`
costs 8 bytes a row.
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks._process import printed

HEADER = "| what | rows | above the start, MiB | share of the rows |\n|---|---|---|---|"
IN_MEMORY = {"100k rows of 16, k = 10": (100_000, 16, 10), "200k rows of 64, k = 100": (200_000, 64, 100),
             "100k rows of 128, k = 1000": (100_000, 128, 1000)}  # fmt: skip
BATCHES = 5  # of 4096 rows, and ten and a hundred times as many
WATCH = """
import gc, re, sys, threading, warnings
from pathlib import Path
import numpy as np, torch
from sklearn.cluster import KMeans
from dlref.kmeans import kmeans
warnings.simplefilter("ignore")
class Drawn:
    def __init__(self, batches): self.batches = batches
    def __iter__(self):
        source = torch.Generator().manual_seed(0)
        for _ in range(self.batches): yield torch.randn(4096, 64, generator=source)
def used(): return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
peak, done = 0.0, threading.Event()
def watch():
    global peak
    while not done.wait(0.002): peak = max(peak, used())
def measured(work):
    gc.collect()
    before = used()
    watcher = threading.Thread(target=watch); watcher.start()
    work()
    done.set(); watcher.join()
    print(peak - before)
kmeans(torch.randn(5000, 64), 20, max_iterations=2)
KMeans(2, n_init=1).fit(np.random.randn(500, 4).astype(np.float32))
"""


class Peak(NamedTuple):
    """Memory above the start, and the rows' own."""

    name: str
    rows: int
    peak: float
    data: float

    def row(self) -> str:
        """One line of a Markdown table."""
        return f"| {self.name} | {self.rows:,} | {self.peak:.1f} | {self.peak / self.data:.3f} |"


def results() -> Iterator[Peak]:
    """Ours and the peer's in memory, then ours out of core at once, ten and a hundred times the rows."""
    for name, (rows, width, k) in IN_MEMORY.items():
        data = rows * width * 4 / 2**20
        head = f"x = torch.randn({rows}, {width}); start = x[:{k}].clone()\n"
        ours = f"measured(lambda: kmeans(x, {k}, init=start, max_iterations=2, tolerance=0))"
        peer = f"a = x.numpy(); s = start.numpy(); measured(lambda: KMeans({k}, init=s, n_init=1, max_iter=2).fit(a))"
        yield Peak(name, rows, peak(head + ours), data)
        yield Peak(f"{name}, scikit-learn", rows, peak(head + peer), data)
    for times in (1, 10, 100):
        batches = BATCHES * times
        for keep in (False, True):
            name = f"out of core, k = 20, keep_labels={keep}"
            yield Peak(name, 4096 * batches, peak(clustered(f"Drawn({batches})", keep=keep)), 1.0 * batches)
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(b"\1\2\3\4" * 64 * 4096 * batches)
            mapped = f"np.memmap({file.name!r}, np.float32, 'r', shape=({4096 * batches}, 64))"
            yield Peak("mapped, k = 20, keep_labels=False", 4096 * batches, peak(clustered(mapped)), 1.0 * batches)


def clustered(rows: str, *, keep: bool = False) -> str:
    options = f"init=torch.randn(20, 64), max_iterations=2, tolerance=0, keep_labels={keep}"
    return f"rows = {rows}\nmeasured(lambda: kmeans(rows, 20, {options}))"


def peak(code: str) -> float:
    """What the code prints in a process of its own."""
    return float(re.findall(r"[\d.e+-]+", printed("-c", WATCH + code))[-1])
