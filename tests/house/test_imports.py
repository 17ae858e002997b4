"""Imports flow one way, and nothing heavy is loaded before it is needed."""

import ast
import graphlib
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONCEPTS = sorted(path for path in (ROOT / "src/dlref").glob("*.py") if not path.name.startswith("_"))
BUILDING_BLOCKS = {"torch", "jaxtyping", "math", "typing", "collections", "functools", "itertools"}


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_layers_hold() -> None:
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    result = run(linter, "--no-cache")

    assert result.returncode == 0, result.stdout


def modules(package: str) -> dict[str, Path]:
    """The modules of a package by their dotted names."""
    files = sorted((ROOT / "src" / package).rglob("*.py"))
    paths = {".".join(path.relative_to(ROOT / "src").with_suffix("").parts): path for path in files}
    return {name.removesuffix(".__init__"): path for name, path in paths.items()}


def needs(node: ast.AST, known: Collection[str]) -> Iterator[str]:
    """What is imported anywhere inside, functions too; what only a type checker reads does not count."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.ImportFrom):
            names = [f"{child.module}.{alias.name}" for alias in child.names]
            yield from (name if name in known else str(child.module) for name in names)
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        yield from needs(child, known)


@pytest.mark.parametrize("package", ["dlref", "dlquiz", "dldocs"])
def test_no_import_goes_round_in_a_circle(package: str) -> None:
    known = modules(package)
    graph = {name: {*needs(ast.parse(path.read_text()), known)} & known.keys() for name, path in known.items()}

    graphlib.TopologicalSorter(graph).prepare()


def loaded(statement: str) -> set[str]:
    """The top-level packages that a fresh interpreter holds after this statement."""
    result = run(sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)")
    assert result.returncode == 0, result.stderr
    return {name.partition(".")[0] for name in result.stdout.split()}


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import dlref", {"torch", "sympy", "numpy"}),
        ("import dlref.regression_losses", {"sympy", "dlquiz", "dldocs"}),
        ("import dlref.derivations", {"torch", "dlquiz", "dldocs"}),
        ("import dlquiz.__main__", {"torch", "sympy", "numpy", "mpmath", "rich", "fsrs", "yaml", "dlref", "dldocs"}),
    ],
)
def test_an_import_brings_no_more_than_it_says(statement: str, unwanted: set[str]) -> None:
    assert loaded(statement) & unwanted == set()


@pytest.mark.parametrize("path", CONCEPTS, ids=lambda path: path.stem)
def test_a_concept_stands_on_torch_and_small_shared_helpers(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    foreign = {
        name for name in imported if name.split(".")[0] not in BUILDING_BLOCKS and not name.startswith("dlref._")
    }

    assert foreign == set()


def test_concepts_are_found() -> None:
    assert CONCEPTS, "no concept module: the laws above hold of nothing"
