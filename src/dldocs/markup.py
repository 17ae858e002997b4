"""HTML in one place: what is not markup already is escaped, so that no bank and no reason can break a page."""

import re

from markupsafe import Markup, escape

VOID = {"input", "br"}
MARKS = re.compile(r"`([^`]+)`|\$([^$]+)\$")


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Write one element; a trailing underscore frees a Python keyword, `True` is a bare attribute, `None` no attribute."""
    written = "".join(attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    opening = Markup(f"<{name}{written}>")
    return opening if name in VOID else opening + Markup("").join(children) + Markup(f"</{name}>")


def attribute(key: str, value: object) -> Markup:
    """Write one attribute with the space before it."""
    name = key.rstrip("_").replace("_", "-")
    return Markup(" ") + name if value is True else Markup(f' {name}="{escape(value)}"')


def maths(latex: str, *, display: bool = False) -> Markup:
    """Mark a formula as arithmatex does; the page's script hands it to KaTeX."""
    name, left, right = ("div", r"\[", r"\]") if display else ("span", r"\(", r"\)")
    return tag(name, left + latex + right, class_="arithmatex")


def prose(text: str, *, symbols: bool = False) -> Markup:
    """Escape plain text; `code` in backticks is set as code and, where asked for, $x$ as a formula."""
    parts, end = [], 0
    for mark in MARKS.finditer(text):
        code, latex = mark.groups()
        if latex and not symbols:
            continue
        parts += [escape(text[end : mark.start()]), tag("code", code) if code else maths(latex)]
        end = mark.end()
    return Markup("").join([*parts, escape(text[end:])])


def one_line(html: Markup) -> Markup:
    """Leave no line for Markdown to read: a blank line would end the block."""
    return Markup(re.sub(r"\n\s*\n", "\n", html))
