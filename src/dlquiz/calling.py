"""What reference functions and derivations give for the arguments that a bank writes."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dlquiz.arguments import converted, wanted
from dlquiz.params import Value, evaluate, show
from dlquiz.parts import Index
from dlquiz.registry import RegistryError, derivation, public, reference
from dlquiz.text import nearest


def scalar(name: str, args: Mapping[str, Any], env: Mapping[str, Value], index: Index | None = None) -> float:
    """One value of a reference function; texts in `args` are formulas in the names of `env`."""
    steps = [] if index is None else index if isinstance(index, list) else [index]
    result = _plain(_picked(name, _called(reference(name), args, env), steps))
    while isinstance(result, list) and len(result) == 1:
        result = result[0]
    if isinstance(result, list):
        raise RegistryError(f"{name} gives {_shape(result)}; pick one with index")
    return float(result)


def _picked(name: str, result: Any, steps: "Sequence[int | str]") -> Any:
    """The part of a result that each step leads into: a position, or the name of a field."""
    for step in steps:
        fields = getattr(result, "_fields", ())
        try:
            if isinstance(step, str) and step not in fields:
                told = f"it gives {', '.join(fields)}" if fields else "its result has no named parts"
                raise RegistryError(f"{name} gives no {step!r}{nearest(step, fields)}; {told}")
            result = getattr(result, step) if isinstance(step, str) else result[step]
        except (IndexError, TypeError):
            raise RegistryError(f"{name} gives {_shape(_plain(result))}, which has no index {step}") from None
    return result


def _called(
    function: Callable[..., Any],
    args: Mapping[str, Any],
    env: Mapping[str, Value],
    like: Callable[..., Any] | None = None,
) -> Any:
    """The result of a function; `like` is the one whose annotations say what it takes."""
    name = function.__name__
    try:
        return function(**_arguments(like or function, name, args, env))
    except RegistryError:
        raise
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise RegistryError(f"{name} refuses these arguments: {line}") from None


def differ(right: Callable[..., Any], wrong: Callable[..., Any], case: Mapping[str, Any]) -> str:
    """What a wrong function gives at a case beside what the right one gives; empty where they agree."""
    want = _plain(_called(right, case, {}))
    try:
        got = _plain(_called(wrong, case, {}, like=right))
    except RegistryError as error:
        return str(error)
    return "" if _alike(got, want) else f"{_brief(got)}, not {_brief(want)}"


def _brief(result: Any) -> str:
    return show(result, 6) if isinstance(result, list | float | int) else str(result)


def _alike(got: Any, want: Any) -> bool:
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(_alike, got, want))
    return not isinstance(got, list) and (got == want or abs(got - want) <= 1e-9 * max(abs(want), 1e-3))


def _shape(result: Any) -> str:
    return f"{len(result)} values" if isinstance(result, list) else "one value"


def derived(name: str, args: Mapping[str, Any], env: Mapping[str, Value]) -> float:
    """The value of a derivation's last line at a point; `args` says what each of its symbols is."""
    expression = derivation(name).lines[-1]
    symbols = {str(symbol): symbol for symbol in expression.free_symbols}
    if missing := symbols.keys() - args.keys():
        raise RegistryError(f"derivation {name} has a symbol {min(missing)!r}; say in args what it is")
    values = {symbol: _symbolic(name, key, evaluate(args[key], env)) for key, symbol in symbols.items()}
    try:
        return float(expression.xreplace(values).evalf(30))
    except TypeError:
        raise RegistryError(f"the last line of {name} is no number at a point; verify by a call instead") from None


def _symbolic(name: str, key: str, number: Any) -> Any:
    """A number as sympy's own. Sympy would read anything else as text, and run what stands in it."""
    sympy = importlib.import_module("sympy")
    if isinstance(number, int):
        return sympy.Integer(number)
    if isinstance(number, float):
        return sympy.Float(number)
    raise RegistryError(f"derivation {name} needs a number for {key!r}, got {number!r}")


def alike(name: str) -> list[str]:
    """The other public functions of the same concept that take the same arguments."""
    function = reference(name)
    others = public(importlib.import_module(function.__module__))
    wants = list(wanted(function))
    return [
        f"{name.partition('.')[0]}.{key}"
        for key, one in others.items()
        if one is not function and list(wanted(one)) == wants
    ]


def _arguments(function: Callable[..., Any], name: str, args: Mapping[str, Any], env: Mapping[str, Value]) -> dict:
    known = wanted(function)
    for key in args:
        if key not in known:
            raise RegistryError(f"{name} has no argument {key!r}{nearest(key, known)}; it takes {', '.join(known)}")
    return {key: _converted(name, key, argument, known[key], env) for key, argument in args.items()}


def _converted(name: str, key: str, argument: Any, kinds: tuple[str, ...], env: Mapping[str, Value]) -> Any:
    try:
        return converted(argument, kinds, env)
    except ValueError as error:
        raise RegistryError(f"{name} refuses {key!r}: {error}") from None


def _plain(result: Any) -> Any:
    """Tensors as numbers and lists, tuples of them as lists; None, where a rule keeps no state, as an empty one."""
    if result is None:
        return []
    if isinstance(result, tuple | list):
        return [_plain(part) for part in result]
    return result.tolist() if hasattr(result, "tolist") else result
