"""Threads that share out the rows of a batch."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any, Self

import torch
from torch import Tensor

SMALL = 2**17  # numbers, for fewer of which another worker is not worth its start
LARGE = 2**26  # numbers of a chunk on a GPU


def fitting(numbers: int, device: torch.device) -> int:
    """Return how many numbers a chunk may hold: what a core's cache takes, or many, where a start costs more."""
    return numbers if device.type == "cpu" else LARGE


def added(parts: Iterable[Tensor]) -> Tensor:
    """Add up tensors of one shape, in the first of them."""
    return reduce(Tensor.add_, parts)


class Workers:
    """As many threads as torch has, each of which works with one thread of torch while they are entered.

    Small products side by side are faster than each cut in two: nobody waits for anybody until the batch is done. A GPU
    shares its work out by itself, so there is one worker, and so there is where `alone` asks for it: torch's threads
    are then left as they are.
    """

    def __init__(self, device: torch.device, *, alone: bool = False) -> None:
        self.count = 1 if alone or device.type != "cpu" else torch.get_num_threads()
        self._pool: ThreadPoolExecutor | None = None
        self._threads = 1

    def __enter__(self) -> Self:
        if self.count > 1:
            self._threads, self._pool = torch.get_num_threads(), ThreadPoolExecutor(self.count)
            torch.set_num_threads(1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown()
            torch.set_num_threads(self._threads)
            self._pool = None

    def share(self, work: Callable, *columns: Tensor, own: Sequence = ()) -> list[Any]:
        """Call `work` with each worker's run of the rows of every column, after what is its own, and list the results.

        Each has its run, whichever is done first: so sums over the results are always added up in one order.
        """
        count = min(self.count, 1 + columns[0].numel() // SMALL)
        runs = [each.tensor_split(count) for each in columns]
        owned = [own] if own else []
        return list((self._pool.map if self._pool and count > 1 else map)(work, *owned, *runs))
