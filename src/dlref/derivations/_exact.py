"""The exact witness for smooth claims: a ladder of rewrites, the cheapest first, each under a CPU-time limit."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping

import sympy as sp

from ._symbols import Domain, Variable

Rewrite = Callable[[sp.Expr], sp.Expr]

RUNG_SECONDS = 2.0
SMOOTH = (sp.exp, sp.log, sp.sinh, sp.cosh, sp.tanh, sp.sin, sp.cos, sp.erf)

_deadlines: list[float] = []  # of the limits now in force, the nearest last
late: list[str] = []  # the rungs that ran out of time since the list was last emptied
used: set[str] = set()  # the rungs that settled something since the set was last emptied


class OutOfTime(BaseException):
    """The limit was reached; no Exception, since sympy swallows those."""


def _over() -> bool:
    """Whether the limit now in force is reached. Its alarm may be late: the timer is coarse, and each limit sets it."""
    return bool(_deadlines) and _deadlines[-1] < time.process_time()


def _arm() -> None:
    left = max(_deadlines[-1] - time.process_time(), 1e-3) if _deadlines else 0
    signal.setitimer(signal.ITIMER_VIRTUAL, left)


def _ring(*_: object) -> None:
    raise OutOfTime


@contextlib.contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Stop after so much CPU time. Never wall-clock: a busy machine must not change a verdict."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGVTALRM"):
        yield  # only the main thread of a Unix process can be interrupted
        return
    if _over():
        raise OutOfTime
    signal.signal(signal.SIGVTALRM, _ring)
    _deadlines.append(min([time.process_time() + seconds, *_deadlines]))
    _arm()
    try:
        yield
    finally:
        _deadlines.pop()
        _arm()


@contextlib.contextmanager
def _rung(name: str) -> Iterator[None]:
    """One attempt, which may fail or run out of time: the next one follows, unless the limit around all is over."""
    try:
        with cpu_limit(RUNG_SECONDS):
            yield
    except OutOfTime:
        if _over():
            raise
        late.append(name)
    except Exception:  # noqa: BLE001, S110 (sympy raises many kinds, and none of them proves anything)
        pass


def opened(e: sp.Expr) -> sp.Expr:
    """The expression with each bounded symbol written through a positive one, so that sympy knows the bounds."""
    exchange = {}
    for symbol in (s for s in e.free_symbols if isinstance(s, Variable) and s.domain.is_interval):
        low, high, t = symbol.domain.lower, symbol.domain.upper, sp.Dummy(symbol.name, positive=True)
        if low.is_finite:
            exchange[symbol] = low + ((high - low) * t / (1 + t) if high.is_finite else t)
    return e.xreplace(exchange)


def _rational(e: sp.Expr) -> sp.Expr:
    """Exponentials as generators of a rational function, reduced."""
    return sp.cancel(sp.together(sp.expand_power_exp(sp.expand_log(e.rewrite(sp.exp)))))


def _through_logarithms(e: sp.Expr) -> sp.Expr:
    """Arguments of logarithms as reduced fractions, and powers of what is positive through its logarithm."""
    e = e.replace(
        lambda part: part.is_Pow and not part.exp.is_number and _rational(part.base).is_positive,
        lambda part: sp.exp(part.exp * sp.log(part.base)),
    )
    e = e.replace(sp.log, lambda u: sp.expand_log(sp.log(sp.factor(_rational(u)))))
    return sp.expand(e.replace(sp.exp, lambda u: sp.exp(sp.expand(u))))


RUNGS: dict[str, Rewrite] = {
    "expand": sp.expand,
    "together": lambda d: sp.expand(sp.numer(sp.together(d))),
    "cancel": _rational,
    "logarithms": _through_logarithms,
    "simplify": sp.simplify,
}
FORMS: dict[str, Rewrite] = {
    "as it stands": lambda e: e,
    "factor": sp.factor,
    "factor in exponentials": lambda e: sp.factor(_rational(e)),
}


def evaluated(d: sp.Expr) -> sp.Expr:
    """The expression with its derivatives and integrals done, as far as that takes no more than its time."""
    with _rung("doit"):
        return d.doit()
    return d


def _settled(rungs: Mapping[str, Rewrite], e: sp.Expr, is_plain: Callable[[sp.Expr], bool | None]) -> str | None:
    """The first rung on which it is plain what the expression is."""
    e = opened(e)
    for name, rewrite in rungs.items():
        with _rung(name):
            if is_plain(rewrite(e)):
                used.add(name)
                return name
    return None


def vanishes(d: sp.Expr) -> str | None:
    """The first rung that shows the expression to be zero."""
    return _settled(RUNGS, evaluated(d), lambda e: e == 0)


def nonnegative(d: sp.Expr, touch: tuple[sp.Expr, sp.Expr] | None = None) -> bool:
    """Whether the expression is shown to be at least zero: by its form, or as a convex function that touches zero."""
    d = evaluated(d)
    plain = _sign_is_plain(d) or (d.has(sp.log) and _sign_is_plain(without_logs(d)))
    return plain or (touch is not None and _touches_from_above(d, *touch))


def without_logs(d: sp.Expr) -> sp.Expr:
    """An expression of the same sign as a sum of logarithms: the exponential is increasing."""
    above, below = [], []
    for term in sp.Add.make_args(sp.expand(sp.expand_log(d))):
        number, rest = term.as_coeff_Mul()
        part = rest.args[0] if isinstance(rest, sp.log) and rest.args[0].is_positive else sp.exp(rest)
        (above if number > 0 else below).append(part ** abs(number))
    return sp.Mul(*above) - sp.Mul(*below)


def _sign_is_plain(d: sp.Expr) -> bool:
    """Whether sympy reads the sign off one of a few forms."""
    return _settled(FORMS, d, lambda e: e.is_nonnegative) is not None


def _touches_from_above(d: sp.Expr, variable: sp.Expr, where: sp.Expr) -> bool:
    """Whether an even derivative is never negative and all lower ones are zero at one place (Taylor, Lagrange)."""
    elsewhere = Domain(sp.S.Zero) if variable.is_positive else Domain()
    domain = variable.domain if isinstance(variable, Variable) else elsewhere
    if not all(opened(room).is_extended_nonnegative for room in (where - domain.lower, domain.upper - where)):
        return False
    x = Variable(f"({variable})", domain)
    f = d.xreplace({variable: x})
    for _ in range(2):
        if not all(vanishes(g.subs(x, where)) for g in (f, f.diff(x))):
            return False
        f = f.diff(x, 2)
        if _is_smooth(f) and _sign_is_plain(f):
            return True
    return False


def _is_smooth(e: sp.Expr) -> bool:
    """Whether only smooth functions occur. Poles need no look: sympy calls nothing nonnegative that may have one."""
    return all(isinstance(f, SMOOTH) for f in e.atoms(sp.Function)) and not e.has(sp.Max, sp.Min, sp.Piecewise)
