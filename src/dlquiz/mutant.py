"""A function with one wrong line, shown without its docstring and without the comment that says which.

The file is read, not imported: showing a question needs no torch.
"""

import ast
import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from dlquiz.failures import BankError
from dlquiz.text import nearest

MARK = re.compile(r"\s*# wrong:\s*(.*?)\s*(?:# [n]oqa.*)?$")


@dataclass(frozen=True)
class Mutant:
    """`lines` as shown, counted from 1; `wrong` is the line, `why` what is wrong with it."""

    lines: tuple[str, ...]
    wrong: int
    why: str


@functools.cache
def read(name: str, ref: str) -> Mutant:
    """The mutant ``concept.function``, called by the name of the function it damages: its own would tell."""
    concept, _, function = name.partition(".")
    path = _file(concept)
    source = path.read_text(encoding="utf-8")
    found = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    if function not in found:
        raise BankError(f"no mutant {name!r}{nearest(function, found)}")
    lines = [re.sub(rf"\b{function}\b", ref.rpartition(".")[2], line) for line in _lines(source, found[function])]
    return _shown(lines, name)


def _file(concept: str) -> Path:
    try:
        spec = importlib.util.find_spec(f"dlref._mutants.{concept}")
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise BankError(f"no mutants of {concept!r}")
    return Path(spec.origin)


def _lines(source: str, node: ast.FunctionDef) -> list[str]:
    lines = source.splitlines()
    hidden: set[int] = set()
    if ast.get_docstring(node) is not None:
        docstring = node.body[0]
        hidden = set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return [lines[i - 1] for i in range(first, (node.end_lineno or first) + 1) if i not in hidden]


def _shown(lines: list[str], name: str) -> Mutant:
    marks = [(i, match) for i, line in enumerate(lines, 1) if (match := MARK.search(line))]
    if len(marks) != 1 or not marks[0][1][1]:
        raise BankError(f"mutant {name!r} needs exactly one line that ends with '# wrong: why', it has {len(marks)}")
    wrong, match = marks[0]
    return Mutant(tuple(MARK.sub("", line) for line in lines), wrong, match[1])
