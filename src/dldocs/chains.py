"""Derivations as HTML: nothing is shown that was not checked while the page was built."""

import functools
from typing import TYPE_CHECKING

import sympy
from markupsafe import Markup

from dldocs.markup import maths, prose, tag

if TYPE_CHECKING:
    from dlref.derivations import Derivation

LONG = 6  # rows; a longer chain is folded, so that one can read past it
SHORT = 60  # characters of LaTeX; a left-hand side as short as this stands beside the first line, where there is room
MEANING = {
    "exact, all n": "Every line follows from the one before it for every size n, as an identity of symbols.",
    "exact, all n, by induction": "The first case holds, and each next one follows from the one before it.",
    "exact for": "Every line follows from the one before it, as an identity of symbols, for the sizes named.",
    "exact on open cells": "Every line follows from the one before it, as an identity of symbols, beside the kinks.",
    "exact": "Every line follows from the one before it, as an identity of symbols.",
    "numeric": "The two sides of every step agree at the points counted. That is evidence, not a proof.",
    "grid": "The two sides of every step agree on a whole grid of whole numbers. That is evidence, not a proof.",
    "prose": "At least one step rests on its reason alone: no machine has checked that argument.",
}


@functools.cache
def checked(name: str) -> "Derivation":
    """Load one derivation and check it, once in a build, and again only when something under it has changed."""
    from dldocs.verdicts import verified
    from dlref.derivations import load

    return verified(load(name))


def short(name: str) -> Markup:
    """What a derivation states, as one formula without its badge."""
    return tag("div", maths(r"\displaystyle " + checked(name).statement()), class_="dl-scroll")


def statement(derivation: "Derivation") -> Markup:
    """What a derivation states, with the level that the check reached."""
    formula = tag("div", maths(derivation.statement(), display=True), class_="dl-scroll")
    return tag("div", formula, badge(derivation), class_="dl-formula")


def chain(name: str) -> Markup:
    """Every line of a derivation with its reason; a long one is folded below what it states."""
    derivation = checked(name)
    rows = derivation.rows()
    lines = tag("ol", *laid_out(rows), class_="dl-rows")
    if len(rows) > LONG:
        opener = tag("summary", f"Show the {len(rows) - 1} steps")
        lines = tag("div", short(name), class_="dl-result") + tag("details", opener, lines, class_="dl-fold")
    title = tag("p", prose(derivation.title, rich=True), class_="dl-title")
    parts = (title, lines, explained(derivation.notes()), badge(derivation))
    return tag("section", *parts, class_="dl-derivation", aria_label=f"Derivation: {derivation.title}")


def laid_out(rows: list[tuple[str, str, str]]) -> list[Markup]:
    """One list item a line: how it relates to the line before, the line itself, and why."""
    (_, start, _), *steps = rows
    left = tag("span", maths(r"\displaystyle " + start), class_="dl-scroll dl-left")
    if len(start) > SHORT:
        return [tag("li", left), *(tag("li", step(*one)) for one in steps)]
    first, *others = steps
    return [tag("li", left, step(*first)), *(tag("li", step(*one)) for one in others)]


def step(relation: str, latex: str, reason: str) -> Markup:
    """The three cells of a step."""
    formula = tag("span", maths(r"\displaystyle " + latex), class_="dl-scroll")
    why = tag("span", prose(reason, rich=True), class_="dl-reason")
    return tag("span", maths(relation), class_="dl-relation") + formula + why


def badge(derivation: "Derivation") -> Markup:
    """The level reached and what it rests on, in words on demand."""
    prefix = max((key for key in MEANING if derivation.level.startswith(key)), key=len, default="")
    if not prefix:
        raise ValueError(f"no words for the level {derivation.level!r}; chains.MEANING has them")
    what = f"{MEANING[prefix]} Checked with sympy {sympy.__version__} when this page was built"
    how = ", and a second time at 40 digits by a route that shares no code with the first"
    rests = Markup("").join(condition(*part) for part in derivation.rests_on())
    summary = tag("summary", tag("span", "✓ ", aria_hidden="true"), derivation.level, rests)
    return tag(
        "details", summary, tag("p", f"{what}{how}. Its name is ", tag("code", derivation.name), "."), class_="dl-badge"
    )


def condition(before: str, formula: str, after: str) -> Markup:
    """What a verdict rests on: a kink, a pole, or where a symbol lives."""
    return Markup("; ") + f"{before} ".lstrip() + maths(formula.replace("...", r"\dots")) + f" {after}".rstrip()


def explained(notes: list[str]) -> Markup:
    """What the names of a chain stand for."""
    where = [tag("li", "where ", maths(r"\displaystyle " + note)) for note in notes]
    return tag("ul", *where, class_="dl-where") if where else Markup()
