"""One rank of a batch norm over several processes; `tests/concepts/test_normalization.py` starts it.

Reads the cases from the folder, does its own part of each, and writes what came of it. Rank `dies`, if there is one, is
gone before the first exchange.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from dlref.normalization import batch_norm, batch_norm_grad


def work(rows, upstream, *weights):
    """Give the value, the gradients by hand, and those by autograd through the value; or what was refused."""
    group = distributed.group.WORLD
    leaves = [each.clone().requires_grad_() for each in (rows, *weights[:2])]
    try:
        value = batch_norm(rows, *weights, group=group)
    except ValueError as refusal:
        return str(refusal)
    by_hand = batch_norm_grad(upstream, rows, *weights, group=group)
    by_torch = torch.autograd.grad(batch_norm(*leaves, group=group).y, leaves, upstream)
    return {"value": tuple(value), "by_hand": tuple(by_hand), "by_torch": by_torch}


def main(folder, dies=None):
    rank = int(os.environ["RANK"])
    distributed.init_process_group("gloo", timeout=timedelta(seconds=60))
    distributed.barrier()
    if rank == dies:
        os._exit(3)
    results = [work(*(each[rank] for each in case)) for case in torch.load(folder / "cases.pt")]
    torch.save(results, folder / f"results{rank}.pt")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
