"""Commands typed where an answer could stand. A letter that could be an answer is none: there the word is needed."""

from dlquiz.question import Asked
from dlquiz.schema import Formula


class QuitError(Exception):
    """The learner leaves."""


class UndoError(Exception):
    """The learner takes back the answer before."""


def word(asked: Asked, name: str) -> str:
    """What to type for `quit`, `undo` or `flag`: the first letter, unless it could be an answer."""
    letters = {option.letter for option in asked.choices} | {*asked.names}
    if asked.kind == "truefalse":
        letters = {"t", "f", "y", "n"}
    elif isinstance(asked.question, Formula):  # a stable form is one
        letters = {*asked.question.symbols}
    return name if name[0] in letters else name[0]


def command(line: str, name: str, asked: Asked) -> str | None:
    """What follows the command on the line; None if the line is another."""
    first, _, rest = line.partition(" ")
    return rest.strip() if first.lower() in (word(asked, name), name) else None


def quits(line: str, asked: Asked) -> bool:
    """Whether the line is the command to leave."""
    return command(line, "quit", asked) == ""


def keys(asked: Asked) -> str:
    """The commands, in a line."""
    return f"? hint   ! skip   {word(asked, 'undo')} undo   {word(asked, 'flag')} flag   {word(asked, 'quit')} quit"
