"""How a function gets from the learner's head into a text: in their editor, or line by line."""

import re
from collections.abc import Callable

from dlquiz.verdict import UnreadableError

OPENING = re.compile(r"(def|import|from|class|@|#)\b|[@#]|\w+\s*=")


def compose(line: str, draft: str, read: Callable[[str], str], edit: Callable[[str], str | None] | None) -> str:
    """The function, begun by `line`: ``e`` opens `draft` in the editor, code is read on up to a line that is a dot."""
    if line in ("e", "edit"):
        return _edited(draft, edit)
    if not OPENING.match(line):
        raise UnreadableError("type e for your editor, or the function itself: it begins with def or import")
    lines = [line]
    try:
        while (more := read("... ")).strip() != ".":
            lines.append(more)
    except EOFError:  # Ctrl-D ends the function, too
        pass
    return "\n".join(lines)


def _edited(draft: str, edit: Callable[[str], str | None] | None) -> str:
    if edit is None:
        raise UnreadableError("there is no editor here; type the function and end with a line that is a dot")
    try:
        text = edit(draft)
    except Exception as error:  # noqa: BLE001  # whatever keeps an editor from opening, the session goes on
        raise UnreadableError(f"no editor could be opened ({error}); set EDITOR, or type the function") from None
    if text is None or text.strip() == draft.strip():
        raise UnreadableError("nothing was changed in the editor")
    return text
