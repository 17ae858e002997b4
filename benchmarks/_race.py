"""Contestants take turns in one process, so that a busy machine slows them all alike."""

import gc
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Result(NamedTuple):
    """Times of ours and of the peer, in milliseconds, and their ratios; below 1 ours is faster."""

    name: str
    peer: str
    ours_ms: float
    peer_ms: float
    best: float  # minimum over minimum
    typical: float  # median of the round-by-round ratios

    def row(self) -> str:
        """One line of a Markdown table."""
        times = f"{self.ours_ms:.2f} | {self.peer_ms:.2f}"
        return f"| {self.name} | {self.peer} | {times} | {self.best:.2f} | {self.typical:.2f} |"


HEADER = "| what | peer | ours, ms | peer, ms | ratio of minima | median ratio |\n|---|---|---|---|---|---|"


def race(
    name: str,
    ours: Callable,
    peer: Callable,
    *,
    peer_name: str,
    rounds: int = 15,
    clock: Callable[[], float] = time.perf_counter,
) -> Result:
    """Time both in turn, once for warming up and then `rounds` times."""
    ours(), peer()
    gc.disable()
    times = [(once(ours, clock), once(peer, clock)) for _ in range(rounds)]
    gc.enable()
    mine, theirs = zip(*times, strict=True)
    ratios = [a / b for a, b in times]
    return Result(name, peer_name, min(mine), min(theirs), min(mine) / min(theirs), statistics.median(ratios))


def once(run: Callable, clock: Callable[[], float]) -> float:
    """Time of one call by this clock, in milliseconds, once the threads of the call before have gone to sleep."""
    time.sleep(0.05)
    start = clock()
    run()
    return (clock() - start) * 1e3
