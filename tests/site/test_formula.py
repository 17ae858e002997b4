"""The page's reader of formulas: the same refusals and the same equalities as the terminal's."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

from built import ROOT
from dldocs.answers import points
from dlquiz.formula import FormulaError, parse

CASES = ROOT / "tests/dlquiz"
XYS = ["x", "y", "s"]
BEYOND_DOUBLES = {
    "tiny constant",
    "cancellation",
    "what underflows is zero",
}  # differ in digits that a double has not; the page says it cannot tell
READ = """([texts, names]) => texts.map((text) => {
  try { dlref.read(text, names); return null; }
  catch (error) { if (error instanceof dlref.FormulaError) return error.message; throw error; }
})"""
SAME = "([text, names, points]) => dlref.same(dlref.read(text, names), points, false)"


def refusal(text: str) -> str | None:
    try:
        parse(text, XYS)
    except FormulaError as error:
        return str(error)
    return None


def test_a_text_is_refused_in_the_same_words(reader) -> None:
    cases = runpy.run_path(str(CASES / "refusals.py"))
    texts = [text for text in [*cases["REFUSED"], *cases["BOMBS"]] if text.isprintable()]
    said = reader.open("contributing.html").evaluate(READ, [texts, XYS])

    differ = {text: (told, shown) for text, shown in zip(texts, said, strict=True) if (told := refusal(text)) != shown}
    assert len(texts) > 30
    assert differ == {}


def test_a_misspelt_name_is_guessed_alike(reader) -> None:
    words = [
        "zz",
        "xx",
        "sx",
        "sigmod",
        "sgimoid",
        "lgo",
        "exx",
        "Exp1",
        "tahn",
        "maxx",
        "minmax",
        "clap",
        "ppi",
        "qwert",
    ]
    texts = [*words, *(f"{word}(x)" for word in words)]
    said = reader.open("contributing.html").evaluate(READ, [texts, XYS])

    assert dict(zip(texts, said, strict=True)) == {text: refusal(text) for text in texts}
    assert sum("did you mean" in str(one) for one in said) > 10


def test_formulas_are_equal_here_where_they_are_equal_there(reader) -> None:
    pairs = yaml.safe_load((CASES / "pairs.yml").read_text())["pairs"]
    page = reader.open("contributing.html")
    differ = []
    for pair in pairs:
        known = list(points(parse(pair["key"], pair["in"]), pair["in"]))
        verdict = page.evaluate(SAME, [pair["typed"].strip(), list(pair["in"]), known])
        if pair["what"] in BEYOND_DOUBLES:
            assert verdict.get("undecided") or verdict["equal"], pair["what"]
        elif verdict["equal"] is not pair["equal"]:
            differ.append((pair["what"], verdict))

    assert len(pairs) > 50
    assert differ == []


@pytest.mark.parametrize("script", sorted((ROOT / "docs/javascripts").glob("*.js")), ids=lambda path: path.name)
def test_nothing_typed_is_run_as_code(script: Path) -> None:
    script = script.read_text()

    assert re.findall(r"\beval\b|\bFunction\b|innerHTML|document\.write|\bimport\(", script) == []
