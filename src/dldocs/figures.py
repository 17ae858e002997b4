"""Figures as inline SVG that take their colours from the page, in light and in dark."""

import hashlib
import io
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from dldocs.markup import one_line, prose, tag, trusted

PAGE = mpl.rc_params_from_file(Path(__file__).with_name("page.mplstyle"), use_default_template=False)
COLOURS = [f"#{step['color'].lstrip('#').lower()}" for step in PAGE["axes.prop_cycle"]]
NEUTRAL = {"#000000": "currentColor", "#cccccc": "var(--dl-grid)", "#ffffff": "var(--md-default-bg-color)"}
NAMED = NEUTRAL | {colour: f"var(--dl-c{i})" for i, colour in enumerate(COLOURS)}
WIDEST = 6.0  # inches; on a phone a wider figure has text that cannot be read


def style() -> None:
    """Draw what follows in the style of the page."""
    mpl.use("agg")
    mpl.rcParams.update(PAGE)


def figure(fig: Figure, caption: str) -> str:
    """Return the figure as themed SVG with its caption, the same bytes on every build."""
    width = fig.get_size_inches()[0]
    if mpl.rcParams["axes.prop_cycle"] != PAGE["axes.prop_cycle"]:
        raise ValueError("the page's style is not in force; call dldocs.style() before you make the figure")
    if width > WIDEST:
        raise ValueError(f"a figure is at most {WIDEST:g} inches wide, got {width:g}; put its panels below each other")
    if not caption.strip():
        raise ValueError("a figure needs a caption that says what is seen")
    name = "dl-" + hashlib.sha256(caption.encode()).hexdigest()[:8]
    drawing = trusted(svg(fig, name))
    return one_line(tag("figure", drawing, tag("figcaption", prose(caption, rich=True)), class_="dl-figure"))


def described(fig: Figure, name: str) -> str:
    """Open the SVG ({} for what matplotlib adds) with the names of axes and lines, for those who cannot see them."""
    panels = [ax for ax in fig.axes if ax.get_xlabel() or ax.get_ylabel()]
    title = "; ".join(f"{ax.get_title('left')} {ax.get_ylabel()} against {ax.get_xlabel()}".strip() for ax in panels)
    labels = [text for ax in fig.axes for text in ax.get_legend_handles_labels()[1]]
    named = tag("title", title or "Figure", id=f"{name}-title")
    shown = tag("desc", "Shown: " + ", ".join(dict.fromkeys(labels)), id=f"{name}-desc") if labels else ""
    refers = f'aria-labelledby="{name}-title"' + (f' aria-describedby="{name}-desc"' if labels else "")
    return f'<svg class="dl-plot" role="img" {refers}{{}}>{named}{shown}'


def svg(fig: Figure, name: str) -> str:
    """Draw, then trade fixed colours and ids for the page's colours and this figure's ids."""
    buffer, opening = io.StringIO(), described(fig, name)
    with mpl.rc_context({"svg.hashsalt": name}):
        fig.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(fig)
    text = buffer.getvalue().partition("<svg")[2]
    # matplotlib's own style sheet would reach every element of the page: stylesheets/page.css says the same of plots
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", text, flags=re.DOTALL)
    attributes, drawing = text.split(">", 1)
    text = opening.replace("{}", attributes, 1) + drawing
    return re.sub(r"#[0-9a-f]{6}\b", lambda hit: NAMED.get(hit[0], hit[0]), keep_used_ids(text, name))


def keep_used_ids(text: str, name: str) -> str:
    """Two figures on a page may not share an id, so those in use get the figure's name and the others go."""
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))

    def rename(found: re.Match) -> str:
        if found[1].startswith(name):
            return found[0]
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    return re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", re.sub(r' id="([^"]+)"', rename, text))
