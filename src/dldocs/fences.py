"""The fences that a page may use: card, formula, derivation, claim, checks and quiz.

Each is a formatter of pymdownx.superfences, so that it needs no MkDocs plugin. Superfences swallows every
exception but its own: `loud` turns an error into that one, and the build stops.
"""

import functools
from collections.abc import Callable

import yaml
from markupsafe import Markup
from pymdownx.superfences import SuperFencesException

from dldocs import chains
from dldocs.markup import one_line, prose, tag

PARTS = {"formula": "Formula", "gradient": "Gradient", "use": "Use it when", "not": "Not when", "trap": "The trap"}


def loud(fence: Callable[[str], Markup]) -> Callable[..., str]:
    """Make a fence of a function of its text, and name fence and page when it fails."""

    @functools.wraps(fence)
    def run(source: str, language: str, _css: str, _options: dict, md: object, **_rest: object) -> str:
        try:
            return one_line(fence(source))
        except Exception as error:
            raise SuperFencesException(f"{page_of(md)}: fence {language!r}: {error}\n{source}") from error

    return run


def page_of(md: object) -> str:
    """The page that is being read; MkDocs leaves it with the processor that resolves its links."""
    try:
        return md.treeprocessors["relpath"].file.src_uri  # pyright: ignore[reportAttributeAccessIssue] (MkDocs' own)
    except (AttributeError, KeyError):
        return "unknown page"


@loud
def formula(source: str) -> Markup:
    """Show what a verified derivation states: its left-hand side and its last line."""
    return chains.statement(chains.checked(source.strip()))


@loud
def derivation(source: str) -> Markup:
    """Show a verified derivation line by line, each with its reason."""
    return chains.chain(source.strip())


@loud
def claim(source: str) -> Markup:
    """Check a one-line identity, then typeset it."""
    from dldocs.claims import claim as checked_claim

    return chains.statement(checked_claim(source))


@loud
def checks(_source: str) -> Markup:
    """Show every derivation with its level and the time that its check took."""
    from dldocs.checks import table

    return table()


@loud
def card(source: str) -> Markup:
    """Show the page in five lines: formula, gradient, when to use it, when not, and the trap."""
    parts = yaml.safe_load(source)
    if not isinstance(parts, dict) or set(parts) != set(PARTS):
        raise ValueError(f"a card has the keys {', '.join(PARTS)}, and this one has {', '.join(parts or [])}")
    rows = [tag("dt", PARTS[key]) + tag("dd", card_part(key, parts[key])) for key in PARTS]
    return tag("dl", *rows, class_="dl-card")


def card_part(key: str, value: str | list[str]) -> Markup:
    """A formula is named, never written: it comes from its derivation."""
    if key not in ("formula", "gradient"):
        return prose(str(value), rich=True)
    names = [value] if isinstance(value, str) else value
    return Markup("").join(chains.short(name) for name in names)


@loud
def quiz(source: str) -> Markup:
    """Show every question of a concept, with what the page needs to grade the answers."""
    from dldocs.quiz import quiz as questions

    return questions(source.strip())
