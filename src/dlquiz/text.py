"""Text on its way to a terminal or out of a file: what may not be in it."""

import re
from collections.abc import Iterable

# C0 and C1 controls except tab and newline, zero-width and bidirectional marks: none has a place in a question, and
# each can make a terminal show something other than what was written.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def plain(text: object) -> str:
    """Any text, from whatever source, made safe to print: control characters become visible escapes."""
    return CONTROL.sub(
        lambda match: f"\\u{ord(match[0]):04x}" if ord(match[0]) > 0xFF else f"\\x{ord(match[0]):02x}", str(text)
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` when something known is close to `word`, else nothing."""
    import difflib

    close = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
