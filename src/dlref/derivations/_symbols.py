"""The only place that makes symbols: each knows where it lives, how it is written and what it stands for."""

import re
import types
from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.printing.str import StrPrinter

WRITTEN = {
    "prediction": r"\hat y", "target": "y", "sign": "y", "score": "s", "scores": "s", "logit": "z", "logits": "z",
    "probability": "p", "index": "c", "margin": r"\Delta", "log_rate": r"\hat z",
}  # fmt: skip
GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma",
    "tau", "phi", "psi", "omega",
}  # fmt: skip


@dataclass(frozen=True)
class Domain:
    """Where a symbol lives: an open interval, a finite set of values, or the integers of either."""

    lower: sp.Expr = sp.S.NegativeInfinity
    upper: sp.Expr = sp.S.Infinity
    integer: bool = False
    values: tuple[sp.Expr, ...] = ()
    sums_to_one: bool = False
    one_hot: bool = False

    def __post_init__(self) -> None:
        if not self.values and (self.lower - self.upper).is_nonnegative:
            raise ValueError(f"a domain needs lower < upper, got {self.lower} and {self.upper}")

    @property
    def is_interval(self) -> bool:
        """Whether the symbol may take all real values between its bounds."""
        return not self.values and not self.integer

    def assumptions(self) -> dict[str, bool]:
        """What sympy may assume of a symbol that lives here."""
        if self.integer:
            return {"integer": True, "positive": True} if self.lower >= 1 else {"integer": True, "nonnegative": True}
        if self.values:
            excluded = {"zero": 0 not in self.values, "negative": min(self.values) >= 0}
            return {"real": True, **{kind: False for kind, is_excluded in excluded.items() if is_excluded}}
        return {"positive": True} if self.lower >= 0 else {"real": True}

    def of(self, name: str, write: Callable[[sp.Basic], str]) -> tuple[str, str]:
        """That something lives here, as a formula and the words behind it: "delta > 0", "y" and "sums to one"."""
        if self.sums_to_one or self.one_hot:
            return name, "sums to one" if self.sums_to_one else "is one-hot"
        if self.values:
            return name, f"is {' or '.join(map(str, self.values))}"
        if self.integer:
            return (f"{name} = 1, ..., {write(self.upper)}", "") if self.lower == 1 else (name, "is a whole number")
        if self.upper.is_finite:
            return f"{write(self.lower)} < {name} < {write(self.upper)}", ""
        return (f"{name} > {write(self.lower)}", "") if self.lower.is_finite else (name, "is real")


class Variable(sp.Symbol):
    """A real symbol with a domain, from which the samples are drawn, and a way of being written."""

    __slots__ = ("domain", "home", "tex")
    domain: Domain
    home: str  # the domain in words, with what its bounds are: written once, for sympy compares symbols very often
    tex: str

    def __new__(cls, name: str, domain: Domain, tex: str | None = None) -> "Variable":
        symbol = cls.__xnew__(cls, name, **domain.assumptions())
        # Two sizes of one name that are written differently are two sizes, and so are the indices that run to them.
        bounds = sorted(f"{bound.home} {bound.tex}" for bound in domain.upper.free_symbols)
        symbol.domain, symbol.home = domain, repr(domain) + "".join(bounds)
        symbol.tex = tex or WRITTEN.get(name) or (rf"\{name}" if name in GREEK else name)
        return symbol

    def _hashable_content(self) -> tuple:
        return (*super()._hashable_content(), self.home, self.tex)


def real(name: str, tex: str | None = None) -> Variable:
    """Any real number."""
    return Variable(name, Domain(), tex)


def positive(name: str, tex: str | None = None) -> Variable:
    """A number above zero."""
    return Variable(name, Domain(sp.S.Zero), tex)


def between(name: str, lower: float, upper: float = sp.oo, tex: str | None = None) -> Variable:
    """A number strictly between two bounds."""
    return Variable(name, Domain(sp.Rational(lower), sp.oo if upper == sp.oo else sp.Rational(upper)), tex)


def one_of(name: str, *values: int, tex: str | None = None) -> Variable:
    """One of finitely many numbers: the proof takes each in turn."""
    return Variable(name, Domain(values=tuple(map(sp.Integer, values))), tex)


def distribution(name: str, tex: str | None = None) -> Variable:
    """The label of a vector of positive numbers that sum to one."""
    return Variable(name, Domain(sp.S.Zero, sp.S.One, sums_to_one=True), tex)


def one_hot(name: str, tex: str | None = None) -> Variable:
    """The label of a vector of zeros with a single one."""
    return Variable(name, Domain(values=(sp.S.Zero, sp.S.One), one_hot=True), tex)


def count(name: str, tex: str | None = None) -> Variable:
    """A whole number from zero on."""
    return Variable(name, Domain(sp.S.Zero, sp.Integer(7), integer=True), tex)


def size(name: str = "n", tex: str | None = None) -> Variable:
    """A number of entries: the chain is proved for all, or for the sizes that it names."""
    return Variable(name, Domain(sp.S.One, integer=True), tex)


def index(name: str, upper: sp.Expr, tex: str | None = None) -> Variable:
    """A place in a vector: 1, 2, ... up to the last."""
    return Variable(name, Domain(sp.S.One, upper, integer=True), tex)


def vector(label: Variable, *sizes: sp.Expr) -> sp.IndexedBase:
    """Entries that all live in the label's domain."""
    return sp.IndexedBase(label, shape=sizes)


def _expression(part: sp.Expr | int) -> sp.Expr:
    """The same, if it is one: sympy would read a text, and run what stands in it."""
    if isinstance(part, int):
        return sp.Integer(part)
    if not isinstance(part, sp.Expr):
        raise TypeError(f"a formula is made of sympy expressions, got the {type(part).__name__} {part!r}")
    return part


def total(term: sp.Expr, place: Variable) -> sp.Expr:
    """The sum of a term over every place."""
    return sp.Sum(_expression(term), (place, 1, place.domain.upper))


class Largest(ExprWithLimits):
    """The largest of the terms at places 1 to n; with a known n it is a Max."""

    is_commutative = True
    is_extended_real = True


def largest(term: sp.Expr, place: Variable) -> sp.Expr:
    """The largest value of a term over every place."""
    return Largest(_expression(term), (place, 1, place.domain.upper))


class Named(sp.Function):
    """A quantity that is shown by its name and unfolded into its meaning for every check."""

    tex: str
    style: str
    shown: int
    example: tuple[sp.Expr, ...]
    meaning: Callable[..., sp.Expr]

    def __new__(cls, *arguments: sp.Expr | int, **options: bool) -> "Named":
        """A name stands until it is unfolded; it takes no text."""
        return super().__new__(cls, *map(_expression, arguments), **options)

    @classmethod
    def eval(cls, *_: sp.Expr) -> None:
        """Nothing is evaluated."""

    def _eval_is_real(self) -> bool:
        return True

    def _sympystr(self, printer: StrPrinter) -> str:
        """The name as plain text, without the commands of LaTeX."""
        shown = ", ".join(map(printer.doprint, self.args[: self.shown]))
        name = re.sub(r"[\\{}]", "", re.sub(r"\\[lr]Vert ?", "|", self.tex))
        return name + {"call": f"({shown})", "subscript": f"[{shown}]", "bare": ""}[self.style]


def named(
    tex: str, meaning: Callable[..., sp.Expr], style: str = "call", example: tuple[sp.Expr, ...] = (), shown: int = 1
) -> type[Named]:
    """A function with a name of its own; its style is a call, a subscript or bare.

    `example` are the arguments with which it is explained. Only the first `shown` arguments are printed: the others say
    what else the quantity depends on.
    """
    fields = {"tex": tex, "meaning": staticmethod(meaning), "style": style, "example": example, "shown": shown}
    return types.new_class(tex, (Named,), exec_body=lambda body: body.update(fields, nargs=None))


def quantity(tex: str, meaning: sp.Expr) -> Named:
    """One value with a name, such as a loss; it depends on every symbol of its meaning."""
    symbols = tuple(sorted((s for s in unfold(_expression(meaning)).free_symbols if isinstance(s, sp.Symbol)), key=str))
    return named(tex, sp.Lambda(symbols, meaning), "bare")(*symbols)


def unfold(expression: sp.Expr) -> sp.Expr:
    """The expression with every name replaced by its meaning."""
    while names := expression.atoms(Named):
        expression = expression.xreplace({name: type(name).meaning(*name.args) for name in names})
    return expression


def inner_index(place: sp.Expr, upper: sp.Expr) -> Variable:
    """The index of a sum inside a definition: it bears its place's name, so that nested ones do not clash."""
    return index(f"j_{place}", upper, tex="j")


def _sigmoid(t: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-t))


sigmoid = named(r"\sigma", _sigmoid, example=(real("t"),))


def softmax(logits: sp.IndexedBase, tex: str = "p") -> Callable[[sp.Expr], sp.Expr]:
    """The probabilities of these logits, written p with a place below."""

    def share(place: sp.Expr, _: sp.Expr) -> sp.Expr:
        other = inner_index(place, logits.shape[0])
        return sp.exp(logits[place]) / total(sp.exp(logits[other]), other)

    function = named(tex, share, "subscript", example=(index("k", logits.shape[0]), logits.label))
    return lambda place: function(place, logits.label)


def free(e: sp.Basic) -> set[sp.Basic]:
    """The free symbols; sympy forgets the places of the entries that a derivative is taken by."""
    if not e.has(sp.Derivative):
        return e.free_symbols
    inside = set().union(*map(free, e.args))
    return inside - set(e.bound_symbols) if isinstance(e, ExprWithLimits) else inside
