"""Every page, by day and by night, at a desk and on a phone."""

from pathlib import Path

import pytest

from built import ROOT

PAGES = sorted(path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md"))
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
FITS = "document.documentElement.scrollWidth <= innerWidth"
READERS = {
    "desk-light": {"viewport": DESK, "color_scheme": "light"},
    "phone-dark": {"viewport": PHONE, "color_scheme": "dark"},
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS, indirect=True)
@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_page_can_be_read_by_everyone(reader, path: Path) -> None:
    """No request leaves the machine, no error is logged: the reader's fixture asserts that at the end.

    A long page takes seconds to load and to audit: one load serves both sizes, and the two audits meet every colour
    and every layout.
    """
    page = reader.open(path)
    assert page.evaluate("document.querySelectorAll('.katex-error').length") == 0
    assert page.evaluate("document.querySelectorAll('.arithmatex:not(:has(.katex))').length") == 0
    for size in (PHONE, DESK) if page.viewport_size == DESK else (DESK, PHONE):
        page.set_viewport_size(size)
        page.wait_for_function(FITS)  # once the drawers have slid to their places

    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.evaluate("document.querySelectorAll('.dl-quiz [hidden]').forEach((one) => { one.hidden = false; })")
    assert reader.breaches() == []


def test_the_pages_have_formulas(reader) -> None:
    """A page without formulas would pass the law above."""
    for path in PAGES:
        if path.parent.name == "concepts":
            assert reader.open(path).locator(".katex").count() > 20


def luminance(page, selector: str) -> float:
    colour = page.eval_on_selector(selector, "(one) => getComputedStyle(one).stroke")
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("reader", [{"color_scheme": "light"}], indirect=True)
def test_a_figure_follows_the_page_into_the_dark(reader) -> None:
    line = '.dl-plot path[style*="--dl-c0"]'
    page = reader.open("concepts/regression_losses.html")
    by_day = luminance(page, line)
    page.emulate_media(color_scheme="dark")
    page.reload()

    assert page.evaluate("document.body.dataset.mdColorScheme") == "slate"
    assert luminance(page, line) > by_day + 40


@pytest.mark.parametrize("reader", [{"color_scheme": "dark"}], indirect=True)
def test_the_page_is_dark_at_night(reader, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="matplotlib brings pillow")
    page = reader.open("concepts/classification_losses.html")
    page.screenshot(path=tmp_path / "dark.png")

    with image.open(tmp_path / "dark.png") as picture:
        grey = picture.convert("L").histogram()
    assert sum(grey[:80]) > 0.8 * sum(grey), "most of it is dark"
    assert sum(grey[180:]) > 0.005 * sum(grey), "and its text is light"


@pytest.mark.parametrize("reader", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_every_question_has_its_answer(reader) -> None:
    page = reader.page
    page.goto(f"{reader.address}/concepts/regression_losses.html")

    questions = page.locator(".dl-question").count()
    assert questions > 10
    assert page.locator(".dl-question .dl-answer summary:visible").count() == questions
    assert page.locator(".dl-question [type=submit]:visible").count() == 0


def test_search_finds_a_function_and_not_its_source(reader) -> None:
    page = reader.open("index.html")
    page.keyboard.press("/")
    page.keyboard.type("huber_grad")
    first = page.locator(".md-search-result__link").first
    first.wait_for()

    assert "regression_losses.html" in first.get_attribute("href")
    assert "return" not in page.locator(".md-search-result__list").inner_text()
    first.click()
    page.wait_for_url("**/regression_losses.html*")


def test_the_site_opens_by_double_click(browser, site) -> None:
    """From a file there is no server and no network: the formulas and the search still work."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site.folder / "concepts/regression_losses.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("log_cosh")
    page.locator(".md-search-result__link").first.wait_for()
    drawn = page.locator(".katex").count()
    context.close()

    assert drawn > 20
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
