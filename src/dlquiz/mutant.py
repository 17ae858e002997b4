"""A function with one wrong line, shown without its docstring and without the comment that says which.

The file is read, not imported: showing a question needs no torch.
"""

import functools
import importlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from dlquiz.failures import BankError
from dlquiz.sources import bare, functions
from dlquiz.text import nearest

MARK = re.compile(r"\s*# wrong:\s*(.*?)\s*(?:# [n]oqa.*)?$")
RIGHT = re.compile(r"\s*# right:\s*`(.*)`$")


class Mutant(NamedTuple):
    """`lines` as shown, counted from 1; `wrong` is the line, `why` what is wrong with it, `right` what it should be."""

    lines: tuple[str, ...]
    wrong: int
    why: str
    right: str = ""


@functools.cache
def read(name: str, ref: str) -> Mutant:
    """The mutant ``concept.function``, called by the name of the function it damages: its own would tell."""
    concept, _, function = name.partition(".")
    source, found = functions(f"_mutants.{concept}")
    if function not in found:
        raise BankError(f"no mutant {name!r}{nearest(function, found)}")
    lines = [re.sub(rf"\b{function}\b", ref.rpartition(".")[2], line) for line in bare(source, found[function])]
    return _shown(lines, name)


def with_right_line(name: str, ref: str, mutant: Mutant) -> Callable[..., Any]:
    """The function with its marked line put right, in the names of its own module."""
    lines = list(mutant.lines)
    marked = lines[mutant.wrong - 1]
    lines[mutant.wrong - 1] = marked[: len(marked) - len(marked.lstrip())] + mutant.right
    names = dict(vars(importlib.import_module(f"dlref._mutants.{name.partition('.')[0]}")))
    exec(compile("\n".join(lines), name, "exec"), names)  # noqa: S102  # the package's own source; a bank only names it
    return names[ref.rpartition(".")[2]]


def _shown(lines: list[str], name: str) -> Mutant:
    right = next((match[1] for line in lines if (match := RIGHT.match(line))), "")
    lines = [line for line in lines if not RIGHT.match(line)]
    marks = [(i, match) for i, line in enumerate(lines, 1) if (match := MARK.search(line))]
    if len(marks) != 1 or not marks[0][1][1]:
        raise BankError(f"mutant {name!r} needs exactly one line that ends with '# wrong: why', it has {len(marks)}")
    wrong, match = marks[0]
    return Mutant(tuple(MARK.sub("", line) for line in lines), wrong, match[1], right)
