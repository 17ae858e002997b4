"""Formula answers: read by a whitelist parser, compared by value. Nothing typed or stored is ever run as code."""

from dlquiz.formula.compare import Verdict, same, samples, show, unstable
from dlquiz.formula.parser import Formula, parse, parse_claim
from dlquiz.formula.tokens import FormulaError
from dlquiz.formula.values import LimitError, UndefinedError, derivative, holds, value

__all__ = [
    "Formula",
    "FormulaError",
    "LimitError",
    "UndefinedError",
    "Verdict",
    "derivative",
    "holds",
    "parse",
    "parse_claim",
    "same",
    "samples",
    "show",
    "unstable",
    "value",
]
