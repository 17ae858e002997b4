"""Small damage to an expression: each mutant is what a slip of the pen could have made of it."""

import random
from collections.abc import Iterator

import sympy as sp

ODD = (sp.exp, sp.log, sp.tanh, sp.sinh, sp.cosh, sp.sign, sp.Abs, sp.Heaviside, sp.KroneckerDelta)
OPPOSITE = {sp.Max: sp.Min, sp.Min: sp.Max, sp.Lt: sp.Gt, sp.Gt: sp.Lt, sp.Le: sp.Ge, sp.Ge: sp.Le}
OPAQUE = (sp.Indexed, sp.Derivative)  # what they hold is a name, not arithmetic

Path = tuple[int, ...]


def places(e: sp.Basic, path: Path = ()) -> Iterator[tuple[Path, sp.Basic]]:
    """Every part of an expression that is arithmetic, with the way to it."""
    yield path, e
    if isinstance(e, OPAQUE):
        return
    limited = isinstance(e, sp.Sum | sp.Product) or type(e).__name__ == "Largest"
    for number, part in enumerate(e.args[:1] if limited else e.args):
        yield from places(part, (*path, number))


def put(e: sp.Basic, path: Path, new: sp.Basic) -> sp.Basic:
    """The expression with another part at that place."""
    if not path:
        return new
    parts = list(e.args)
    parts[path[0]] = put(parts[path[0]], path[1:], new)
    return e.func(*parts)


def damaged(part: sp.Basic) -> Iterator[sp.Basic]:
    """What may stand in a part's place by mistake."""
    if part.is_Rational:
        yield from (part + 1, part - 1, part + sp.Rational(1, 2), -part)
    elif part.is_Symbol or isinstance(part, sp.Indexed):
        yield from (2 * part, -part, part + 1)
    elif type(part) in OPPOSITE:
        yield OPPOSITE[type(part)](*part.args)
    elif isinstance(part, sp.Piecewise):
        (first, condition), (second, other), *rest = part.args
        yield sp.Piecewise((second, condition), (first, other), *rest)
        yield first
        yield second
    elif isinstance(part, sp.Pow) and not isinstance(part, sp.exp):
        yield part.base
    elif isinstance(part, ODD):
        yield -part
        yield part.args[0]
    elif isinstance(part, sp.Add | sp.Mul):
        yield from (part.func(*part.args[:n], *part.args[n + 1 :]) for n in range(len(part.args)))
        yield -part


def mutants(e: sp.Expr, seed: str, most: int) -> list[sp.Expr]:
    """Some of the ways to damage an expression, the same ones each time."""
    found = {}
    for path, part in places(e):
        for new in damaged(part):
            try:
                mutant = put(e, path, new)
            except (TypeError, ValueError, AttributeError):  # sympy refuses to build some of them
                continue
            if isinstance(mutant, sp.Expr) and mutant != e and not mutant.has(sp.nan, sp.zoo, sp.oo):
                found[mutant] = None
    rng = random.Random(seed)
    return rng.sample(list(found), min(most, len(found)))
