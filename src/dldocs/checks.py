"""The page of all checks: every derivation, how far its check reached, and how long it took."""

from itertools import groupby

from markupsafe import Markup

from dldocs import verdicts
from dldocs.chains import checked
from dldocs.markup import tag
from dlref.derivations import names

HEAD = ("What is shown", "Level", "Seconds")


def table() -> Markup:
    """One table to a concept; each row links to the derivation's page."""
    groups = groupby(names(), key=lambda name: name.partition(".")[0])
    return Markup("").join(concept(stem, list(topics)) for stem, topics in groups)


def concept(stem: str, topics: list[str]) -> Markup:
    """The derivations of one concept; the times are those of the last check, which may be an earlier build's."""
    title = stem.replace("_", " ").capitalize()
    head = tag("tr", *(tag("th", part, scope="col") for part in HEAD))
    rows = [row(name) for name in topics]
    caption = tag("caption", tag("a", title, href=f"concepts/{stem}.html"), f": {len(rows)} derivations")
    return tag("table", caption, tag("thead", head), tag("tbody", *rows))


def row(name: str) -> Markup:
    """Title, level, and the seconds of processor time that the check took."""
    derivation = checked(name)
    seconds = f"{verdicts.seconds(name):.2f}"
    return tag("tr", tag("td", derivation.title), tag("td", derivation.level), tag("td", seconds))
