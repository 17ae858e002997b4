"""Derivations that a machine has checked, and the checker."""

import importlib
import inspect
import pkgutil

from . import _symbols as symbols
from ._chain import Derivation, Step, WrongStep
from ._proof import Proof

__all__ = ["Derivation", "Proof", "Step", "WrongStep", "load", "names", "symbols"]


def names() -> list[str]:
    """Every derivation, as concept.topic."""
    concepts = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return [f"{concept}.{topic}" for concept in sorted(concepts) for topic in _topics(concept)]


def load(name: str) -> Derivation:
    """One derivation by its name, not checked yet."""
    concept, _, topic = name.partition(".")
    if name not in names():
        raise KeyError(f"there is no derivation {name!r}; python -m dlref.derivations lists them all")
    build = _topics(concept)[topic]
    try:
        derivation = build()
    except Exception as problem:
        raise WrongStep(f"{name}: it cannot be built: {problem}") from problem
    derivation.name, derivation.title = name, (inspect.getdoc(build) or name).splitlines()[0].removesuffix(".")
    return derivation


def _topics(concept: str) -> dict:
    """The public functions that a concept's module defines, in the order of the file."""
    module = importlib.import_module(f"{__name__}.{concept}")
    functions = inspect.getmembers(module, inspect.isfunction)
    own = [(f.__code__.co_firstlineno, topic, f) for topic, f in functions if f.__module__ == module.__name__]
    return {topic: f for _, topic, f in sorted(own) if not topic.startswith("_")}
