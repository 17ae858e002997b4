"""The functions a bank may name: public ones of `dlref`'s concept modules, found when a question needs them.

Nothing here imports torch, sympy or dlref by itself, so a verb that only reads starts at once.
"""

import functools
import importlib
import importlib.util
import types
from collections.abc import Callable
from typing import Any

from dlquiz.failures import BankError
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


def public(module: types.ModuleType) -> dict[str, Callable[..., Any]]:
    """The functions that a concept's module makes public, by their names."""
    functions = {key: value for key, value in vars(module).items() if isinstance(value, types.FunctionType)}
    return {key: one for key, one in functions.items() if not key.startswith("_") and one.__module__ == module.__name__}


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


def _public(package: str, name: str) -> Callable[..., Any]:
    concept, _, attribute = name.partition(".")
    path = f"{package}.{concept}"
    if concept.startswith("_") or importlib.util.find_spec(path) is None:
        raise RegistryError(f"no reference function {name!r}: there is no concept module {concept!r}")
    functions = public(importlib.import_module(path))
    if attribute not in functions:
        raise RegistryError(f"no reference function {name!r}{nearest(attribute, functions)}")
    return functions[attribute]
