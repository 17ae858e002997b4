"""What a formula is worth at a point: in 50 digits over the real numbers, or in floating point as it was typed."""

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
from mpmath import mp, mpf

from dlquiz.formula.parser import Formula, Name, Node, Number
from dlquiz.formula.tokens import COMPARISONS

Point = Mapping[str, Any]
Table = Mapping[str, Callable[..., Any]]

# Caps that keep every intermediate value cheap: 1.1^(2^39000) would be multiplied 39000 times.
LARGEST_EXPONENT, LARGEST_ANGLE = 10**4, 10**9


class UndefinedError(ArithmeticError):
    """No real value here: a pole, the logarithm of a negative number, an overflow."""


class LimitError(UndefinedError):
    """There may well be a value, but one too large, or of too large an angle, to compute with."""


def value(formula: Formula, point: Point, digits: int = 50, *, strict: bool = False) -> Any:
    """The value at `point`, or `UndefinedError`. What is too small is 0, or with `strict` a `LimitError`."""
    with mp.workdps(digits):
        env = {name: mpf(number) for name, number in point.items()}
        table = STRICT if strict else REAL
        return _walk(formula.node, {**env, "pi": env.get("pi", +mp.pi), "e": env.get("e", +mp.e)}, table, mpf)


def derivative(formula: Formula, point: Point, by: str) -> Any:
    """The slope along `by`, from differences of values in 200 digits."""
    with mp.workdps(60):
        return mpmath.diff(lambda x: value(formula, {**point, by: x}, 200), mpf(point[by]))


def holds(claim: Formula, point: Point) -> bool:
    """Whether a claim is true at `point`; values within 1e-9 relative or 1e-12 absolute are equal."""
    with mp.workdps(50):
        env = {name: mpf(number) for name, number in point.items()}
        return bool(_walk(claim.node, {**env, "pi": env.get("pi", +mp.pi), "e": env.get("e", +mp.e)}, TOLERANT, mpf))


def in_floats(formula: Formula, point: Point, dtype: str) -> float:
    """The value that the formula as typed has in float32 or float64, rounded at every step."""
    import numpy as np

    real = getattr(np, dtype)
    env = {name: real(number) for name, number in {"pi": np.pi, "e": np.e, **point}.items()}
    with np.errstate(all="ignore"):
        return float(_walk(formula.node, env, _float_table(np, real), real))


def _walk(node: Node, env: Point, table: Table, number: Callable[[Any], Any]) -> Any:
    if isinstance(node, Number):
        return number(node.value)
    if isinstance(node, Name):
        return env[node.name]
    if node.op == "where":
        condition, yes, no = node.args
        return _walk(yes if _walk(condition, env, table, number) else no, env, table, number)
    return table[node.op](*(_walk(arg, env, table, number) for arg in node.args))


# -- real numbers of many digits


def _sized(function: Callable[..., Any], *, strict: bool) -> Callable[..., Any]:
    """Keep results between 2**-40000 and 2**40000, where they are cheap to compute with and to print."""

    @functools.wraps(function)
    def wrapped(*args: Any) -> Any:
        result = function(*args)
        size = mpmath.mag(result) if result else 0
        if size > 4 * LARGEST_EXPONENT:
            raise LimitError("overflow")
        if size >= -4 * LARGEST_EXPONENT:
            return result
        if strict:
            raise LimitError("underflow")
        return mpf(0)

    return wrapped


def _vanishing() -> Any:
    """Something below every bound: `_sized` makes 0 of it."""
    return mpmath.ldexp(1, -5 * LARGEST_EXPONENT)


def _exp(x: Any) -> Any:
    if x > 4 * LARGEST_EXPONENT:
        raise LimitError("overflow")
    return mpmath.exp(x) if x > -4 * LARGEST_EXPONENT else _vanishing()


def _log(x: Any) -> Any:
    if x <= 0:
        raise UndefinedError("the logarithm of a number that is not positive")
    return mpmath.log(x)


def _log1p(x: Any) -> Any:
    if x <= -1:
        raise UndefinedError("the logarithm of a number that is not positive")
    return mpmath.log1p(x)


def _sqrt(x: Any) -> Any:
    if x < 0:
        raise UndefinedError("the square root of a negative number")
    return mpmath.sqrt(x)


def _divide(a: Any, b: Any) -> Any:
    if b == 0:
        raise UndefinedError("division by zero")
    return a / b


def _power(base: Any, exponent: Any) -> Any:
    if base == 0:
        if exponent < 0:
            raise UndefinedError("division by zero")
        return mpf(exponent == 0)
    if base < 0 and exponent != int(exponent):
        raise UndefinedError("a negative number to a fractional power")
    size = exponent * mpmath.log(abs(base))
    if abs(exponent) > 1e12 or size > LARGEST_EXPONENT:
        raise LimitError("overflow")
    return mpmath.power(base, exponent) if size > -4 * LARGEST_EXPONENT else _vanishing()


def _periodic(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An angle of 10^60 known to 50 digits is not known at all: its sine would be noise, and noise differs."""

    def wrapped(x: Any) -> Any:
        if abs(x) > LARGEST_ANGLE:
            raise LimitError("the angle is too large")
        return function(x)

    return wrapped


COMPARE: Table = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": operator.not_,
}

_ARITHMETIC: Table = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
    "negative": operator.neg,
    "abs": abs,
    "sign": mpmath.sign,
    "sqrt": _sqrt,
    "exp": _exp,
    "log": _log,
    "log1p": _log1p,
    "expm1": mpmath.expm1,
    "log2": lambda x: _log(x) / _log(mpf(2)),
    "log10": lambda x: _log(x) / _log(mpf(10)),
    "sin": _periodic(mpmath.sin),
    "cos": _periodic(mpmath.cos),
    "tan": _periodic(mpmath.tan),
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "atan": mpmath.atan,
    "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: _log1p(mpmath.exp(x)),
    "relu": lambda x: max(x, mpf(0)),
    "max": max,
    "min": min,
    "clip": lambda x, low, high: min(max(x, low), high),
}
REAL: Table = {**{name: _sized(function, strict=False) for name, function in _ARITHMETIC.items()}, **COMPARE}
STRICT: Table = {**{name: _sized(function, strict=True) for name, function in _ARITHMETIC.items()}, **COMPARE}


def _close(a: Any, b: Any) -> bool:
    return abs(a - b) <= max(mpf("1e-9") * max(abs(a), abs(b)), mpf("1e-12"))


TOLERANT: Table = {
    **REAL,
    "<": lambda a, b: a < b and not _close(a, b),
    "<=": lambda a, b: a < b or _close(a, b),
    ">": lambda a, b: a > b and not _close(a, b),
    ">=": lambda a, b: a > b or _close(a, b),
    "==": _close,
    "!=": lambda a, b: not _close(a, b),
}
assert set(COMPARISONS) <= COMPARE.keys()  # noqa: S101  # the parser's list and this table are one list


# -- floating point


def _float_table(np: Any, real: Any) -> Table:
    """Each function as numpy would run it; softplus and sigmoid in their textbook forms, which is their lesson."""
    one = real(1)
    names = (
        "abs",
        "sign",
        "sqrt",
        "exp",
        "log",
        "log1p",
        "expm1",
        "log2",
        "log10",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
    )
    return {
        **COMPARE,
        **{name: getattr(np, name) for name in names},
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": np.divide,
        "^": np.power,
        "negative": operator.neg,
        "tanh": np.tanh,
        "atan": np.arctan,
        "erf": lambda x: real(mpmath.erf(float(x))),
        "sigmoid": lambda x: one / (one + np.exp(-x)),
        "softplus": lambda x: np.log(one + np.exp(x)),
        "relu": lambda x: np.maximum(x, real(0)),
        "max": lambda *args: functools.reduce(np.maximum, args),
        "min": lambda *args: functools.reduce(np.minimum, args),
        "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    }
