"""Typed text into a small tree. Nothing is evaluated by Python: what is not listed here cannot be written.

Two readings share one grammar: an *answer* is a number-valued formula, a *claim* is one that is true or false.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dlquiz.formula.tokens import (
    ALIASES,
    ARITY,
    COMPARISONS,
    CONSTANTS,
    LIBRARIES,
    LOGIC,
    WORDS,
    FormulaError,
    Token,
    ends_operand,
    tokens,
)

MAX_NODES, MAX_DEPTH, MAX_DIGITS = 200, 160, 25  # a float64 printed whole has up to 24
BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}
UNARY = 3
NO_CONDITION = "a condition needs a comparison: < <= > >= == !="
STRAY_CONDITION = "a comparison stands only inside where(...)"


@dataclass(frozen=True)
class Number:
    """A number as it was typed."""

    value: int | str  # a decimal stays text, so that 0.1 is one tenth at any precision


@dataclass(frozen=True)
class Name:
    """A symbol of the question, or a constant."""

    name: str


@dataclass(frozen=True)
class Apply:
    """An operation or a function, and what it is applied to."""

    op: str
    args: tuple["Node", ...]


Node = Number | Name | Apply


@dataclass(frozen=True)
class Formula:
    """A text that was understood, its tree, and the names it uses."""

    text: str
    node: Node
    used: frozenset[str]


def parse(text: str, names: Iterable[str], *, forbid: Iterable[str] = ()) -> Formula:
    """Read a formula in `names`, or raise `FormulaError`."""
    parser = _Parser(text, names, forbid)
    return parser.finish(parser.check(parser.expression(), condition=False))


def parse_claim(text: str, names: Iterable[str]) -> Formula:
    """Read a claim: formulas joined by comparisons, `and`, `or` and `not`."""
    parser = _Parser(text, names, ())
    return parser.finish(parser.check(parser.expression(), condition=True))


class _Parser:
    """Precedence climbing over a list of tokens; depth and size are bounded while reading."""

    def __init__(self, text: str, names: Iterable[str], forbid: Iterable[str]) -> None:
        self.text = text.strip()
        self.names = frozenset(names)
        self.forbid = frozenset(forbid)
        self.used: set[str] = set()
        self.at = self.depth = self.nodes = 0
        self.tokens = tokens(self.text)

    # -- moving along

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def accept(self, *texts: str) -> bool:
        found = self.token.kind != "number" and self.token.text in texts
        self.at += found
        return found

    def expect(self, text: str, message: str) -> None:
        if not self.accept(text):
            raise FormulaError(message, self.token.column)

    def close(self, message: str) -> None:
        """The closing parenthesis, or what stands where it should."""
        if not self.accept(")"):
            helpful = self.token.text == "|" or self.lacks_product()
            raise self.unexpected() if helpful else FormulaError(message, self.token.column)

    def finish(self, node: Node) -> Formula:
        if self.token.kind != "end":
            raise self.unexpected()
        return Formula(self.text, node, frozenset(self.used))

    def make(self, op: str, *args: Node) -> Node:
        self.count()
        for position, arg in enumerate(args):
            self.check(arg, condition=op in LOGIC or (op == "where" and position == 0))
        return Apply(op, args)

    def check(self, node: Node, *, condition: bool) -> Node:
        if condition and not _is_condition(node):
            raise self.unexpected() if self.token.text == "=" else FormulaError(NO_CONDITION, self.token.column)
        if not condition and _is_condition(node):
            raise FormulaError(STRAY_CONDITION, self.token.column)
        return node

    def count(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise FormulaError("formula too large", self.token.column)

    def unexpected(self) -> FormulaError:
        token = self.token
        if token.text == "|":
            return self.missing_abs(token)
        if token.text == "=":
            return FormulaError("type the right-hand side only, without '='", token.column)
        if token.text == ".":
            return FormulaError("'.' is no operator; multiply with '*'", token.column)
        if token.kind == "end":
            return FormulaError("the formula ends too early", token.column)
        if self.lacks_product():
            return self.missing_product(self.tokens[self.at - 1], token)
        if token.text in COMPARISONS:
            return FormulaError(STRAY_CONDITION, token.column)
        return FormulaError(f"{token.text!r} is not expected here", token.column)

    def lacks_product(self) -> bool:
        """Whether an operand follows an operand."""
        operand = self.token.text == "(" or self.token.kind in ("number", "name")
        return operand and self.at > 0 and ends_operand(self.tokens[self.at - 1])

    def missing_abs(self, token: Token) -> FormulaError:
        inside = self.text.split("|")[1].strip()
        shown = inside if 0 < len(inside) <= 20 and self.text.count("|") > 1 else "x"
        return FormulaError(f"write abs({shown}), not |{shown}|", token.column)

    def missing_product(self, before: Token, token: Token) -> FormulaError:
        if before.text in ARITY or before.text in ALIASES:
            return FormulaError(f"write {before.text}(...): a function needs parentheses", before.column)
        if token.kind == "name" and token.text in WORDS:
            return FormulaError(f"{token.text!r} is not expected here", token.column)
        rest = "(...)" if token.text == "(" else token.text
        start = "(...)" if before.text == ")" else before.text
        return FormulaError(f"write {start}*{rest}: a product needs '*'", token.column)

    # -- the grammar, loosest binding first; whether a part is a number or a condition is checked where it is used

    def expression(self) -> Node:
        self.deeper()
        value = self.junction("or", "and")
        if self.accept("if"):
            condition = self.junction("or", "and")
            self.expect("else", "write: a if condition else b")
            value = self.make("where", condition, value, self.expression())
        self.depth -= 1
        return value

    def junction(self, word: str, *tighter: str) -> Node:
        """Conditions joined by `or`, each of conditions joined by `and`."""

        def part() -> Node:
            return self.junction(*tighter) if tighter else self.negation()

        node = part()
        while self.accept(word):
            node = self.make(word, node, part())
        return node

    def negation(self) -> Node:
        self.deeper()
        node = self.make("not", self.negation()) if self.accept("not") else self.comparison()
        self.depth -= 1
        return node

    def comparison(self) -> Node:
        """One formula, or a chain of comparisons: a < b <= c is a < b and b <= c."""
        left, chain = self.operation(0), None
        while self.token.text in COMPARISONS:
            op = self.take().text
            right = self.operation(0)
            link = self.make(op, left, right)
            chain = link if chain is None else self.make("and", chain, link)
            left = right
        return left if chain is None else chain

    def operation(self, floor: int) -> Node:
        self.deeper()
        left = self.operand()
        while BINDING.get(self.token.text, 0) > floor or self.token.text == "**":
            op = self.take().text.replace("**", "^")
            # The power binds to the right, everything else to the left.
            right = self.operation(BINDING[op] - (op == "^"))
            left = self.make(op, left, right)
        self.depth -= 1
        return left

    def operand(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.text in ("-", "+"):
            value = self.operation(UNARY - 1)
            return self.make("negative", value) if token.text == "-" else value
        if token.text == "(":
            node = self.expression()
            self.close("a parenthesis is not closed")
            return node
        if token.kind == "name" and token.text not in WORDS:
            return self.call(token) if self.token.text == "(" else self.name(token)
        self.at -= 1
        raise self.unexpected()

    def call(self, token: Token) -> Node:
        op = ALIASES.get(token.text, token.text if token.text in ARITY else token.text.lower())
        if op not in ARITY:
            raise self.unknown_function(token)
        if op in self.forbid:
            raise FormulaError(f"this answer must do without {op}", token.column)
        self.accept("(")
        args = [self.expression()]
        while self.accept(","):
            args.append(self.expression())
        self.close(f"the parenthesis of {token.text} is not closed")
        low, high = ARITY[op]
        if not low <= len(args) <= high:
            wanted = f"{low}" if low == high else f"{low} to {high}"
            raise FormulaError(f"{op} takes {wanted} argument{'s' * (high > 1)}, got {len(args)}", token.column)
        return self.make(op, *args)

    def name(self, token: Token) -> Node:
        self.count()
        if token.text in self.names:
            self.used.add(token.text)
            return Name(token.text)
        if token.text in CONSTANTS:
            return Name(token.text)
        if token.text in ARITY or token.text in ALIASES:
            raise FormulaError(f"write {token.text}(...): a function needs parentheses", token.column)
        raise self.unknown(token, (*self.names, *CONSTANTS))

    def number(self, token: Token) -> Node:
        self.count()
        if len(token.text) > MAX_DIGITS or abs(float(token.text)) > 1e300:
            raise FormulaError("number too large", token.column)
        return Number(int(token.text) if token.text.isascii() and token.text.isdigit() else token.text)

    def unknown_function(self, token: Token) -> FormulaError:
        if token.text in self.names or token.text in CONSTANTS:
            return FormulaError(f"write {token.text}*(...): a product needs '*'", token.column)
        return self.unknown(token, (*ARITY, *ALIASES))

    def unknown(self, token: Token, known: Iterable[str]) -> FormulaError:
        library, _, rest = token.text.rpartition(".")
        if library or rest in LIBRARIES:
            example = rest if rest in ARITY else "exp"
            return FormulaError(
                f"write {example}(x), not {library or rest}.{example}(x): names have no '.'", token.column
            )
        import difflib

        near = difflib.get_close_matches(token.text, list(known), 1, 0.6)
        if near:
            return FormulaError(f"unknown name {token.text!r}; did you mean {near[0]!r}?", token.column)
        names = ", ".join(sorted(self.names)[:8])
        hint = f"; this answer uses {names}" if names else ""
        return FormulaError(f"unknown name {token.text!r}{hint}", token.column)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError("nested too deeply", self.token.column)


def _is_condition(node: Node) -> bool:
    return isinstance(node, Apply) and node.op in (*COMPARISONS, *LOGIC)
