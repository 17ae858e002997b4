"""The functions a bank may name: public ones of `dlref`'s concept modules, found when a question needs them.

Nothing here imports torch, sympy or dlref by itself, so a verb that only reads starts at once.
"""

import functools
import importlib
import importlib.util
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from dlquiz.failures import BankError
from dlquiz.params import Value, evaluate, show
from dlquiz.text import nearest

PACKAGE = "dlref"


class RegistryError(BankError):
    """A name that no concept module makes public, or a call that the function refuses."""


@functools.cache
def reference(name: str) -> Callable[..., Any]:
    """The public function ``concept.function``."""
    return _public(PACKAGE, name)


@functools.cache
def mutant(name: str) -> Callable[..., Any]:
    """The damaged function ``concept.function``."""
    return _public(f"{PACKAGE}._mutants", name)


def scalar(
    name: str, args: Mapping[str, Any], env: Mapping[str, Value], index: "int | list[int] | None" = None
) -> float:
    """One value of a reference function; texts in `args` are formulas in the names of `env`."""
    result = values(reference(name), args, env)
    try:
        for step in [] if index is None else [index] if isinstance(index, int) else index:
            result = result[step]
    except (IndexError, TypeError):
        raise RegistryError(f"{name} gives {_shape(result)}, which has no index {index}") from None
    while isinstance(result, list) and len(result) == 1:
        result = result[0]
    if isinstance(result, list):
        raise RegistryError(f"{name} gives {_shape(result)}; pick one with index")
    return float(result)


def values(
    function: Callable[..., Any],
    args: Mapping[str, Any],
    env: Mapping[str, Value],
    like: Callable[..., Any] | None = None,
) -> Any:
    """The result of a function as numbers and lists; `like` is the function whose annotations say what it takes."""
    name = function.__name__
    try:
        return _plain(function(**_arguments(like or function, name, args, env)))
    except RegistryError:
        raise
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise RegistryError(f"{name} refuses these arguments: {line}") from None


def differ(right: Callable[..., Any], wrong: Callable[..., Any], case: Mapping[str, Any]) -> str:
    """What a wrong function gives at a case beside what the right one gives; empty where they agree."""
    want = values(right, case, {})
    try:
        got = values(wrong, case, {}, like=right)
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


@functools.cache
def derivation(name: str) -> Any:
    """A derivation, checked, by its name ``concept.topic``."""
    derivations = importlib.import_module(f"{PACKAGE}.derivations")
    if name not in derivations.names():
        raise RegistryError(f"no derivation {name!r}{nearest(name, derivations.names())}")
    try:
        return derivations.load(name).check()
    except derivations.WrongStep as error:
        raise RegistryError(f"the derivation {name} is refused: {error}") from None


def derived(name: str, args: Mapping[str, Any], env: Mapping[str, Value]) -> float:
    """The value of a derivation's last line at a point; `args` says what each of its symbols is."""
    expression = derivation(name).lines[-1]
    symbols = {str(symbol): symbol for symbol in expression.free_symbols}
    if missing := symbols.keys() - args.keys():
        raise RegistryError(f"derivation {name} has a symbol {min(missing)!r}; say in args what it is")
    values = {symbol: evaluate(args[key], env) for key, symbol in symbols.items()}
    try:
        return float(expression.subs(values).evalf(30))
    except TypeError:
        raise RegistryError(f"the last line of {name} is no number at a point; verify by a call instead") from None


def _public(package: str, name: str) -> Callable[..., Any]:
    concept, _, attribute = name.partition(".")
    path = f"{package}.{concept}"
    if concept.startswith("_") or attribute.startswith("_") or importlib.util.find_spec(path) is None:
        raise RegistryError(f"no reference function {name!r}: there is no concept module {concept!r}")
    module = importlib.import_module(path)
    function = getattr(module, attribute, None)
    if not isinstance(function, types.FunctionType) or function.__module__ != path:
        public = [key for key, value in vars(module).items() if _is_public(key, value, path)]
        raise RegistryError(f"no reference function {name!r}{nearest(attribute, public)}")
    return function


def _is_public(key: str, value: object, path: str) -> bool:
    return not key.startswith("_") and isinstance(value, types.FunctionType) and value.__module__ == path


@functools.cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """What each argument wants: "tensor", "index", "text", or the Python type of a plain number."""
    try:
        annotations = typing.get_type_hints(function)
    except (NameError, TypeError):
        annotations = {}
    return {name: _wanted(annotations.get(name)) for name in inspect.signature(function).parameters}


def _wanted(annotation: Any) -> Any:
    if typing.get_origin(annotation) is typing.Annotated:
        return _wanted(typing.get_args(annotation)[0])
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        return float if set(members) <= {int, float} else _wanted(members[0])
    if annotation in (int, float, bool):
        return annotation
    if annotation is str or typing.get_origin(annotation) is typing.Literal:
        return "text"
    dtypes = getattr(annotation, "dtypes", ())  # jaxtyping's
    if dtypes and all("int" in str(dtype) for dtype in dtypes):
        return "index"
    return "tensor"


def _arguments(function: Callable[..., Any], name: str, args: Mapping[str, Any], env: Mapping[str, Value]) -> dict:
    hints = _hints(function)
    for key in args:
        if key not in hints:
            raise RegistryError(f"{name} has no argument {key!r}{nearest(key, hints)}; it takes {', '.join(hints)}")
    return {key: _converted(argument, hints[key], env) for key, argument in args.items()}


def _converted(argument: Any, wanted: Any, env: Mapping[str, Value]) -> Any:
    if wanted == "text" or isinstance(argument, bool):
        return argument
    value = evaluate(argument, env)
    if wanted in (int, float, bool):
        return wanted(value)
    torch = importlib.import_module("torch")
    if wanted == "index":
        return torch.tensor(value).round().to(torch.int64)
    return torch.tensor(value, dtype=torch.float64)


def _plain(result: Any) -> Any:
    """Tensors as numbers and lists, tuples of them as lists."""
    if isinstance(result, tuple):
        return [_plain(part) for part in result]
    return result.tolist() if hasattr(result, "tolist") else result
