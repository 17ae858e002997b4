"""Laws that hold for every page, read from its Markdown: its parts, its formulas, its code."""

import re
from pathlib import Path

import pytest

from dlref.derivations import names
from fences import DOCS, Fence, fences, run

PAGES = sorted(DOCS.rglob("*.md"))
CONCEPTS = sorted((DOCS / "concepts").glob("[!_]*.md"))
PARTS = [
    "The problem",
    "Formula",
    "Derivation",
    "Reference code",
    "Runs and figures",
    "Traps",
    "In the interview",
    "Quiz",
    "Sources",
]
FORMULAS = {"card", "formula", "derivation"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
each_concept = pytest.mark.parametrize("page", CONCEPTS, ids=lambda page: page.stem)


def outside_fences(page: Path) -> str:
    """The text of a page without its fenced blocks."""
    text = page.read_text()
    for fence in fences(page):
        text = text.replace(fence.body, "\n", 1) if fence.body.strip() else text
    return text


def named(fence: Fence) -> set[str]:
    """The derivations that a fence shows."""
    return set(re.findall(r"\b[a-z]\w*\.[a-z]\w*\b", fence.body)) & set(names())


def test_executed_code_is_found() -> None:
    """A pattern that matches nothing would pass the law above."""
    for page in CONCEPTS:
        assert sum(fence.executed for fence in fences(page)) >= 3, page.name


def test_a_fence_that_fails_is_named_by_page_and_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '# Page\n\n```python exec="1" session="a"\nx = 1\n```\n\n```python exec="1" session="a"\nx\n1 / 0\n```\n'
    )

    with pytest.raises(ZeroDivisionError) as raised:
        run(page)
    last = raised.traceback[-1]
    assert (str(last.path), last.lineno + 1) == (str(page), 9)


def test_an_example_inside_a_fence_is_not_run(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('````markdown\n```python exec="1"\n1 / 0\n```\n````\n')

    run(page)


@each_concept
def test_a_concept_page_has_its_parts_in_order(page: Path) -> None:
    headings = re.findall(r"^## (.+?)(?::.*)?$", outside_fences(page), flags=re.MULTILINE)

    assert headings == PARTS


@each_concept
def test_a_concept_page_opens_with_its_card(page: Path) -> None:
    first = next(fences(page))
    before = page.read_text().splitlines()[: first.line - 2]

    assert first.language == "card"
    assert [line for line in before if line.strip()] == [before[0]], "only the title stands above the card"


@each_concept
def test_a_concept_page_asks_the_questions_of_its_concept(page: Path) -> None:
    asked = [fence.body.strip() for fence in fences(page) if fence.language == "quiz"]

    assert asked == [page.stem]


@each_concept
def test_every_derivation_is_shown_on_its_page_or_marked_with_a_reason(page: Path) -> None:
    own = {name for name in names() if name.startswith(f"{page.stem}.")}
    shown = set().union(*(named(fence) for fence in fences(page) if fence.language in FORMULAS))
    marked = dict(re.findall(r"<!-- not shown: ([\w.]+), (.{10,}?) -->", page.read_text()))

    assert own, "a concept without a derivation"
    assert sorted(own - shown - set(marked)) == []
    assert sorted(set(marked) - own) == [], "marked, but no such derivation"


@each_page
def test_every_fence_of_formulas_names_derivations(page: Path) -> None:
    for fence in fences(page):
        if fence.language in ("formula", "derivation"):
            assert fence.body.strip() in names(), f"{page.name}:{fence.line}"


@each_page
def test_no_display_formula_is_typed_by_hand(page: Path) -> None:
    """A formula that nothing has checked may not stand on a page."""
    text = re.sub(r"`[^`\n]*`", "", outside_fences(page))

    assert re.findall(r"\$\$|\\\[|\\begin\{", text) == []
