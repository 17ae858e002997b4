"""Figures: the same bytes on every build, the page's colours, words for those who cannot see."""

import itertools
import re
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from built import ROOT
from dldocs import figure, style
from dldocs.figures import COLOURS

# Machado, Oliveira & Fernandes 2009, severity 1: what linear RGB becomes for a reader without one kind of cone.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = [[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1095, 0.8730]]  # relative to white


@pytest.fixture(autouse=True)
def own_settings():
    """A figure's style is the process's: give it back."""
    with mpl.rc_context():
        style()
        yield


def drawn(caption: str = "A line rises & falls.", size: tuple[float, float] = (5.0, 3.0)) -> str:
    fig, ax = plt.subplots(figsize=size)
    for k in range(6):
        ax.plot([0, 1, 2], [0, k, 1], label=f"<line {k}>")
    ax.fill_between([0, 1], [0, 1], alpha=0.2)
    ax.set(xlabel="x", ylabel="f(x)", title="Six")
    ax.legend()
    return figure(fig, caption)


def test_a_figure_is_the_same_on_every_build() -> None:
    assert drawn() == drawn()


def test_a_figure_takes_every_colour_from_the_page() -> None:
    text = drawn()

    assert {f"--dl-c{i}" for i in range(6)} <= set(re.findall(r"var\((--[\w-]+)\)", text))
    assert "currentColor" in text
    assert re.findall(r"(?:fill|stroke): #\w+", text) == []
    assert "<style" not in text, "it would reach the whole page"


def test_a_figure_can_be_heard() -> None:
    text = drawn()

    assert 'role="img"' in text
    assert (
        re.search(r"<title id=\"(.*?)\">Six f\(x\) against x</title>", text)[1] in text.partition("aria-labelledby")[2]
    )
    assert "&lt;line 0&gt;, &lt;line 1&gt;" in re.search(r"<desc .*?</desc>", text)[0]
    assert "<figcaption>A line rises &amp; falls.</figcaption>" in text


def test_two_figures_share_no_id() -> None:
    ids = [re.findall(r' id="([^"]+)"', drawn(caption)) for caption in ("One.", "Another.")]

    assert all(ids)
    assert not set(ids[0]) & set(ids[1])


def test_a_figure_uses_no_id_that_is_not_there() -> None:
    text = drawn()

    assert set(re.findall(r"(?:url\(#|href=\"#)([^\")]+)", text)) <= set(re.findall(r' id="([^"]+)"', text))


def test_a_figure_wider_than_a_phone_can_show_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 6 inches wide, got 8"):
        drawn(size=(8, 3))


def test_a_figure_needs_its_caption_and_its_style() -> None:
    with pytest.raises(ValueError, match="needs a caption"):
        drawn(" ")
    with mpl.rc_context(mpl.rcParamsDefault), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib's own default settings are deprecated ones
        with pytest.raises(ValueError, match=r"call dldocs\.style\(\)"):
            drawn()


def linear(colour: str) -> np.ndarray:
    share = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(np.clip(XYZ @ light, 0.008856, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def palettes() -> dict[str, tuple[list[str], str]]:
    """The six colours and the background of each scheme, as the style sheet has them."""
    sheets = (ROOT / "docs/stylesheets/theme.css").read_text().split('[data-md-color-scheme="slate"] {')
    known = [dict(re.findall(r"(--[\w-]+): (#\w{3,6});", sheet)) for sheet in sheets]
    found = {"light": known[0], "dark": known[1]}
    grounds = {"light": "#ffffff", "dark": found["dark"]["--md-default-bg-color"]}
    return {name: ([known[f"--dl-c{i}"] for i in range(6)], grounds[name]) for name, known in found.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_line_stands_out_from_the_page(scheme: str) -> None:
    colours, ground = palettes()[scheme]
    brightness = [float(linear(colour) @ XYZ[1]) + 0.05 for colour in (*colours, ground)]

    assert all(max(one, brightness[-1]) / min(one, brightness[-1]) >= 3 for one in brightness[:-1])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_lines_are_told_apart_by_every_kind_of_eye(scheme: str, sight: str) -> None:
    seen = [lab(np.clip(SIGHT[sight] @ linear(colour), 0, 1)) for colour in palettes()[scheme][0]]

    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 20


def test_the_style_draws_in_the_colours_of_the_light_page() -> None:
    assert palettes()["light"][0] == COLOURS
