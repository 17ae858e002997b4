"""A concept's questions as forms; the numbers are drawn and the keys computed while the page is built."""

import json
from typing import Any

from markupsafe import Markup

from dldocs.answers import KINDS
from dldocs.markup import prose, tag, trusted
from dlquiz import bank
from dlquiz.question import Asked, draw, fingerprint

SEED = 0  # the page is the same on every build; the terminal draws afresh


def quiz(concept: str) -> Markup:
    """Every question of a concept that is still asked, easy ones first."""
    asked = [draw(question, SEED) for question in bank.read(concept) if not question.retired]
    if not asked:
        raise ValueError(f"the bank of {concept!r} has no question")
    forms = [tag("li", form(one)) for one in sorted(asked, key=lambda one: one.level)]
    head = tag("div", class_="dl-quiz-head", hidden=True)
    label = f"Quiz: {concept.replace('_', ' ')}"
    # a section, because the search index leaves out only that; a result may not give an answer away
    return tag(
        "section",
        head,
        tag("ol", *forms, class_="dl-questions"),
        elsewhere(concept),
        class_="dl-quiz",
        data_concept=concept,
        data_search_exclude=True,
        aria_label=label,
    )


def form(asked: Asked) -> Markup:
    """One question: what is asked, where to answer, and the answer folded away."""
    kind = KINDS[asked.kind]
    name = f"quiz-{asked.id}"
    meta = tag("p", f"Level {asked.level} · {kind.order}", class_="dl-meta")
    legend = tag("legend", prose(asked.text), tabindex="-1")
    body = tag("fieldset", legend, kind.fields(asked, name))
    check = tag("button", "Check", type="submit", class_="dl-button dl-button--main", hidden=True)
    check = "" if asked.kind == "code" else check
    hint = tag("button", "Hint", type="button", class_="dl-button dl-ask-hint", hidden=True) if asked.hints else ""
    show = tag("button", "Show the answer", type="button", class_="dl-button dl-give-up", hidden=True)
    return tag(
        "form",
        meta,
        body,
        tag("p", check, hint, show, class_="dl-actions"),
        tag("div", class_="dl-feedback", role="status"),
        answer(asked),
        data(asked),
        class_="dl-question",
        id=name,
        data_kind=asked.kind,
        data_level=asked.level,
        novalidate=True,
    )


def answer(asked: Asked) -> Markup:
    """The key, why it is the key, and where to read on; a reader without JavaScript opens it by hand."""
    concept, _, function = asked.ref.partition(".")
    name, source = tag("code", function), asked.question.source
    link = tag("a", name, href=f"#dlref.{asked.ref}") if concept == asked.concept else tag("code", asked.ref)
    return tag(
        "details",
        tag("summary", "Answer"),
        tag("div", KINDS[asked.kind].key(asked), class_="dl-key"),
        tag("p", prose(asked.explain)),
        tag(
            "p",
            "Read on: ",
            link,
            f". Source: {source}" if source else "",
            class_="dl-ref",
        ),
        class_="dl-answer",
    )


def known(asked: Asked) -> dict[str, Any]:
    """What the page needs to grade an answer and to keep it: by which name, and against which key."""
    kept = {"question": asked.question.first_id, "seed": asked.seed, "key_sha": fingerprint(asked.question)}
    return {"id": asked.id, "kind": asked.kind, "hints": asked.hints, **kept, **KINDS[asked.kind].data(asked)}


def data(asked: Asked) -> Markup:
    """The same for the page's scripts to read; no "<" is left in it that could end the script."""
    written = json.dumps(known(asked), allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")
    return tag("script", trusted(written), type="application/json")


def elsewhere(concept: str) -> Markup:
    """Where the same questions come back with new numbers."""
    command = tag("code", f"dlquiz review {concept}")
    return tag(
        "p",
        "In the terminal, ",
        command,
        " asks these with new numbers and brings each back when it is due.",
        class_="dl-more",
    )
