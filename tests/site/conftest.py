"""A browser, and the built site behind an address of this machine."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from built import ROOT, Built, built_once, shared_folder
from dldocs.serve import Quiet

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = ROOT / "node_modules/axe-core/axe.min.js"
LAWS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
QUIETLY = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
QUIETLY += ["--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built_once(shared_folder(tmp_path_factory))


@pytest.fixture(scope="session")
def address(site: Built) -> Iterator[str]:
    handler = partial(Quiet, directory=str(site.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install chromium to run the browser's tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIETLY)
        yield browser
        browser.close()


class Reader:
    """One person at one page, and everything that went wrong there."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address, self.troubles = address, []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("request", lambda request: self.note_request(request.url))
        self.page.on("response", lambda answer: self.note(answer.status < 400, f"{answer.status} {answer.url}"))
        self.page.on("pageerror", lambda error: self.note(False, str(error)))  # noqa: FBT003 (an error is never fine)
        self.page.on("console", lambda said: self.note(said.type not in ("error", "warning"), said.text))

    def note(self, fine: bool, what: str) -> None:  # noqa: FBT001 (the handlers above are its only callers)
        if not fine:
            self.troubles.append(what)

    def note_request(self, url: str) -> None:
        self.note(url.startswith((self.address, "data:", "blob:")), f"asked for {url}")

    def breaches(self, within: str = "html") -> list[str]:
        """What axe-core finds against the page as it stands."""
        self.page.add_script_tag(path=AXE)
        script = "([part, tags]) => axe.run(part, {runOnly: tags, resultTypes: ['violations']})"
        found = self.page.evaluate(script, [within, LAWS])
        return [f"{v['id']}: {node['html'][:200]}" for v in found["violations"] for node in v["nodes"]]

    def open(self, path: Path | str) -> Page:
        self.page.goto(f"{self.address}/{path}")
        self.page.wait_for_function("document.fonts.status === 'loaded'")
        return self.page


@pytest.fixture
def reader(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """Put a reader at a desk in daylight, or where `parametrize("reader", [{...}], indirect=True)` says."""
    settings = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", **getattr(request, "param", {})}
    context = browser.new_context(**settings)
    reader = Reader(context, address)
    yield reader
    context.close()

    assert reader.troubles == []
