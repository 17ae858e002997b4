"""Expressions as a teacher would write them, in commands that KaTeX knows."""

import re
from collections.abc import Iterable, Sequence

import sympy as sp
from sympy.printing.latex import LatexPrinter

from ._symbols import GREEK, Largest, Named, Variable

RELATIONS = {"=": "=", "<=": r"\le", ">=": r"\ge"}
TALL = re.compile(r"\\(frac|sum|prod|int|begin|left|sqrt)")
BITS = (sp.Abs, sp.Max, sp.Min, sp.KroneckerDelta, sp.Heaviside)
BARE = sp.Symbol | sp.Indexed | Named | sp.Abs | sp.Max | sp.Min  # an exponent needs no brackets around these
PLAIN = sp.Symbol | sp.Indexed | sp.Mul | sp.Pow
HALF = sp.Rational(1, 2)
SUMS = (sp.Sum, sp.Product, sp.Derivative, sp.Integral, Largest)
EARLY = {"prediction": 0, "target": 1, "sign": 1}
GIVEN = {"target", "sign"}  # what a loss takes as given, like its parameters


def latex(e: sp.Basic, beside: Iterable[sp.Basic] = ()) -> str:
    """One expression; beside a quantity called e, an exponential is spelled out."""
    names = (name for part in (e, *beside) for name in part.atoms(Named, Variable))
    printer = _Printer()
    printer.spelled = any(name.tex == "e" for name in names)
    return printer.doprint(e)


def chain(rows: Sequence[tuple[str, str, str]], notes: Iterable[str] = ()) -> str:
    """An aligned chain with one reason to a line, and below it what the names stand for."""
    (_, start, _), *rest = rows
    lines = [f"& {start}"]
    lines += [rf"&{relation} {line} && \text{{{plain(reason)}}}" for relation, line, reason in rest]
    lines += [rf"& \text{{where }} {note}" for note in notes]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def plain(text: str) -> str:
    """Words, safe inside a text command."""
    return re.sub(r"([%#&_${}])", r"\\\1", text.replace("\\", "/").replace("^", r"\textasciicircum "))


class _Printer(LatexPrinter):
    """Sympy's printer with the order and the notation of a blackboard."""

    spelled = False

    def _group(self, tex: str, left: str = "(", right: str = ")") -> str:
        return rf"\left{left} {tex} \right{right}" if TALL.search(tex) else f"{left}{tex}{right}".strip()

    def _product(self, e: sp.Basic) -> str:
        return self._group(self._print(e)) if isinstance(e, sp.Add) else self._print(e)

    def _inline(self, e: sp.Expr) -> str:
        """Without a fraction that would make it tall, for an index or an exponent."""
        if isinstance(e, sp.Add) and _content(e)[0] == 1:
            ordered = _ordered_terms(e)
            return self._terms(sorted(ordered, key=lambda term: term.is_number and not _negative(ordered[1])))
        top, bottom = sp.fraction(sp.together(e))
        return self._print(e) if bottom == 1 else f"{self._product(top)} / {self._product(bottom)}"

    # Names

    def _print_Symbol(self, e: sp.Symbol, style: str = "plain") -> str:  # noqa: ARG002 (sympy passes it)
        return getattr(e, "tex", e.name)

    def _print_Indexed(self, e: sp.Indexed) -> str:
        return f"{self._print(e.base.label)}_{{{','.join(map(self._inline, e.indices))}}}"

    def _print(self, expr: sp.Basic, **kwargs: str) -> str:
        # Sympy goes by the name of the class, and a quantity may be called gamma.
        return self._named(expr) if isinstance(expr, Named) else super()._print(expr, **kwargs)

    def _named(self, e: Named) -> str:
        shown = e.args[: e.shown]
        if e.style == "call":
            return e.tex + self._list(shown)
        return e.tex + (f"_{{{', '.join(map(self._inline, shown))}}}" if e.style == "subscript" else "")

    def _print_Function(self, e: sp.Function, exp: str | None = None) -> str:
        name = type(e).__name__
        power = f"^{{{exp}}}" if exp else ""
        head = (rf"\operatorname{{{name}}}" if name in ("sign", "erf") else rf"\{name}") + power
        (argument,) = e.args
        function = isinstance(argument, sp.Function) and not isinstance(argument, (sp.exp, *BITS))
        simple = function or isinstance(argument, sp.Symbol | sp.Indexed | sp.Integer | sp.NumberSymbol)
        return f"{head} {self._print(argument)}" if simple else head + self._group(self._print(argument))

    # Sympy looks for these by name, and would find its own first.
    _print_log = _print_sign = _print_tanh = _print_cosh = _print_sinh = _print_erf = _print_Function

    def _print_ExpBase(self, e: sp.exp) -> str:
        if e.args[0] == HALF:
            return r"\sqrt{e}"
        return rf"\exp{self._group(self._print(e.args[0]))}" if self.spelled else f"e^{{{self._inline(e.args[0])}}}"

    def _print_Abs(self, e: sp.Abs) -> str:
        inside = min(e.args[0], -e.args[0], key=_upside_down)
        return self._group(self._print(inside), r"\lvert ", r" \rvert")

    def _print_Rational(self, e: sp.Rational) -> str:
        """A fraction that was typed as a decimal is shown as one."""
        decimal = e.q >= 1000 and 10**9 % e.q == 0
        return str(sp.Float(e, 9)).rstrip("0") if decimal else super()._print_Rational(e)

    # Sums and products in a sensible order

    def _print_Add(self, e: sp.Add, order: str | None = None) -> str:  # noqa: ARG002 (sympy passes it)
        content, rest = _content(e)
        if content != 1:
            return self._times(content, [rest], [])
        if _is_elsewhere(e):
            return self._print(1 - e).replace("=", r"\ne")
        return self._terms(_ordered_terms(e))

    def _terms(self, terms: Sequence[sp.Expr]) -> str:
        first, *others = terms
        tail = (f" - {self._product(-t)}" if _negative(t) else f" + {self._product(t)}" for t in others)
        return self._print(first) + "".join(tail)

    def _print_Mul(self, e: sp.Mul) -> str:
        return f"-{self._product(-e)}" if _negative(e) else self._times(*_fraction(e))

    def _times(self, number: sp.Rational, top: list[sp.Expr], bottom: list[sp.Expr]) -> str:
        top, bottom = ([sp.Integer(n)] * (n != 1) + side for n, side in ((number.p, top), (number.q, bottom)))
        if not bottom:
            return self._factors(top)
        large = [f for f in top if isinstance(f, (*SUMS, sp.Piecewise))]
        rest = [f for f in top if f not in large]
        line = rf"\frac{{{self._factors(rest)}}}{{{self._factors(bottom)}}}"
        return f"{line} {self._factors(large)}" if large else line

    def _factors(self, factors: Sequence[sp.Expr]) -> str:
        if len(factors) <= 1:
            return self._print(factors[0]) if factors else "1"
        ordered = sorted(factors, key=_rank)
        return " ".join(self._factor(f, last=f is ordered[-1]) for f in ordered)

    def _factor(self, f: sp.Expr, *, last: bool) -> str:
        cases = isinstance(f, sp.Piecewise) and not _is_bracket(f)
        loose = cases or (isinstance(f, SUMS) and not last) or (isinstance(f, sp.Add) and not _is_elsewhere(f))
        return self._group(self._print(f)) if loose else self._print(f)

    def _print_Pow(self, e: sp.Pow) -> str:
        if _all_negative(e.exp) or (e.base.is_Rational and e.base.p == 1):
            return rf"\frac{{1}}{{{self._print(1 / e)}}}"
        if e.exp == HALF:
            return rf"\sqrt{{{self._print(e.base)}}}"
        power, base = self._inline(e.exp), self._print(e.base)
        if isinstance(e.base, sp.Function) and not isinstance(e.base, BARE | sp.exp | sp.log):
            return self._print(e.base, exp=power)
        bare = isinstance(e.base, BARE) or (e.base.is_Integer and e.base >= 0)
        return f"{base if bare else self._group(base)}^{{{power}}}"

    # Calculus

    def _print_Derivative(self, e: sp.Derivative) -> str:
        alone = e.expr.free_symbols <= {v for v, _ in e.variable_count}  # nothing else that could be held fixed
        d, order = "d" if alone else r"\partial ", sum(int(times) for _, times in e.variable_count)
        power = f"^{{{order}}}" if order > 1 else ""
        moved = ((d + self._print(v), times) for v, times in e.variable_count)
        below = " ".join(v + (f"^{{{times}}}" if times > 1 else "") for v, times in moved)
        inside, head = self._print(e.expr), (d.strip() + power)
        if isinstance(e.expr, Named | sp.Symbol | sp.Indexed):
            return rf"\frac{{{head} {inside}}}{{{below}}}"
        loose = isinstance(e.expr, sp.Add | sp.Piecewise) or inside.startswith("-")
        return rf"\frac{{{head}}}{{{below}}} {self._group(inside) if loose else inside}"

    def _print_Sum(self, e: sp.Sum) -> str:
        term, signs = e.function, ""
        for place, low, high in e.limits:  # the innermost comes first
            under, over = f"{self._print(place)}={self._print(low)}", f"^{{{self._print(high)}}}"
            for delta in term.atoms(sp.KroneckerDelta):
                if place in delta.args and 1 - delta in sp.Mul.make_args(term):  # one place is left out
                    (other,) = {*delta.args} - {place}
                    term, under, over = term / (1 - delta), rf"{self._print(place)} \ne {self._print(other)}", ""
            signs = rf"\sum_{{{under}}}{over} {signs}"
        return signs + self._product(term)

    def _print_Largest(self, e: Largest) -> str:
        return rf"\max_{{{self._print(e.limits[0][0])}}} {self._product(e.function)}"

    # Cases, extremes, and brackets that are one where they hold and zero elsewhere

    def _print_Piecewise(self, e: sp.Piecewise) -> str:
        if _is_bracket(e):
            return rf"[\,{self._print(e.args[0][1])}\,]"
        rows = (rf"{self._print(value)} & \text{{if }} {self._print(holds)}" for value, holds in e.args)
        cases = r" \\ ".join(rows).replace(r"\text{if } \text{True}", r"\text{otherwise}")
        return rf"\begin{{dcases}} {cases} \end{{dcases}}"

    def _print_Relational(self, e: sp.Rel) -> str:
        return super()._print_Relational(e.reversed if _is_given(e.lhs) and not _is_given(e.rhs) else e)

    def _print_Max(self, e: sp.Max) -> str:
        return r"\max" + self._list(sorted(e.args, key=lambda a: (not _is_given(a), _rank(a))))

    def _print_Min(self, e: sp.Min) -> str:
        return r"\min" + self._list(sorted(e.args, key=lambda a: (_is_given(a), _rank(a))))

    def _list(self, arguments: Sequence[sp.Expr]) -> str:
        return self._group(", ".join(map(self._print, arguments)))

    def _print_Heaviside(self, e: sp.Heaviside) -> str:
        right = -sp.Add(*filter(_negative, sp.Add.make_args(e.args[0])))
        return rf"[\,{self._print(sp.Gt(e.args[0] + right, right, evaluate=False))}\,]"

    def _print_KroneckerDelta(self, e: sp.KroneckerDelta) -> str:
        first, second = sorted(e.args, key=lambda place: (len(str(place)), str(place)))
        return rf"[\,{self._print(first)} = {self._print(second)}\,]"


def _negative(term: sp.Expr) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


def _all_negative(e: sp.Expr) -> bool:
    return all(map(_negative, sp.Add.make_args(e)))


def _is_elsewhere(e: sp.Expr) -> bool:
    """Whether it is 1 minus a bracket, which is a bracket too."""
    return isinstance(e, sp.Add) and isinstance(1 - e, sp.KroneckerDelta)


def _is_bracket(e: sp.Piecewise) -> bool:
    return [value for value, _ in e.args] == [1, 0]


def _is_parameter(s: sp.Basic) -> bool:
    s = s.base.label if isinstance(s, sp.Indexed) else s
    return isinstance(s, Variable) and (s.tex.lstrip("\\").lower() in GREEK or s.domain.integer)


def _is_given(e: sp.Basic) -> bool:
    """Whether only numbers, hyper-parameters and sizes occur."""
    return not e.has(Named) and all(map(_is_parameter, e.free_symbols))


def _is_weight(e: sp.Basic) -> bool:
    """Whether only targets and parameters occur, so that it reads as a coefficient."""
    labels = {str(s) for s in e.free_symbols if isinstance(s, sp.Symbol) and not _is_parameter(s)}
    return not e.has(Named) and labels <= GIVEN


def _rank(e: sp.Basic) -> tuple:
    """Where a factor stands: numbers and parameters first, sums last."""
    base = e.base if isinstance(e, sp.Pow) and not isinstance(e, sp.exp) else e
    places = [
        e.is_number and not e.has(sp.log),
        isinstance(base, sp.Symbol | sp.Indexed) and _is_parameter(base),
        (isinstance(base, sp.Add) and _is_weight(base)) or (base is not e and _is_given(base)),
        isinstance(base, sp.Symbol) or getattr(base, "style", "") == "bare",
        isinstance(base, sp.Indexed | Named | sp.Abs),
        isinstance(base, (sp.exp, *BITS, sp.Piecewise)),
        isinstance(base, sp.Add),
        True,
    ]
    return places.index(True), _alphabet(base)


def _alphabet(e: sp.Basic) -> tuple:
    """Predictions before targets before all others, the simple before the long."""
    names = (str(s) for s in e.free_symbols if isinstance(s, sp.Symbol))
    return min((EARLY.get(name, 2) for name in names), default=3), sp.count_ops(e), str(e)


def _upside_down(e: sp.Expr) -> tuple[bool, bool]:
    """How odd a difference looks: a negative number, prediction or entry in it."""
    terms = sp.Add.make_args(e)
    entries = [t for t in terms if t.has(sp.Indexed, Named) or str(t).endswith("prediction")]
    return any(t.is_number and t < 0 for t in terms), all(map(_negative, entries)) and entries != []


def _ordered_terms(e: sp.Expr) -> list[sp.Expr]:
    """Data before parameters, positive before negative, and never a minus in front if it can be helped."""

    def key(term: sp.Expr) -> tuple:
        factors = sp.Mul.make_args(term)
        sums, number = any(isinstance(f, sp.Sum) for f in factors), len(factors)
        bracket = any(isinstance(f, sp.Add) for f in factors) and number > 1
        kind = _is_given(term), term.is_number, _negative(term), not sums, number if sums else 0, bracket
        return *kind, _rank(max(factors, key=_rank)), sp.count_ops(term)

    terms = sorted(e.args, key=key)
    if len(terms) == 3 and all(isinstance(t, sp.Pow) and t.exp == 2 and not _is_given(t) for t in terms[:2]):
        return [terms[1], terms[2], terms[0]]  # as one writes a square out
    plain = any(isinstance(t, PLAIN) and not _is_given(t) and not _negative(t) for t in terms)
    lead = None
    if not _is_given(e) and (len(terms) == 2 or not plain):
        lead = next((t for t in terms if t.is_Rational and t > 0), None)
    if lead is None and _negative(terms[0]):
        lead = next((t for t in terms if not _negative(t)), None)
    return sorted(terms, key=lambda term: term is not lead)


def _content(e: sp.Expr) -> tuple[sp.Rational, sp.Expr]:
    """A number that stands better before the bracket: a whole one, or a denominator that several terms share."""
    content, rest = e.as_content_primitive() if isinstance(e, sp.Add) else (sp.S.One, e)
    below = [term.as_coeff_Mul()[0].q for term in sp.Add.make_args(e)]
    shared = below.count(content.q) > 1 and not e.has(sp.Sum)
    fits = (content.is_Integer or shared) and not all(map(_negative, sp.Add.make_args(rest)))
    return (content, rest) if fits else (sp.S.One, e)


def _fraction(e: sp.Mul) -> tuple[sp.Rational, list[sp.Expr], list[sp.Expr]]:
    """The number before a product, what stands above the line and what below; roots are drawn together."""
    number, top, bottom, roots = sp.S.One, [], [], {1: sp.S.One, -1: sp.S.One}
    for factor in sp.Mul.make_args(e):
        content, rest = _content(factor)
        power = rest.exp if isinstance(rest, sp.Pow) else sp.S.One
        if factor.is_Rational:
            number *= factor
        elif power in {HALF, -HALF}:
            roots[2 * power] *= rest.base
        elif _all_negative(power):
            bottom.append(1 / rest)
        else:
            top.append(rest)
        number *= content
    if roots[1].is_Integer and number.q % roots[1] == 0:
        number, roots = number * roots[1], {1: sp.S.One, -1: roots[-1] * roots[1]}
    if roots[1] != 1:
        top.append(sp.Pow(roots[1] / roots[-1], HALF, evaluate=False))
    elif roots[-1] != 1:
        bottom.append(sp.Pow(roots[-1], HALF, evaluate=False))
    return number, top, bottom
