"""Laws of the built site: its links lead somewhere, nothing comes from elsewhere, search tells no answer."""

import html
import inspect
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import msgspec
import pytest

from built import ROOT, Built, built_once, shared_folder
from dlquiz import bank
from dlref.derivations import names

CONCEPTS = sorted(path.stem for path in (ROOT / "docs/concepts").glob("[!_]*.md"))
LOADED = {"src", "poster", "data", "srcset"}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built_once(shared_folder(tmp_path_factory))


class Page(HTMLParser):
    """The ids of a page and everything that it refers to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in LOADED or (name == "href" and tag in ("link", "use", "image")):
                self.loads.append(value or "")
            elif name == "href":
                self.links.append(value or "")


@pytest.fixture(scope="session")
def pages(site: Built) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in site.pages}


def is_remote(address: str) -> bool:
    return address.startswith("//") or urlsplit(address).scheme not in ("", "data")


def broken(path: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """What a page points to that is not there."""
    for address in pages[path].links + pages[path].loads:
        if urlsplit(address).scheme or address.startswith("//"):
            continue
        place, part = urldefrag(address)
        target = (path.parent / unquote(place)).resolve() if place else path
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file() or (part and target in pages and unquote(part) not in pages[target].ids):
            yield address


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    assert {path.name: found for path in pages if (found := list(broken(path, pages)))} == {}


def test_no_id_stands_twice_on_a_page(pages: dict[Path, Page]) -> None:
    twice = {path.name: {name for name in page.ids if page.ids.count(name) > 1} for path, page in pages.items()}

    assert {name: ids for name, ids in twice.items() if ids} == {}


def test_nothing_on_a_page_comes_from_elsewhere(site: Built, pages: dict[Path, Page]) -> None:
    loaded = {address for page in pages.values() for address in page.loads if is_remote(address)}
    styles = [path for path in site.folder.rglob("*.css") if re.search(r"url\(['\"]?(?:https?:)?//", path.read_text())]

    assert pages
    assert loaded == set()
    assert styles == []


def public(concept: str) -> list[str]:
    module = import_module(f"dlref.{concept}")
    functions = inspect.getmembers(module, inspect.isfunction)
    return [f"dlref.{concept}.{name}" for name, f in functions if f.__module__ == module.__name__ and name[0] != "_"]


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_public_function_stands_on_its_page(concept: str, site: Built) -> None:
    assert public(concept)
    assert sorted({*public(concept)} - {*Page(site.folder / f"concepts/{concept}.html").ids}) == []


@pytest.mark.parametrize("concept", CONCEPTS)
def test_search_finds_functions_and_gives_no_answer_away(concept: str, site: Built) -> None:
    documents = msgspec.json.decode((site.folder / "search/search_index.json").read_bytes())["docs"]
    found = {entry["location"].partition("#")[2]: entry["text"] for entry in documents}
    everything = html.unescape(" ".join(entry["text"] for entry in documents))

    assert sorted({*public(concept)} - {*found}) == []
    assert not any("return " in found[name] for name in public(concept)), "the source is in the index"
    assert [question.id for question in bank.read(concept) if question.explain in everything] == []


def test_the_page_of_checks_names_every_derivation(site: Built) -> None:
    page = (site.folder / "checks.html").read_text()

    assert page.count("<td") == 3 * len(names())
