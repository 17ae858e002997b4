"""Lines on a terminal or in a file: how wide, with colour or without, wrapped at words.

Colour is off where the output is no terminal, where TERM is dumb and where NO_COLOR is set; FORCE_COLOR turns it on.
"""

import os
import sys
from itertools import chain, groupby, repeat

from dlquiz.places import columns
from dlquiz.text import plain

TYPE_CHECKING = False  # typing costs a start 2 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Paper:
    """Where lines go. Foreign text passes through `plain`; `code` in backticks is set off."""

    def __init__(self, out: "TextIO | None" = None, width: int | None = None, *, coloured: bool | None = None) -> None:
        self.out = sys.stdout if out is None else out
        self.width = max(columns() if width is None else width, 20)
        self.coloured = colour_wanted(self.out) if coloured is None else coloured

    def blank(self) -> None:
        self.out.write("\n")

    def line(self, text: str, style: str = "") -> None:
        """A paragraph, wrapped."""
        for part in self.wrapped(text, self.width, style):
            self.out.write(part + "\n")

    def raw(self, text: str) -> None:
        """A line of our own that is styled already and fits."""
        self.out.write(text + "\n")

    def can(self, letters: str) -> bool:
        """Whether the output knows these letters."""
        try:
            return bool(letters.encode(getattr(self.out, "encoding", None) or "utf-8"))
        except UnicodeEncodeError:
            return False

    def table(self, rows: "Iterable[tuple[str, str]]") -> None:
        """A label and a text beside it, which wraps under itself."""
        rows = [(plain(label), text) for label, text in rows]
        indent = 4 + max((cells(label) for label, _ in rows), default=0)
        for label, text in rows:
            start = self.styled(" " * (indent - 2 - cells(label)) + label + "  ", "bold")
            for part in self.wrapped(text, max(self.width - indent, 10)):
                self.out.write(f"{start}{part}".rstrip() + "\n")
                start = " " * indent

    def code(self, text: str) -> None:
        """Code as it stands, a little to the right; what is too long goes on deeper than it began."""
        for line in text.expandtabs(4).splitlines():
            body = line.lstrip()
            indent = 4 + len(line) - len(body)
            room = self.width - indent
            parts = self.wrapped(body, room if cells(body) <= room else max(room - 4, 10))
            for part, deeper in zip(parts, chain([0], repeat(4)), strict=False):
                self.out.write(f"{' ' * (indent + deeper)}{part}".rstrip() + "\n")

    def styled(self, text: str, style: str) -> str:
        """Text in a style such as ``bold red``, or as it is where there is no colour."""
        codes = ";".join(CODES.get(word, word) for word in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m" if codes and self.coloured else text

    def wrapped(self, text: str, width: int, style: str = "") -> "Iterator[str]":
        """The lines of a text, each at most `width` wide."""
        letters: list[tuple[str, str]] = []
        for i, part in enumerate(plain(text).split("`")):
            code = f"{style} cyan" if i % 2 and self.coloured else style
            letters += [(letter, code) for letter in (f"`{part}`" if i % 2 and not self.coloured else part)]
        for first, last in folds("".join(letter for letter, _ in letters), width):
            runs = groupby(letters[first:last], key=lambda pair: pair[1])
            yield "".join(self.styled("".join(letter for letter, _ in run), code) for code, run in runs)


def folds(text: str, width: int) -> "Iterator[tuple[int, int]]":
    """Where each line of a wrapped text begins and ends; a word that is too long is cut."""
    start = 0
    for paragraph in text.split("\n"):
        at, end = start, start + len(paragraph)
        while cells(text[at:end]) > width:
            room = _fitting(text, at, end, width)
            space = text.rfind(" ", at, room + 1)
            cut = space if text[at : max(space, at)].strip() else room
            yield at, cut
            at = cut
            while at < end and text[at] == " ":
                at += 1
        yield at, end
        start = end + 1


def _fitting(text: str, at: int, end: int, width: int) -> int:
    """The end of the longest piece from `at` on that fits; at least one letter."""
    room = at + 1
    while room < end and cells(text[at : room + 1]) <= width:
        room += 1
    return room


def cells(text: str) -> int:
    """How many columns a text takes; an accent that joins its letter takes none, a Chinese letter two."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(bool(unicodedata.combining(letter)) for letter in text)


def colour_wanted(out: "TextIO") -> bool:
    """Whether to colour: https://no-color.org, and https://force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM", "") not in ("", "dumb") and out.isatty()
