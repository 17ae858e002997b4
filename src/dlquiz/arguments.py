"""A bank's argument turned into what a reference function takes, which its annotations say.

A number, a list or a formula becomes a float64 tensor unless the annotation wants something else: whole numbers, a
shape, a sequence of tensors, a seeded generator, a dtype, a name, or another reference function.
"""

import collections.abc
import functools
import importlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from dlquiz.params import Value, evaluate
from dlquiz.registry import reference

PLAIN = {int: "int", float: "float", bool: "bool", str: "text", inspect.Parameter.empty: "tensor"}
NAMED = {"Generator": "generator", "dtype": "dtype", "Size": "shape", "NoneType": "", "Tensor": "tensor"}
UNREAD = ("text", "dtype", "function")  # a text for one of these is a word, not a formula
DTYPES = ("float16", "bfloat16", "float32", "float64", "int64", "bool")


@functools.cache
def wanted(function: Callable[..., Any]) -> dict[str, tuple[str, ...]]:
    """What each argument may be, in the order of preference."""
    try:
        annotations = typing.get_type_hints(function)
    except (NameError, TypeError):
        annotations = {}
    names = inspect.signature(function).parameters
    return {name: _kinds(annotations.get(name, inspect.Parameter.empty)) or ("tensor",) for name in names}


def _kinds(annotation: Any) -> tuple[str, ...]:
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kinds(inside[0])
    if origin in (types.UnionType, typing.Union):
        kinds = dict.fromkeys(kind for member in inside for kind in _kinds(member))
        return tuple(kind for kind in kinds if kind != "int" or "float" not in kinds)
    if origin is typing.Literal:
        return ("text",)
    if origin is collections.abc.Callable:
        return ("function",)
    if isinstance(origin, type) and issubclass(origin, collections.abc.Sequence):
        return tuple({"int": "shape", "float": "numbers", "text": "texts"}.get(k, "tensors") for k in _kinds(inside[0]))
    if annotation in PLAIN:
        return (PLAIN[annotation],)
    if dtypes := getattr(annotation, "dtypes", ()):  # jaxtyping's
        return ("index",) if all("int" in str(dtype) for dtype in dtypes) else ("tensor",)
    kind = NAMED.get(getattr(annotation, "__name__", ""), "tensor")
    return (kind,) if kind else ()


def converted(argument: Any, kinds: tuple[str, ...], env: Mapping[str, Value]) -> Any:
    """The argument as the first of `kinds` that it fits; ValueError says what would fit."""
    if isinstance(argument, bool):
        return argument
    value = argument if isinstance(argument, str) and set(kinds) & set(UNREAD) else evaluate(argument, env)
    for kind in kinds:
        if FITS[kind](value):
            return MAKE[kind](value)
    raise ValueError(f"{' or '.join(WORDS[kind] for kind in kinds)} is wanted, got {value!r}")


# -- what fits, and what is made of it


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _is_array(value: Any) -> bool:
    """A number, or a list of lists that are all of one shape."""
    return _is_number(value) or (isinstance(value, list) and _shape(value) is not None)


def _shape(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return () if _is_number(value) else None
    shapes = {_shape(item) for item in value}
    if not shapes:
        return (0,)
    inner = shapes.pop()
    return None if shapes or inner is None else (len(value), *inner)


def _whole(value: Any) -> int:
    if value != round(value):
        raise ValueError(f"a whole number is wanted, got {value!r}")
    return round(value)


def _torch() -> Any:
    return importlib.import_module("torch")


def _tensor(value: Any) -> Any:
    return _torch().tensor(value, dtype=_torch().float64)


def _index(value: Any) -> Any:
    return _torch().tensor(value).round().to(_torch().int64)


def _generator(value: Any) -> Any:
    return _torch().Generator().manual_seed(_whole(value))


FITS: dict[str, Callable[[Any], bool]] = {
    "int": _is_number,
    "float": _is_number,
    "bool": _is_number,
    "generator": _is_number,
    "shape": _is_flat,
    "numbers": _is_flat,
    "tensor": _is_array,
    "index": _is_array,
    "tensors": lambda value: isinstance(value, list) and all(map(_is_array, value)),
    "texts": lambda value: isinstance(value, list),
    "text": lambda value: isinstance(value, str),
    "function": lambda value: isinstance(value, str) and "." in value,
    "dtype": lambda value: value in DTYPES,
}
MAKE: dict[str, Callable[[Any], Any]] = {
    "int": _whole,
    "float": float,
    "bool": bool,
    "generator": _generator,
    "shape": lambda value: tuple(map(_whole, value)),
    "numbers": lambda value: tuple(map(float, value)),
    "tensor": _tensor,
    "index": _index,
    "tensors": lambda value: tuple(map(_tensor, value)),
    "texts": tuple,
    "text": str,
    "function": reference,
    "dtype": lambda value: getattr(_torch(), value),
}
WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "generator": "a seed",
    "shape": "a shape such as [3, 4]",
    "numbers": "a list of numbers",
    "tensor": "a number or a list, rows of one length,",
    "index": "a whole number or a list of them",
    "tensors": "a list of lists",
    "texts": "a list of names",
    "text": "a name",
    "function": "a function as concept.function",
    "dtype": f"one of {', '.join(DTYPES)}",
}
