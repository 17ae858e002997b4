"""The ranks of a k-means over several processes; `tests/concepts/test_kmeans.py` starts them.

Under torchrun this is one rank, alone it is as many as it is told. Each reads the cases from the folder, clusters its
own rows, and writes what came of it. Rank `dies`, if there is one, is gone in the middle of the work: after it has been
asked for its rows five times.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from dlref.kmeans import assign, kmeans, kmeans_plus_plus


class Mortal:
    """Rows that can be read so often, and then end the process that reads them."""

    def __init__(self, rows, readings):
        self.rows, self.readings = rows, readings

    def __iter__(self):
        self.readings -= 1
        if self.readings < 0:
            os._exit(3)
        yield self.rows


def work(shares, options):
    """Give the clusters, or what was refused; a seed stands for a generator."""
    group, rows = distributed.group.WORLD, shares[distributed.get_rank()]
    seed, options = options.get("seed"), {name: each for name, each in options.items() if name != "seed"}
    generator = None if seed is None else torch.Generator().manual_seed(seed + distributed.get_rank())
    try:
        found = kmeans(rows, group=group, generator=generator, **options)
        seeds = kmeans_plus_plus(rows, options["k"], group=group, generator=torch.Generator().manual_seed(7))
        return {"found": tuple(found), "seeds": seeds, "assigned": tuple(assign(rows, found.centroids, group=group))}
    except (ValueError, RuntimeError) as refusal:
        return f"{type(refusal).__name__}: {refusal}"


def take_part(folder, dies=None, **where):
    """Join the group, work on the cases, and write the results down."""
    distributed.init_process_group("gloo", timeout=timedelta(seconds=8), **where)
    rank, cases = distributed.get_rank(), torch.load(folder / "cases.pt")
    if rank == dies:
        cases[0][0][rank] = Mortal(cases[0][0][rank], 5)
    results = [work(*case) for case in cases]
    torch.save(results, folder / f"results{rank}.pt")
    distributed.destroy_process_group()


def fork(folder, ranks, dies=None):
    """Be all ranks, with one import of torch; give how each of them ended."""
    started = []
    for rank in range(ranks):
        started.append(os.fork())
        if not started[-1]:
            code = 1
            try:
                take_part(folder, dies, rank=rank, world_size=ranks, init_method=f"file://{folder}/store")
                code = 0
            finally:
                os._exit(code)
    return [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in started]


if __name__ == "__main__":
    folder, *numbers = Path(sys.argv[1]), *map(int, sys.argv[2:])
    if "RANK" in os.environ:
        take_part(folder)
    else:
        sys.exit(max(fork(folder, *numbers)))
