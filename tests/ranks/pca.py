"""All ranks of a PCA over several processes; `tests/concepts/test_pca.py` starts it.

Torch is imported once, and each rank is a fork. Reads the cases from the folder, hands over its own rows of each, and
writes what came of it and how many numbers each exchange held. A case is worked on by so many ranks as have a share of
it. In the end rank 0 is gone, and the others write down what they were told. Under `torchrun` the ranks are its own.
"""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from dlref.pca import pca

SENT = []


def counted(tensor, *, group, exchange=distributed.all_reduce):
    """Exchange as torch does, and remember how many numbers that were."""
    SENT.append(tensor.numel())
    return exchange(tensor, group=group)


def work(rows, options, group):
    """Give the components as a plain tuple, and the sizes of the exchanges; or what was refused."""
    SENT.clear()
    generator = torch.Generator().manual_seed(distributed.get_rank())  # each rank draws numbers of its own
    try:
        return tuple(pca(rows, generator=generator, group=group, **options)), list(SENT)
    except (ValueError, RuntimeError) as refusal:
        return str(refusal)


def part(folder, rank, ranks):
    """Do what one rank does, from the first exchange to the last."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", timeout=timedelta(seconds=60))
    distributed.all_reduce = counted
    groups = {size: distributed.new_group(list(range(size))) for size in range(1, ranks + 1)}
    cases = torch.load(folder / "cases.pt")
    results = [work(shares[rank], options, groups[len(shares)]) for shares, options in cases if rank < len(shares)]
    distributed.barrier()
    if rank:
        start = time.monotonic()
        results.append((work(torch.ones(2, 2), {}, distributed.group.WORLD), time.monotonic() - start))
    torch.save(results, folder / f"results{rank}.pt")


def main(folder, ranks):
    if "RANK" in os.environ:
        part(folder, int(os.environ["RANK"]), ranks)
        return
    children = []
    for rank in range(ranks):
        child = os.fork()
        if child == 0:
            os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(ranks)}
            part(folder, rank, ranks)
            os._exit(0)
        children.append(child)
    sys.exit(any(os.waitpid(child, 0)[1] for child in children))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
