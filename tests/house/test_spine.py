"""One concept is one stem, and one file in each of five rooms."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "docs/concepts": "{}.md",
    "src/dlref": "{}.py",
    "src/dlref/derivations": "{}.py",
    "quizzes": "{}.yml",
    "tests/concepts": "test_{}.py",
}


def stems(room: str) -> set[str]:
    """The concepts that have a file in this room; a name with an underscore in front is no concept."""
    pattern = ROOMS[room].replace("{}", "*")
    prefix, suffix = ROOMS[room].split("{}")
    names = {path.name.removeprefix(prefix).removesuffix(suffix) for path in (ROOT / room).glob(pattern)}
    return {name for name in names if not name.startswith("_")}


CONCEPTS = sorted(set().union(*map(stems, ROOMS)))


def missing() -> list[str]:
    return [
        f"{concept} is missing from {room}/" for concept in CONCEPTS for room in ROOMS if concept not in stems(room)
    ]


def test_every_concept_has_its_five_rooms() -> None:
    assert missing() == []


def test_the_first_concepts_are_there() -> None:
    """A spine of no concepts would pass the law above."""
    assert {"regression_losses", "classification_losses"} <= set(CONCEPTS)


def test_every_concept_has_one_line_of_navigation() -> None:
    nav = re.findall(r"concepts/(\w+)\.md", (ROOT / "mkdocs.yml").read_text())

    assert sorted(nav) == CONCEPTS


def public_names(path: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    nodes = ast.parse(path.read_text()).body
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node for node in nodes if isinstance(node, kinds) and not node.name.startswith("_")]


SOURCES = sorted(path for path in (ROOT / "src").rglob("*.py") if "_mutants" not in path.parts)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_every_public_name_says_why_it_exists(path: Path) -> None:
    silent = [node.name for node in public_names(path) if not ast.get_docstring(node)]

    assert silent == []


FILES = sorted(path for room in ("src", "tests", "tools", "benchmarks") for path in (ROOT / room).rglob("*.py"))


def ceiling(path: Path) -> int:
    """400 lines; more for tables, which are read a row at a time: a chain for each function, an oracle for each."""
    tables = path.parent.name in ("derivations", "concepts") and not path.name.startswith("_")
    return 650 if tables else 400


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_outgrows_one_concept(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= ceiling(path), "this file is two concepts: split the stem in all rooms"


CODES = r"(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|\[[\w, -]*\])?"
EXCUSE = re.compile(rf"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore){CODES}(?P<reason>.*)")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_ignored_warning_carries_its_reason(path: Path) -> None:
    lines = enumerate(path.read_text().splitlines(), 1)
    bare = [number for number, line in lines for hit in EXCUSE.finditer(line) if not re.search(r"\w{3}", hit["reason"])]

    assert bare == []


def test_the_law_of_reasons_can_fail() -> None:
    assert not re.search(r"\w{3}", EXCUSE.search("x = 1  # no" + "qa: A002")["reason"])
    assert re.search(r"\w{3}", EXCUSE.search("x = 1  # no" + "qa: A002 (the base class names it so)")["reason"])
