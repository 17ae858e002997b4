"""HTML in one place: what is not markup already is escaped, so that no bank and no reason can break a page."""

import re

from markupsafe import Markup, escape

VOID = {"input", "br"}
MARKS = re.compile(
    r"`(?P<code>[^`]+)`|\$(?P<latex>[^$]+)\$|\[(?P<label>[^\]]+)\]\((?P<page>[\w./-]+)\.md(?P<part>#[\w.-]+)?\)"
)


def tag(name: str, /, *children: str, **attributes: str | int | None) -> Markup:
    """Write one element.

    A trailing underscore frees a Python keyword; True is an attribute without a value, None and False are none.
    """
    given = [(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items()]
    written = Markup("").join(attribute(key, value) for key, value in given if value not in (None, False))
    opening = trusted(f"<{name}{written}>")
    return opening if name in VOID else opening + Markup("").join(children) + trusted(f"</{name}>")


def attribute(key: str, value: str | int | None) -> Markup:
    """Write one attribute with the space before it."""
    return Markup(" ") + key if value is True else Markup(' {}="{}"').format(key, value)


def trusted(html: str) -> Markup:
    """Take a text for markup: it was written here, or by a tool that escapes."""
    return Markup(html)  # noqa: S704 (the one door, so that every use can be found)


def maths(latex: str, *, display: bool = False) -> Markup:
    """Mark a formula as arithmatex does; the page's script hands it to KaTeX."""
    name, left, right = ("div", r"\[", r"\]") if display else ("span", r"\(", r"\)")
    return tag(name, left + latex + right, class_="arithmatex")


def prose(text: str, *, rich: bool = False) -> Markup:
    """Escape plain text and set `code` in backticks; rich text may hold $x$ and [links](to/a/page.md) too."""
    parts: list[str] = []
    end = 0
    for mark in MARKS.finditer(text):
        if rich or mark["code"]:
            parts += [escape(text[end : mark.start()]), marked(mark)]
            end = mark.end()
    return Markup("").join([*parts, escape(text[end:])])


def marked(mark: re.Match) -> Markup:
    """One piece of code, one formula, or one link to another page."""
    if mark["code"]:
        return tag("code", mark["code"])
    if mark["latex"]:
        return maths(mark["latex"])
    return tag("a", mark["label"], href=f"{mark['page']}.html{mark['part'] or ''}")


def one_line(html: str) -> str:
    """Leave no blank line: Markdown would take it for the end of the block."""
    return re.sub(r"\n\s*\n", "\n", html)
