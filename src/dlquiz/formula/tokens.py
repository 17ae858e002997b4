"""The words of the formula language: what may stand in a formula at all, and how a text falls into pieces."""

import re
from dataclasses import dataclass

MAX_CHARS = 400
CONSTANTS = ("pi", "e")
ONE = "abs sign sqrt exp log log1p expm1 log2 log10 sin cos tan sinh cosh tanh atan erf sigmoid softplus relu"
ARITY = {**dict.fromkeys(ONE.split(), (1, 1)), "max": (2, 8), "min": (2, 8), "clip": (3, 3), "where": (3, 3)}
ALIASES = {
    "ln": "log",
    "sgn": "sign",
    "arctan": "atan",
    "maximum": "max",
    "minimum": "min",
    "clamp": "clip",
    "logistic": "sigmoid",
    "σ": "sigmoid",
}
LIBRARIES = ("np", "numpy", "torch", "math", "tf", "jnp", "F", "mpmath", "scipy")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LOGIC = ("and", "or", "not")
WORDS = ("if", "else", *LOGIC)

SPELLINGS = str.maketrans(
    {
        "·": "*",
        "×": "*",
        "⋅": "*",
        "−": "-",
        "–": "-",
        "²": "^2",
        "³": "^3",
        "½": "(1/2)",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
    }
)
TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)|(?P<name>[^\W\d]\w*(?:\.\w+)*)"
    r"|(?P<sign>\*\*|<=|>=|==|!=|[-+*/^(),<>=|.]))"
)


class FormulaError(ValueError):
    """A text that is no formula; the message says what to type instead, `column` counts from 0."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Token:
    """One piece: its kind (number, name, sign or end), its text, and where it starts."""

    kind: str
    text: str
    column: int


def tokens(text: str) -> list[Token]:
    """The pieces of a text, closed by one of kind `end`."""
    if not text:
        raise FormulaError("empty answer")
    if len(text) > MAX_CHARS:
        raise FormulaError(f"longer than {MAX_CHARS} characters")
    found, at, text = [], 0, text.translate(SPELLINGS)
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise FormulaError(f"character {_quoted(text[at])} is not part of a formula", at)
        kind = str(match.lastgroup)
        word = match[kind]
        found.append(Token("sign" if word in WORDS else kind, word, match.start(kind)))
        at = match.end()
    return [*found, Token("end", "end", len(text))]


def _quoted(sign: str) -> str:
    return f"'{sign}'" if sign.isprintable() and sign != "'" else ascii(sign)


def ends_operand(token: Token) -> bool:
    """Whether a product sign is missing if an operand follows."""
    return token.kind in ("number", "name") or token.text == ")"
