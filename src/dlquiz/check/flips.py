"""A formula with one thing in it another, and any tree as it would be typed."""

from collections.abc import Iterator

from dlquiz.formula.parser import Apply, Name, Node, Number

FLIPS = {"+": "-", "-": "+", "*": "/", "/": "*", "max": "min", "min": "max", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
FLIPS |= {"exp": "expm1", "expm1": "exp", "log": "log1p", "log1p": "log", "tanh": "sigmoid", "sigmoid": "tanh"}
FLIPS |= {"sqrt": "abs", "sinh": "cosh", "cosh": "sinh", "sin": "cos", "cos": "sin", "and": "or", "or": "and"}


def flipped(node: Node) -> Iterator[Node]:
    """Every tree that differs from `node` in one place."""
    if isinstance(node, Number):
        yield Number(f"{float(node.value) + 1:g}")
        return
    if isinstance(node, Name):
        yield Apply("negative", (node,))
        return
    if node.op in FLIPS:
        yield Apply(FLIPS[node.op], node.args)
    if node.op in ("negative", "abs"):
        yield node.args[0]
    for i, arg in enumerate(node.args):
        yield from (Apply(node.op, (*node.args[:i], other, *node.args[i + 1 :])) for other in flipped(arg))


def written(node: Node) -> str:
    """A tree as it would be typed."""
    if isinstance(node, Number):
        return str(node.value)
    if isinstance(node, Name):
        return node.name
    args = [written(arg) for arg in node.args]
    if node.op == "negative":
        return f"(-{args[0]})"
    if node.op == "not":
        return f"(not {args[0]})"
    if (len(args) == 2 and not node.op.isalpha()) or node.op in ("and", "or"):
        return f"({args[0]} {node.op} {args[1]})"
    return f"{node.op}({', '.join(args)})"
