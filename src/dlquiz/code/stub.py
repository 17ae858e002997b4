"""What a learner starts from, and the reference that is shown at the end: both read from the file, nothing imported."""

import ast
import functools
import re
import textwrap

from dlquiz.failures import BankError
from dlquiz.schema import Code
from dlquiz.sources import bare, file, functions
from dlquiz.text import nearest

IMPORTS = {"numpy": "import numpy as np", "torch": "import torch"}


def stub(question: Code) -> str:
    """The function without its body, and what its arguments are: all that stands beside the question on a screen."""
    return _stub(question, [])


def draft(question: Code) -> str:
    """The same with the question in it, for an editor hides the screen."""
    text = question.text.replace("\\", "/").replace('"""', "'''")
    return _stub(question, [*textwrap.wrap(text, 76), ""])


def _stub(question: Code, text: list[str]) -> str:
    node = _function(question.ref)
    lines = [*text, *_arguments(node, question)]
    body = '    """' + "\n    ".join(lines) + '\n    """\n    raise NotImplementedError("write me")\n'
    head = f"def {node.name}({_signature(node)}):\n"
    return f"{IMPORTS[question.arrays]}\n\n\n{head}" + body.replace("\n    \n", "\n\n")


def source(ref: str) -> str:
    """The reference without its docstring, after the private functions of its module that it stands on."""
    concept, _, name = ref.partition(".")
    lines, found = functions(concept)
    wanted = _stands_on(name, found)
    return "\n\n\n".join("\n".join(bare(lines, node)) for key, node in found.items() if key in wanted)


def _signature(node: ast.FunctionDef) -> str:
    """The arguments with their defaults, without annotations."""
    bare = ast.parse(f"def f({ast.unparse(node.args)}): pass").body[0]
    for argument in ast.walk(bare):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.unparse(bare.args)  # type: ignore[attr-defined]  # it is the function just parsed


def _arguments(node: ast.FunctionDef, question: Code) -> list[str]:
    """One line for each argument, and one for the result: dtype and shape."""
    arrays = [f"{arg.arg}: {_shape(arg.annotation, question.dtype)}" for arg in node.args.args]
    numbers = [f"{arg.arg}: a number" for arg in node.args.kwonlyargs]
    return [*arrays, *numbers, f"returns: {_shape(node.returns, question.dtype)}"]


def _shape(annotation: ast.expr | None, dtype: str) -> str:
    text = _spelled(ast.unparse(annotation) if annotation else "")
    axes = re.search(r"\[Tensor, '(.*?)'\]", text)
    whole = "Integer[" in text
    shown = ["..." if "*" in axis or axis == "..." else axis for axis in axes[1].split()] if axes else ["..."]
    return f"{'int64' if whole else dtype}, shape ({', '.join(shown)}{',' * (len(shown) == 1 and shown != ['...'])})"


def _spelled(text: str) -> str:
    """An annotation with the names of `dlref._types` spelled out."""
    aliases = _aliases()
    while word := next((word for word in re.findall(r"[A-Za-z_]\w*", text) if word in aliases), ""):
        text = re.sub(rf"\b{word}\b", lambda _, word=word: aliases[word], text)
    return text


@functools.cache
def _aliases() -> dict[str, str]:
    body = ast.parse(file("_types").read_text(encoding="utf-8")).body
    pairs = [(node.targets[0], node.value) for node in body if isinstance(node, ast.Assign)]
    return {name.id: ast.unparse(value) for name, value in pairs if isinstance(name, ast.Name)}


def _function(ref: str) -> ast.FunctionDef:
    concept, _, name = ref.partition(".")
    _, found = functions(concept)
    if name.startswith("_") or name not in found:
        raise BankError(f"no reference function {ref!r}{nearest(name, found)}")
    return found[name]


def _stands_on(name: str, found: dict[str, ast.FunctionDef]) -> set[str]:
    """A function's name, and those of the private ones of its module that it uses, however far down."""
    wanted, new = set(), {name} & found.keys()
    while new:
        wanted |= new
        used = {node.id for key in new for node in ast.walk(found[key]) if isinstance(node, ast.Name)}
        new = {key for key in used & found.keys() if key.startswith("_")} - wanted
    return wanted
