"""The exact witness for smooth claims: a ladder of rewrites, the cheapest first, each under a CPU-time limit."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

import sympy as sp

from ._symbols import Variable

RUNG_SECONDS = 2.0


class OutOfTime(BaseException):
    """The limit was reached; no Exception, since sympy swallows those."""


@contextlib.contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Stop after so much CPU time. Never wall-clock: a busy machine must not change a verdict."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGVTALRM"):
        yield  # only the main thread of a Unix process can be interrupted
        return

    def ring(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def opened(e: sp.Expr) -> sp.Expr:
    """The expression with each bounded symbol written through a positive one, so that sympy knows the bounds."""
    exchange = {}
    for symbol in e.free_symbols:
        if not isinstance(symbol, Variable) or symbol.domain.integer or symbol.domain.values:
            continue
        low, high = symbol.domain.lower, symbol.domain.upper
        t = sp.Dummy(symbol.name, positive=True)
        if low.is_finite and high.is_finite:
            exchange[symbol] = low + (high - low) * t / (1 + t)
        elif low.is_finite and low != 0:
            exchange[symbol] = low + t
    return e.xreplace(exchange)


def _rational(e: sp.Expr) -> sp.Expr:
    """Exponentials as generators of a rational function, reduced."""
    return sp.cancel(sp.together(sp.expand_power_exp(sp.expand_log(e.rewrite(sp.exp)))))


def _safe_logs(e: sp.Expr) -> bool:
    """Whether every logarithm and root has an argument that is known to be positive, so that exp is one-to-one."""
    roots = (p.base for p in e.atoms(sp.Pow) if not p.exp.is_integer)
    return all(u.is_positive for u in (*(log.args[0] for log in e.atoms(sp.log)), *roots))


def _through_exp(e: sp.Expr) -> sp.Expr:
    """A sum of logarithms is zero exactly when its exponential is one."""
    if not e.has(sp.log) or not _safe_logs(e):
        return e
    return _rational(sp.exp(sp.expand(sp.expand_log(e)))) - 1


RUNGS: dict[str, Callable[[sp.Expr], sp.Expr]] = {
    "structural": lambda d: d,
    "expand": sp.expand,
    "together": lambda d: sp.expand(sp.numer(sp.together(d))),
    "cancel": _rational,
    "logarithms": _through_exp,
    "simplify": sp.simplify,
}


def vanishes(d: sp.Expr, rungs: dict[str, Callable[[sp.Expr], sp.Expr]] = RUNGS) -> str | None:
    """The first rung that shows the expression to be zero."""
    d = opened(d.doit())
    for name, rewrite in rungs.items():
        with contextlib.suppress(OutOfTime, Exception), cpu_limit(RUNG_SECONDS):
            if rewrite(d) == 0:
                return name
    return None


def nonnegative(d: sp.Expr, touch: tuple[sp.Expr, sp.Expr] | None = None) -> bool:
    """Whether the expression is shown to be at least zero."""
    d = d.doit()
    if _sign_is_plain(d):
        return True
    return touch is not None and _convex_and_touching(d, *touch)


def _sign_is_plain(d: sp.Expr) -> bool:
    """Sympy reads the sign off one of a few forms."""
    d = opened(d)
    for form in (lambda e: e, sp.factor, lambda e: sp.factor(sp.together(sp.expand(e))), sp.simplify):
        with contextlib.suppress(OutOfTime, Exception), cpu_limit(RUNG_SECONDS):
            e = form(d)
            if e.is_nonnegative or (isinstance(e, sp.log) and (e.args[0] - 1).is_nonnegative):
                return True
    return False


def _convex_and_touching(d: sp.Expr, variable: sp.Expr, where: sp.Expr) -> bool:
    """A convex function that is zero, with slope zero, at one place is nowhere below zero."""
    x = (
        Variable("touching", variable.domain)
        if isinstance(variable, Variable)
        else sp.Dummy(positive=variable.is_positive, real=True)
    )
    f = d.xreplace({variable: x})
    flat = all(vanishes(g.subs(x, where)) for g in (f, f.diff(x)))
    return flat and _sign_is_plain(f.diff(x, 2))
