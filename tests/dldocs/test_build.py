"""How the site is built: strictly, and stopped by whatever is wrong on a page."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from built import ROOT, build, built_once, shared_folder
from dldocs import assets
from dldocs.answers import KINDS
from fences import fences


def test_the_site_builds_strictly(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Built here for all tests that look at it; strict turns every warning into a failure."""
    site = built_once(shared_folder(tmp_path_factory))

    assert "Documentation built" in site.log
    assert "WARNING" not in site.log


def copy_of_the_site(folder: Path, page: str) -> Path:
    """A small site with the house's configuration and one page."""
    for name in ("src", "templates", "quizzes"):
        (folder / name).symlink_to(ROOT / name)
    settings = re.sub(r"nav:\n(?:\s.*\n|\n)+?(?=theme:)", "nav: [index.md]\n\n", (ROOT / "mkdocs.yml").read_text())
    (folder / "mkdocs.yml").write_text(settings)
    (folder / "docs").mkdir()
    (folder / "docs/index.md").write_text(page)
    return folder


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('```python exec="1"\n1 / 0\n```\n', "ZeroDivisionError"),
        ('```python exec="1"\nimport warnings\nwarnings.warn("old")\n```\n', "UserWarning: old"),
        ("```quiz\nnothing\n```\n", "index.md: fence 'quiz'"),
        ("[there](nowhere.md)\n", "nowhere.md"),
        ("::: dlref.nothing\n", "dlref.nothing"),
    ],
)
def test_an_error_on_a_page_stops_the_build(page: str, said: str, tmp_path: Path) -> None:
    done = build(tmp_path / "out", copy_of_the_site(tmp_path, page))

    assert done.status != 0
    assert said in done.log


# -- what the site loads


def test_the_assets_are_copied_once_and_without_old_fonts(tmp_path: Path) -> None:
    assets.main(vendor=tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assets.main(vendor=tmp_path)

    sheet = (tmp_path / "katex/katex.min.css").read_text()
    named = set(re.findall(r"url\(fonts/([^)]+)\)", sheet))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert named == {path.name for path in (tmp_path / "katex/fonts").iterdir()}
    assert (tmp_path / "katex/LICENSE").is_file()


def test_a_missing_node_modules_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is missing; run: make setup"):
        assets.main(modules=tmp_path, vendor=tmp_path / "vendor")
    shutil.copytree(ROOT / "node_modules/katex/dist/fonts", tmp_path / "katex/dist/fonts")
    with pytest.raises(SystemExit, match="is missing; run: make setup"):
        assets.main(modules=tmp_path, vendor=tmp_path / "vendor")


def test_the_questions_shown_to_contributors_are_good_ones(tmp_path: Path) -> None:
    """The examples of the contributor's page pass the check that a bank must pass."""
    (example,) = [fence.body for fence in fences(ROOT / "docs/contributing.md") if fence.language == "yaml"]
    bank = tmp_path / "regression_losses.yml"
    bank.write_text(example)

    check = subprocess.run([sys.executable, "-m", "dlquiz", "check", bank], capture_output=True, text=True, check=False)

    assert check.returncode == 0, check.stdout + check.stderr
    assert set(re.findall(r"kind: (\w+)", example)) == set(KINDS)
