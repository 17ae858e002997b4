"""The reference functions, found in the tree, and what their annotations say of them."""

import collections.abc
import inspect
import typing
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from beartype import beartype
from jaxtyping import jaxtyped
from torch import Tensor

import dlref
from dlref._types import Axes


def concepts():
    """Name every concept: a module of dlref that does not begin with an underscore."""
    return sorted(path.stem for path in Path(dlref.__path__[0]).glob("[!_]*.py"))


@cache
def functions():
    """Map concept.name to every public function of every concept."""
    modules = [import_module(f"dlref.{concept}") for concept in concepts()]
    return {
        f"{module.__name__.removeprefix('dlref.')}.{name}": function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


@cache
def calculations():
    """Map the names of the functions that make tensors of tensors; others, such as those that draw weights, do not."""
    return {
        name: function
        for name, function in functions().items()
        if name not in rules() | solvers() and arguments(function) and not arguments(function)[0].is_number
    }


@cache
def rules():
    """Map the names of the optimizer rules: they take parameters, a gradient and a state, and give the next ones."""
    return {
        name: function
        for name, function in functions().items()
        if list(inspect.signature(function).parameters)[:3] == ["theta", "grad", "state"]
    }


@cache
def solvers():
    """Map the names of the functions that take a function, search for something, and say whether they found it."""
    return {
        name: function
        for name, function in functions().items()
        if any(each.is_function for each in arguments(function)[:1])
        and "converged" in {each.name for each in promised(function)}
    }


@cache
def makers():
    """Map the names of the functions that make a tensor of a shape."""
    return {
        name: function
        for name, function in functions().items()
        if arguments(function)[:1] and isinstance(arguments(function)[0].law, Axes) and promised(function)[0].arrays
    }


@cache
def apart():
    """Name the functions of one value that see each example apart: its axes come first, under one starred name."""
    return [
        name
        for name, function in calculations().items()
        if len(promised(function)) == 1 and tensors(function)[0].dims[:1] and "*" in tensors(function)[0].dims[0]
    ]


@cache
def layers():
    """Name the functions whose gradient takes the pull on their value, `upstream`, first."""
    firsts = {name: arguments(function)[0].name for name, function in calculations().items()}
    return [name for name in firsts if firsts.get(f"{name}_grad") == "upstream"]


@cache
def pairs():
    """Name every other function that has a gradient beside it."""
    return [name for name in functions() if f"{name}_grad" in functions() and name not in layers()]


@cache
def executed(function):
    """Return the function with its shapes executed at each call; making it so takes longer than most calls."""
    return jaxtyped(function, typechecker=beartype)


@dataclass(frozen=True)
class Argument:
    """One argument of a function: what its annotation says about it."""

    name: str
    annotation: typing.Any
    default: object

    @property
    def bare(self):
        """Return the annotation without its law."""
        return self.annotation.__origin__ if self._is_annotated else self.annotation

    @property
    def law(self):
        """Return the law, or None where anything goes."""
        return self.annotation.__metadata__[0] if self._is_annotated else None

    @property
    def _is_annotated(self):
        return typing.get_origin(self.annotation) is typing.Annotated

    @property
    def arrays(self):
        """Return the jaxtyping alternatives; a number has none."""
        alternatives = typing.get_args(self.bare) or (self.bare,)
        return [kind for kind in alternatives if getattr(kind, "array_type", None) is Tensor]

    @property
    def is_function(self):
        """Say whether it is a function, or may be one."""
        return bool(self.gives)

    @property
    def gives(self):
        """Return what the function that is asked for gives, or None where none is."""
        kinds = [self.bare, *typing.get_args(self.bare)]
        given = [typing.get_args(kind)[1] for kind in kinds if typing.get_origin(kind) is collections.abc.Callable]
        return given[0] if given else None

    @property
    def is_number(self):
        return not self.arrays

    @property
    def dims(self):
        """Return the names of the axes as written: `["*#batch", "classes"]`."""
        return self.arrays[0].dim_str.split()

    @property
    def broadcasts(self):
        return any("#" in dim for dim in self.dims)

    @property
    def is_floating(self):
        """Say whether only floating tensors will do: then it is a prediction."""
        return bool(self.arrays) and not any({"int32", "bool"} & set(kind.dtypes) for kind in self.arrays)

    @property
    def is_index(self):
        return bool(self.arrays) and not any("float32" in kind.dtypes for kind in self.arrays)


def arguments(function):
    """List the arguments of a function, in order."""
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return [Argument(each.name, _given(hints[each.name]), each.default) for each in parameters]


def _given(annotation):
    """Return what an argument is when it is not None."""
    kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
    return kinds[0] if type(None) in typing.get_args(annotation) and len(kinds) == 1 else annotation


def promised(function):
    """List what the function promises to return, by name where it is a named tuple."""
    promise = typing.get_type_hints(function, include_extras=True)["return"]
    if hasattr(promise, "_fields"):
        return [Argument(name, kind, None) for name, kind in typing.get_type_hints(promise).items()]
    kinds = typing.get_args(promise) if typing.get_origin(promise) is tuple else [promise]
    return [Argument("return", kind, None) for kind in kinds]


def parts(value):
    """Return the tensors of a value: one, or those of a tuple."""
    return value if isinstance(value, tuple) else (value,)


def tensors(function):
    return [argument for argument in arguments(function) if not argument.is_number]


def batched(function):
    """List the tensors that hold something for each example: a parameter, such as a weight, does not."""
    return [argument for argument in tensors(function) if any("*" in dim for dim in argument.dims)]


def numbers(function):
    """List the hyper-parameters that have a law: numbers, or names such as an approximation's."""
    return [argument for argument in arguments(function) if argument.is_number and argument.law]
