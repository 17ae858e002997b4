"""Adam as `RuleOptimizer` runs it against `torch.optim.Adam`: the step alone, on gradients that stand.

As it is, against torch's default path, with all threads and with one; and with `compiled=True`, against torch's fused.
Fifty float32 tensors of 256 by 256, and four of 2048 by 2048.
"""

from collections.abc import Callable, Iterator

import torch

from benchmarks._race import Result, race
from dlref.adaptive_optimizers import adam
from dlref.gradient_descent import RuleOptimizer

MODELS = {"50 of 256x256": [(256, 256)] * 50, "4 of 2048x2048": [(2048, 2048)] * 4}


def parameters(shapes: list[tuple[int, int]]) -> list[torch.nn.Parameter]:
    """Draw parameters and their gradients, the same for every contestant."""
    generator = torch.Generator().manual_seed(0)
    thetas = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    for theta in thetas:
        theta.grad = torch.randn(theta.shape, generator=generator)
    return thetas


def stepping(make: Callable, shapes: list[tuple[int, int]], warm: int = 4) -> Callable:
    """Return the step of an optimizer that has compiled whatever it compiles."""
    optimizer = make(parameters(shapes))
    for _ in range(warm):
        optimizer.step()
    return optimizer.step


def results() -> Iterator[Result]:
    """Three races for each model."""
    for name, shapes in MODELS.items():
        plain, peer = stepping(lambda thetas: RuleOptimizer(thetas, adam), shapes), stepping(torch.optim.Adam, shapes)
        threads = torch.get_num_threads()
        yield race(f"adam, {name}", plain, peer, peer_name="torch")
        torch.set_num_threads(1)
        yield race(f"adam, {name}, one thread", plain, peer, peer_name="torch, one thread")
        torch.set_num_threads(threads)
        compiled = stepping(lambda thetas: RuleOptimizer(thetas, adam, compiled=True), shapes)
        fused = stepping(lambda thetas: torch.optim.Adam(thetas, fused=True), shapes)
        yield race(f"adam, compiled, {name}", compiled, fused, peer_name="torch, fused")
