"""One-line identities: typed in a small grammar, checked as a derivation of one step, and only then typeset.

    sigmoid(-x) == 1 - sigmoid(x)
    x: real

The grammar is the quiz's, which evaluates nothing; the tree is built into sympy by the table below.
"""

import operator
from collections.abc import Callable, Mapping

import sympy as sp

from dlquiz.formula import parse, parse_claim
from dlquiz.formula.parser import Apply, Name, Node, Number
from dlref.derivations import Derivation, Step, symbols

RELATIONS = {"==": "=", "<=": "<=", ">=": ">="}
DOMAINS: dict[str, Callable[[str], sp.Symbol]] = {
    "real": symbols.real,
    "positive": symbols.positive,
    "unit": lambda name: symbols.between(name, 0, 1),
}
BUILD: dict[str, Callable[..., sp.Expr]] = {
    "+": operator.add,
    "-": operator.sub,
    "negative": operator.neg,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "abs": sp.Abs,
    "sign": sp.sign,
    "sqrt": sp.sqrt,
    "exp": sp.exp,
    "log": sp.log,
    "tanh": sp.tanh,
    "cosh": sp.cosh,
    "sinh": sp.sinh,
    "erf": sp.erf,
    "sigmoid": symbols.sigmoid,
    "max": sp.Max,
    "min": sp.Min,
}
CONSTANTS = {"pi": sp.pi, "e": sp.E}


def claim(source: str) -> Derivation:
    """Read an identity or an inequality, and check it as a derivation of one step.

    The first line is the claim; each further one says where a symbol lives, or `kinks: x, x - 1`.
    """
    text, *rest = source.strip().splitlines()
    said = {name.strip(): where.strip() for name, _, where in (line.partition(":") for line in rest)}
    kinks = said.pop("kinks", "")
    known = {name: DOMAINS[domain](name) for name, domain in said.items()}
    relation, left, right = sides(text, known)
    surfaces = [built(parse(kink, known).node, known) for kink in kinks.split(",") if kink]
    expect = "exact on open cells" if surfaces else "exact"
    steps = [Step(left), Step(right, "claimed", relation)]
    return Derivation(steps, kinks=surfaces, expect=expect, name=text, title=text).check()


def sides(text: str, known: Mapping[str, sp.Symbol]) -> tuple[str, sp.Expr, sp.Expr]:
    """The relation of a claim, and what stands on its two sides."""
    node = parse_claim(text, known).node
    if not isinstance(node, Apply) or node.op not in RELATIONS:
        raise ValueError(f"a claim is one == or <= or >=, got {text!r}")
    return RELATIONS[node.op], *(built(side, known) for side in node.args)


def built(node: Node, known: Mapping[str, sp.Symbol]) -> sp.Expr:
    """The tree as an expression of the symbols declared; a name that is not listed is refused."""
    if isinstance(node, Number):
        return sp.Rational(str(node.value))
    if isinstance(node, Name):
        return known[node.name] if node.name in known else CONSTANTS[node.name]
    if node.op not in BUILD:
        raise ValueError(f"claims do not know {node.op!r}; they know {', '.join(BUILD)}")
    return BUILD[node.op](*(built(part, known) for part in node.args))
