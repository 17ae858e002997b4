"""The fences as HTML: nothing breaks out of its place, and nothing is shown that was not checked."""

import re

import pytest
from markdown import Markdown

from dldocs import chains, fences
from dldocs.markup import prose, tag
from dlref.derivations import load


def render(fence, source: str) -> str:
    return fence(source, "name", "class", {}, Markdown())


def test_text_cannot_break_out_of_its_element() -> None:
    assert tag("p", "<b> & `", class_='"x"') == '<p class="&#34;x&#34;">&lt;b&gt; &amp; `</p>'
    assert prose("`a < b` & $c$") == "<code>a &lt; b</code> &amp; $c$"


def test_rich_text_has_formulas_and_links_to_pages() -> None:
    assert prose("$c < d$ [there](a/b.md#part)", rich=True) == (
        '<span class="arithmatex">\\(c &lt; d\\)</span> <a href="a/b.html#part">there</a>'
    )


def test_an_attribute_that_is_not_so_is_not_written() -> None:
    assert tag("input", hidden=True, disabled=False, title=None, for_="x") == '<input hidden for="x">'


def shown(name: str) -> list[str]:
    """The formulas of a derivation fence, in order."""
    html = render(fences.derivation, name)
    return re.findall(r"\\\((?:\\displaystyle )?(.*?)\\\)</span>", html)


@pytest.mark.parametrize("name", ["regression_losses.huber_grad", "classification_losses.cross_entropy_grad"])
def test_a_derivation_shows_every_row_with_its_reason(name: str) -> None:
    rows = load(name).rows()
    html = render(fences.derivation, name)

    assert html.count("dl-reason") == len(rows) - 1
    assert all(prose(reason, rich=True) in html for _, _, reason in rows)
    assert str(tag("p", chains.checked(name).level))[3:-4] in html


def test_a_long_derivation_is_folded_below_what_it_states(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "classification_losses.cross_entropy_grad"
    assert "dl-fold" not in render(fences.derivation, name)

    monkeypatch.setattr(chains, "LONG", 2)
    folded = render(fences.derivation, name)
    assert folded.index("dl-result") < folded.index("dl-fold") < folded.index("dl-rows")


def test_a_level_that_nobody_has_explained_stops_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "MEANING", {"grid": "On a grid."})

    with pytest.raises(fences.SuperFencesException, match="no words for the level 'exact"):
        render(fences.formula, "regression_losses.squared_error")


def test_a_card_has_exactly_its_five_parts() -> None:
    name = "regression_losses.huber"
    parts = {"formula": name, "gradient": f"[{name}, {name}_grad]", "use": "a", "not": "b", "trap": "`c`"}
    written = "\n".join(f"{key}: '{value}'" if value[0] != "[" else f"{key}: {value}" for key, value in parts.items())

    assert render(fences.card, written).count("<dt>") == 5
    with pytest.raises(fences.SuperFencesException, match="a card has the keys formula, gradient, use, not, trap"):
        render(fences.card, "formula: regression_losses.huber")


def test_a_wrong_derivation_stops_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ValueError(f"step 2 of {name} is wrong at y = 3")

    monkeypatch.setattr(chains, "checked", refuse)
    with pytest.raises(fences.SuperFencesException, match="fence 'name': step 2 of ab is wrong at y = 3"):
        render(fences.derivation, "ab")
