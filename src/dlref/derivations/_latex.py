"""Expressions as a teacher would write them, in commands that KaTeX knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import sympy as sp
from sympy.printing.latex import LatexPrinter

from ._symbols import GREEK, Largest, Named, Variable

RELATIONS = {"=": "=", "<=": r"\le", ">=": r"\ge"}
TALL = re.compile(r"\\(frac|sum|int|begin|left|prod|max_)")
COMPARISONS = {sp.Gt: ">", sp.Ge: r"\ge", sp.Lt: "<", sp.Le: r"\le", sp.Eq: "=", sp.Ne: r"\ne"}
FLIPPED = {">": "<", r"\ge": r"\le", "<": ">", r"\le": r"\ge", "=": "=", r"\ne": r"\ne"}
FUNCTIONS = {"exp": "exp", "log": "log", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "sin": "sin", "cos": "cos"}


def latex(e: sp.Basic) -> str:
    """One expression."""
    return _Printer().doprint(e)


def chain(rows: Sequence[tuple[str, str, str]], notes: Iterable[str] = ()) -> str:
    """An aligned chain with one reason to a line, and below it what the names stand for."""
    (_, start, _), *rest = rows
    lines = [f"& {start}"]
    lines += [rf"&{relation} {line} && \text{{{plain(reason)}}}" for relation, line, reason in rest]
    lines += [rf"& \text{{with }} {note}" for note in notes]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def plain(text: str) -> str:
    """Words, safe inside a text command."""
    return re.sub(r"([%#&_${}])", r"\\\1", text)


def _parameter(e: sp.Basic) -> bool:
    """Whether only numbers, hyper-parameters and sizes occur."""
    return all(
        isinstance(s, Variable) and (s.name in GREEK or s.tex.lstrip("\\").lower() in GREEK or s.domain.integer)
        for s in e.free_symbols
    ) and not e.has(Named)


def _rank(e: sp.Basic) -> tuple:
    """Where a factor stands in a product: numbers, symbols, entries, powers of e, brackets, functions, sums."""
    base = e.as_base_exp()[0] if isinstance(e, sp.Pow) else e
    kinds = [
        e.is_number, isinstance(base, sp.Symbol), isinstance(base, sp.Indexed | Named), isinstance(e, sp.exp),
        isinstance(base, sp.Add), isinstance(base, sp.Abs | sp.Max | sp.Min | sp.KroneckerDelta | sp.Heaviside),
        isinstance(base, sp.Function),
    ]  # fmt: skip
    place = kinds.index(True) if True in kinds else len(kinds)
    return place, not (_parameter(base) and isinstance(base, sp.Symbol)), _alphabet(base)


def _alphabet(e: sp.Basic) -> tuple:
    """Predictions before targets before all others."""
    names = sorted(str(s) for s in e.free_symbols if isinstance(s, sp.Symbol))
    early = {"prediction": 0, "target": 1, "sign": 1}
    return min((early.get(name, 2) for name in names), default=3), names, str(e)


class _Printer(LatexPrinter):
    """Sympy's printer with the order and the notation of a blackboard."""

    # The methods carry the names that sympy looks for.

    def _print_Symbol(self, e: sp.Symbol, style: str = "plain") -> str:
        del style
        return getattr(e, "tex", e.name)

    def _print_Variable(self, e: Variable) -> str:
        return e.tex

    def _print_Indexed(self, e: sp.Indexed) -> str:
        return f"{self._print(e.base.label)}_{{{','.join(map(self._print, e.indices))}}}"

    def _group(self, tex: str, left: str = "(", right: str = ")") -> str:
        return rf"\left{left} {tex} \right{right}" if TALL.search(tex) else f"{left}{tex}{right}"

    def _print_Named(self, e: Named, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        arguments = ", ".join(map(self._print, e.args[: e.shown]))
        if e.style == "subscript":
            arguments = ", ".join(map(self._place, e.args[: e.shown]))
        if e.style == "bare":
            return e.tex + power
        return f"{e.tex}_{{{arguments}}}{power}" if e.style == "subscript" else e.tex + power + self._group(arguments)

    def _place(self, e: sp.Expr) -> str:
        """An index, without a fraction that would make it tall."""
        top, bottom = sp.fraction(sp.together(e))
        return self._print(e) if bottom == 1 else f"{self._product(top)}/{self._print(bottom)}"

    def _print_Function(self, e: sp.Function, exp: str | None = None) -> str:
        if isinstance(e, Named):
            return self._print_Named(e, exp)
        name = type(e).__name__
        head = rf"\{name}" if name in FUNCTIONS else rf"\operatorname{{{name}}}"
        head += f"^{{{exp}}}" if exp else ""
        (argument,) = e.args
        atomic = isinstance(argument, sp.Symbol | sp.Indexed | sp.Integer) or getattr(argument, "style", "") in {
            "subscript",
            "bare",
        }
        inside = self._print(argument)
        return f"{head} {inside}" if atomic else head + self._group(inside)

    _print_log = _print_sign = _print_tanh = _print_cosh = _print_sinh = _print_erf = _print_Function

    def _print_ExpBase(self, e: sp.exp, exp: str | None = None) -> str:
        tex = f"e^{{{self._print(e.args[0])}}}"
        return f"{self._group(tex)}^{{{exp}}}" if exp else tex

    def _print_Abs(self, e: sp.Abs, exp: str | None = None) -> str:
        tex = self._group(self._print(e.args[0]), r"\lvert ", r" \rvert")
        return f"{tex}^{{{exp}}}" if exp else tex

    def _print_factorial(self, e: sp.factorial, exp: str | None = None) -> str:
        tex = f"{self._print(e.args[0])}!"
        return f"({tex})^{{{exp}}}" if exp else tex

    # Sums and products in a sensible order

    def _print_Add(self, e: sp.Add, order: str | None = None) -> str:
        del order
        content, rest = e.as_content_primitive()
        if content != 1 and not rest.could_extract_minus_sign():
            return self._print_Mul(sp.Mul(content, rest, evaluate=False))
        return self._terms(_ordered_terms(e))

    def _terms(self, terms: Sequence[sp.Expr]) -> str:
        parts = [self._print(terms[0])]
        for term in terms[1:]:
            negative = term.could_extract_minus_sign() if not isinstance(term, sp.Add) else False
            parts.append(f" - {self._product(-term)}" if negative else f" + {self._product(term)}")
        return "".join(parts)

    def _product(self, e: sp.Basic) -> str:
        return self._group(self._print(e)) if isinstance(e, sp.Add) else self._print(e)

    def _print_Mul(self, e: sp.Mul) -> str:
        if e.could_extract_minus_sign():
            return f"-{self._product(-e)}"
        number, top, bottom = _fraction(e)
        top, bottom = [*([number.p] if number.p != 1 else []), *top], [*([number.q] if number.q != 1 else []), *bottom]
        large = [f for f in top if isinstance(f, sp.Sum | sp.Piecewise | sp.Derivative | Largest)]
        if not bottom:
            return self._factors(top)
        if not large:
            return rf"\frac{{{self._factors(top)}}}{{{self._factors(bottom)}}}"
        rest = [f for f in top if f not in large]
        return rf"\frac{{{self._factors(rest)}}}{{{self._factors(bottom)}}} {self._factors(large)}"

    def _factors(self, factors: Sequence[sp.Expr]) -> str:
        if len(factors) <= 1:
            return self._print(factors[0]) if factors else "1"
        ordered = sorted(map(sp.sympify, factors), key=_rank)
        return " ".join(self._factor(f, last=f is ordered[-1]) for f in ordered)

    def _factor(self, f: sp.Expr, *, last: bool) -> str:
        loose = isinstance(f, sp.Add | sp.Piecewise) or (isinstance(f, sp.Sum | sp.Derivative | Largest) and not last)
        return self._group(self._print(f)) if loose else self._print(f)

    def _print_Pow(self, e: sp.Pow) -> str:
        if e.exp.is_Rational and e.exp.is_negative:
            return rf"\frac{{1}}{{{self._print(1 / e)}}}"
        if e.exp == sp.Rational(1, 2):
            return rf"\sqrt{{{self._print(e.base)}}}"
        power = self._print(e.exp)
        if isinstance(e.base, sp.Function) and not isinstance(e.base, sp.exp):
            return self._print(e.base, exp=power)
        simple = isinstance(e.base, sp.Symbol | sp.Indexed) or (e.base.is_Integer and e.base >= 0)
        base = self._print(e.base)
        return f"{{{base if simple else self._group(base)}}}^{{{power}}}"

    # Calculus

    def _print_Derivative(self, e: sp.Derivative) -> str:
        order = sum(int(n) for _, n in e.variable_count)
        power = f"^{{{order}}}" if order > 1 else ""
        below = " ".join(rf"\partial {self._print(v)}" + (f"^{{{n}}}" if n > 1 else "") for v, n in e.variable_count)
        if isinstance(e.expr, Named | sp.Symbol):
            return rf"\frac{{\partial{power} {self._print(e.expr)}}}{{{below}}}"
        inside = self._print(e.expr)
        loose = isinstance(e.expr, sp.Add | sp.Piecewise) or inside.startswith("-")
        return rf"\frac{{\partial{power}}}{{{below}}} {self._group(inside) if loose else inside}"

    def _print_Sum(self, e: sp.Sum) -> str:
        term, signs = e.function, ""
        for place, low, high in e.limits:
            term, skipped = _without(term, place)
            where = rf"{self._print(place)} \ne {self._print(skipped)}" if skipped is not None else None
            bounds = (
                f"_{{{where}}}" if where else f"_{{{self._print(place)}={self._print(low)}}}^{{{self._print(high)}}}"
            )
            signs = rf"\sum{bounds} " + signs
        return signs + self._product(term)

    def _print_Largest(self, e: Largest) -> str:
        return rf"\max_{{{self._print(e.limits[0][0])}}} {self._product(e.function)}"

    # Cases, extremes and brackets that are one or zero

    def _print_Piecewise(self, e: sp.Piecewise) -> str:
        if [value for value, _ in e.args] == [1, 0]:
            return rf"[\,{self._print(e.args[0][1])}\,]"

        def when(condition: sp.Basic) -> str:
            return r"\text{otherwise}" if condition == sp.true else rf"\text{{if }} {self._print(condition)}"

        rows = [f"{self._print(value)} & {when(condition)}" for value, condition in e.args]
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def _print_Relational(self, e: sp.Rel) -> str:
        sign, left, right = COMPARISONS[type(e)], e.lhs, e.rhs
        if _parameter(left) and not _parameter(right):
            sign, left, right = FLIPPED[sign], right, left
        return f"{self._print(left)} {sign} {self._print(right)}"

    def _print_Max(self, e: sp.Max, exp: str | None = None) -> str:
        return self._extreme(r"\max", sorted(e.args, key=lambda a: (not _parameter(a), _alphabet(a))), exp)

    def _print_Min(self, e: sp.Min, exp: str | None = None) -> str:
        return self._extreme(r"\min", sorted(e.args, key=lambda a: (_parameter(a), _alphabet(a))), exp)

    def _extreme(self, head: str, arguments: Sequence[sp.Expr], exp: str | None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return head + power + self._group(", ".join(map(self._print, arguments)))

    def _print_Heaviside(self, e: sp.Heaviside, exp: str | None = None) -> str:
        del exp  # a bracket is zero or one: so are its powers
        terms = sp.Add.make_args(e.args[0])
        right = -sp.Add(*(t for t in terms if t.could_extract_minus_sign()))
        left = e.args[0] + right
        return rf"[\,{self._print(sp.Gt(left, right, evaluate=False))}\,]"

    def _print_KroneckerDelta(self, e: sp.KroneckerDelta, exp: str | None = None) -> str:
        del exp
        first, second = sorted(e.args, key=str, reverse=True)
        return rf"[\,{self._print(first)} = {self._print(second)}\,]"


def _ordered_terms(e: sp.Add) -> list[sp.Expr]:
    """Data before parameters, positive before negative, and never a minus in front if it can be helped."""

    def negative(term: sp.Expr) -> bool:
        return not isinstance(term, sp.Add) and term.could_extract_minus_sign()

    def key(term: sp.Expr) -> tuple:
        factors = sorted(map(_rank, sp.Mul.make_args(term)))
        return negative(term), factors[-1][0], [f[2] for f in factors]

    data = sorted((t for t in e.args if not _parameter(t)), key=key)
    rest = sorted((t for t in e.args if _parameter(t)), key=lambda t: (t.is_number, key(t)))
    numbers = [t for t in rest if t.is_number]
    smooth = not any(isinstance(s, sp.Symbol | sp.Indexed | sp.Mul | sp.Pow) for s in data if not negative(s))
    if numbers and not negative(numbers[0]) and ((len(e.args) == 2 and data) or smooth) and data:
        return [numbers[0], *(t for t in (*data, *rest) if t is not numbers[0])]
    if not data or negative(data[0]):
        rest = sorted(rest, key=negative)
        return [*rest[:1], *data, *rest[1:]] if rest and not negative(rest[0]) else [*data, *rest]
    return [*data, *rest]


def _fraction(e: sp.Mul) -> tuple[sp.Rational, list[sp.Expr], list[sp.Expr]]:
    """The number before a product, what stands above the line and what below."""
    number, top, bottom = sp.S.One, [], []
    for factor in sp.Mul.make_args(e):
        content, rest = factor.as_content_primitive() if isinstance(factor, sp.Add) else (sp.S.One, factor)
        if factor.is_Rational:
            content, rest = factor, None
        number *= content
        if isinstance(rest, sp.Pow) and rest.exp.could_extract_minus_sign() and not isinstance(rest, sp.exp):
            bottom.append(1 / rest)
        elif rest is not None:
            top.append(rest)
    return number, top, bottom


def _without(term: sp.Expr, place: sp.Symbol) -> tuple[sp.Expr, sp.Expr | None]:
    """The term without a factor 1 - [place = other], and that other place."""
    for factor in sp.Mul.make_args(term):
        for delta in factor.atoms(sp.KroneckerDelta) if isinstance(factor, sp.Add) else ():
            if factor == 1 - delta and place in delta.args:
                return term / factor, next(a for a in delta.args if a != place)
    return term, None
