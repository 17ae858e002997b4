"""Expressions as a teacher would write them."""

from __future__ import annotations

import sympy as sp
from sympy.printing.latex import LatexPrinter

RELATIONS = {"=": "=", "<=": r"\le", ">=": r"\ge"}


class Printer(LatexPrinter):
    def _print_Symbol(self, e):
        return getattr(e, "tex", e.name)

    _print_Variable = _print_Symbol

    def _print_Indexed(self, e):
        return f"{self._print(e.base.label)}_{{{','.join(map(self._print, e.indices))}}}"

    def _print_Named(self, e, exp=None):
        power = f"^{{{exp}}}" if exp else ""
        if e.style == "bare":
            return e.tex + power
        args = ", ".join(map(self._print, e.args))
        return f"{e.tex}_{{{args}}}{power}" if e.style == "subscript" else f"{e.tex}{power}({args})"


def latex(e: sp.Expr) -> str:
    return Printer({"order": None}).doprint(e)


def chain(rows) -> str:
    lines = [f"& {rows[0][1]}"] + [f"&{r} {e} && \\text{{{why}}}" for r, e, why in rows[1:]]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
