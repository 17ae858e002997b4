"""Second-order optimizers against scipy.optimize: time to the same minimum, from the same start, with autograd.

Beside each name stand the evaluations that ours and the peer asked for. Gradient tolerance 1e-10 for both, in float64;
Newton-CG, SciPy's Newton with a line search, stops by the length of its step, 1e-12. `trust-exact` has no line search:
its steps are kept or refused whole. Hessians count for neither.
"""

import functools
from collections.abc import Callable, Iterator

import torch
from scipy import optimize

from benchmarks._race import Result, race
from dlref import second_order_optimizers as second

Objective = Callable[[torch.Tensor], torch.Tensor]
LIMITS = {
    "Newton-CG": {"xtol": 1e-12},
    "trust-exact": {"gtol": 1e-10},
    "BFGS": {"gtol": 1e-10},
    "L-BFGS-B": {"gtol": 1e-10, "ftol": 0, "maxiter": 20_000, "maxfun": 40_000},
}
PAIRS = (second.newton, "Newton-CG"), (second.newton, "trust-exact"), (second.bfgs, "BFGS"), (second.lbfgs, "L-BFGS-B")


def rosenbrock(theta: torch.Tensor) -> torch.Tensor:
    """The bent valley, with a minimum at ones."""
    return (100 * (theta[1:] - theta[:-1] ** 2) ** 2 + (1 - theta[:-1]) ** 2).sum()


def quadratic(n: int, condition: float) -> Objective:
    """A bowl with its axes along the coordinates."""
    weights = torch.logspace(0, 1, n, base=condition, dtype=torch.float64)
    return lambda theta: (weights * (theta - 1).square()).sum() / 2


def peer(f: Objective, start: torch.Tensor, method: str) -> optimize.OptimizeResult:
    """Minimize with SciPy."""

    def both(x):
        theta = torch.tensor(x, requires_grad=True)
        value = f(theta)
        return value.item(), torch.autograd.grad(value, theta)[0].numpy()

    def hessian(x):
        return torch.autograd.functional.hessian(f, torch.tensor(x)).numpy()

    more = {"hess": hessian} if method in ("Newton-CG", "trust-exact") else {}
    return optimize.minimize(both, start.numpy(), jac=True, method=method, options=LIMITS[method], **more)


def results() -> Iterator[Result]:
    """One race for each objective and method."""
    bends = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    cases = {
        "Rosenbrock of 2": (rosenbrock, bends),
        "Rosenbrock of 100": (rosenbrock, bends.repeat(50)),
        "bowl of 100, condition 1e3": (quadratic(100, 1e3), torch.zeros(100, dtype=torch.float64)),
    }
    for name, (f, start) in cases.items():
        for solver, method in PAIRS if len(start) == 2 else PAIRS[2:]:
            mine = functools.partial(solver, f, start, keep_path=False)
            theirs = functools.partial(peer, f, start, method)
            counts = f"{mine().evaluations} and {theirs().nfev} evaluations"
            title = f"{solver.__name__}, {name}: {counts}"
            yield race(title, mine, theirs, peer_name=f"SciPy {method}", rounds=5)
