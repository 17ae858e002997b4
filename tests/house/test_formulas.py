"""No formula on a page or in a bank is believed because it was typed."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dldocs.verdicts import verified
from dlquiz.formula import parse, value
from dlref.derivations import load, names
from fences import DOCS, ROOT, fences

EXCEPTIONS = yaml.safe_load(Path(__file__).with_name("typed_formulas.yml").read_text())
PAGES = sorted(DOCS.rglob("*.md"))
BANKS = sorted((ROOT / "quizzes").glob("*.yml"))

INLINE = re.compile(r"(?<![\\$\w])\$(?!\$)([^$`\n]+?)\$")
LETTER = r"(?:[A-Za-z]+|\\[A-Za-z]+)"
SYMBOL = rf"-?(?:\\hat |\\bar )?{LETTER}'?(?:[_^](?:\w|\*|\{{\w+\}}))*"
NUMBER = r"-?\d+(?:\.\d+)?(?:\^(?:\d|\{-?\d+\}))?"
ONE = rf"(?:{SYMBOL}|{NUMBER})"
HARMLESS = re.compile(rf"{ONE}|{SYMBOL} [=<>] {NUMBER}|{ONE}(?: \\times {ONE})+|\({ONE}(?:, ?{ONE})*,?\)")
LATEX = re.compile(r"\$[^$\s][^$]*\$|\\[a-z]{3,}|\\\(|\\\[")


def adds_up(formula: str) -> bool:
    """Arithmetic without a symbol is computed here: both sides agree to the last digit written."""
    plain = re.sub(r"\\sqrt ?(\d+)", r"sqrt(\1)", formula.replace(r"\cdot", "*")).replace("{", "(").replace("}", ")")
    left, _, right = plain.partition(" = ")
    if not re.fullmatch(NUMBER, right) or re.search(r"[A-Za-z\\]", left.replace("sqrt", "")):
        return False
    digits = len(right.partition(".")[2])
    return abs(value(parse(left, []), {}) - float(right)) <= 0.5 * 10**-digits


def typed(page: Path) -> Iterator[tuple[int, str]]:
    """The inline formulas of a page with their lines, code and fences left out."""
    inside = {line for fence in fences(page) for line in range(fence.line, fence.line + len(fence.body.splitlines()))}
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if number not in inside:
            yield from ((number, found) for found in INLINE.findall(re.sub(r"`[^`]*`", "", line)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_typed_formula_is_a_symbol_a_setting_or_a_shape_or_has_its_reason(page: Path) -> None:
    bare = [
        f"{page.relative_to(ROOT)}:{number}: {formula}"
        for number, formula in typed(page)
        if not (HARMLESS.fullmatch(formula) or adds_up(formula) or formula in EXCEPTIONS)
    ]

    assert bare == [], "write it as a claim, formula or derivation fence"


def test_every_exception_is_used_and_has_a_reason() -> None:
    used = {formula for page in PAGES for _, formula in typed(page)}

    assert sorted(set(EXCEPTIONS) - used) == []
    assert [formula for formula, reason in EXCEPTIONS.items() if len(reason) < 6 or HARMLESS.fullmatch(formula)] == []


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.stem)
def test_a_bank_holds_no_typeset_formula(bank: Path) -> None:
    """What a question says about a formula is computed, or read by the restricted parser."""
    lines = enumerate(bank.read_text().splitlines(), 1)

    assert [f"{bank.name}:{n}: {line.strip()}" for n, line in lines if n > 1 and LATEX.search(line)] == []


@pytest.mark.parametrize(
    "formula", [r"\delta", "n", "g'", r"\hat y", "x_i", r"\gamma = 2", r"n \times k", "(n, 1)", "(n,)"]
)
def test_symbols_settings_and_shapes_may_be_typed(formula: str) -> None:
    assert HARMLESS.fullmatch(formula)


@pytest.mark.parametrize("formula", [r"\sigma' = \sigma(1 + \sigma)", "2(p - y)", "e^2/2", r"\tfrac12 e^2", "a = b"])
def test_formulas_may_not(formula: str) -> None:
    assert not HARMLESS.fullmatch(formula)


@pytest.mark.parametrize(
    ("formula", "right"), [("1 - 0.8^5 = 0.672", True), ("1 - 0.8^5 = 0.673", False), ("a = 1", False)]
)
def test_arithmetic_is_recomputed(formula: str, right: bool) -> None:  # noqa: FBT001 (the verdict is the subject)
    assert adds_up(formula) is right


def test_katex_knows_every_command() -> None:
    formulas = [formula for d in map(verified, map(load, names())) for formula in (d.latex(), d.statement())]
    katex = json.dumps(str(ROOT / "node_modules/katex"))
    script = f"""
        const katex = require({katex});
        for (const tex of JSON.parse(require("fs").readFileSync(0)))
            katex.renderToString(tex, {{displayMode: true, strict: "error"}});
        console.log("all known");
    """
    node = shutil.which("node", path=str(Path(sys.executable).parent))
    assert node, "there is no node beside this Python: run make setup"

    result = subprocess.run(
        [node, "-e", script], input=json.dumps(formulas), capture_output=True, text=True, check=False
    )

    assert result.stdout == "all known\n", result.stderr
