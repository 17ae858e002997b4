"""The functions of dlref as they are written: read from their files, for to show one takes no torch."""

import ast
import functools
import importlib.util
from pathlib import Path

from dlquiz.failures import BankError


@functools.cache
def functions(module: str) -> tuple[list[str], dict[str, ast.FunctionDef]]:
    """The lines of a module of dlref, such as ``_mutants.regression_losses``, and its functions by name."""
    text = file(module).read_text(encoding="utf-8")
    return text.splitlines(), {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def file(module: str) -> Path:
    """Where a module of dlref is."""
    package = importlib.util.find_spec("dlref")
    path = Path(package.origin or "").parent.joinpath(*module.split(".")) if package else Path()
    if not path.with_suffix(".py").is_file():
        raise BankError(f"there is no concept module {module!r}")
    return path.with_suffix(".py")


def bare(lines: list[str], node: ast.FunctionDef) -> list[str]:
    """The lines of a function without its docstring."""
    hidden: set[int] = set()
    if ast.get_docstring(node) is not None:
        hidden = set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return [lines[i - 1] for i in range(first, (node.end_lineno or 0) + 1) if i not in hidden]
