"""Questions as Anki's notes, made by genanki. A note keeps its identity over exports, so that Anki updates it."""

import hashlib
import html
import importlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dlquiz import words
from dlquiz.export import ExportError, Left, drawn, left_out, written
from dlquiz.question import Asked
from dlquiz.schema import Question

FIELDS = ("Question", "Hints", "Answer", "Explanation", "Reference", "Id")
FRONT = "{{Question}}{{#Hints}}<details><summary>Hint</summary>{{Hints}}</details>{{/Hints}}"
BACK = '{{FrontSide}}<hr id="answer">{{Answer}}<p>{{Explanation}}</p><p class="small">{{Reference}}</p>'
STYLE = """.card { font: 18px/1.5 sans-serif; max-width: 40em; margin: 1em auto; text-align: left; }
pre { overflow-x: auto; font-size: 14px; } .small { font-size: 14px; opacity: .7; }
summary { opacity: .7; }"""
NUMBER_FROM = 1 << 30  # Anki wants numbers of its own for decks and models; ours are hashes, the same every time


def export(questions: Iterable[Question], path: Path, seed: int, draws: int) -> tuple[int, list[Left]]:
    """Write the package; how many notes are in it, and what was left out."""
    genanki = _genanki()
    model = genanki.Model(
        _number("dlquiz model 1"),
        "dlquiz",
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Question", "qfmt": FRONT, "afmt": BACK}],
        css=STYLE,
    )
    decks: dict[str, Any] = {}
    left: list[Left] = []
    for asked, n in drawn(questions, seed, draws):
        if why := left_out(asked):
            left.append(Left(asked.id, why))
            continue
        name = f"dlquiz::{asked.concept.replace('_', ' ')}"
        deck = decks.setdefault(asked.concept, genanki.Deck(_number(asked.concept), name))
        guid = genanki.guid_for("dlquiz", asked.question.first_id, *([n] if n else []))
        tags = [asked.kind, f"level-{asked.level}", *(re.sub(r"\s+", "-", tag) for tag in asked.question.tags)]
        deck.add_note(genanki.Note(model, fields(asked), guid=guid, tags=tags))
    written(path, lambda place: genanki.Package(list(decks.values())).write_to_file(str(place)))
    return sum(len(deck.notes) for deck in decks.values()), left


def fields(asked: Asked) -> list[str]:
    """The fields of one note, as HTML."""
    hints = "".join(f"<p>{marked(hint)}</p>" for hint in asked.hints)
    known = f"{words.where_to_read(asked)}. {asked.question.source}".rstrip(". ")
    return [front(asked), hints, back(asked), marked(asked.explain), marked(known), asked.id]


def front(asked: Asked) -> str:
    """What is asked, with all that is needed to answer."""
    symbols = getattr(asked.question, "symbols", {}) if asked.kind in ("formula", "stable") else {}
    told = ", ".join(f"`{name}` ({words.said(domain)})" for name, domain in symbols.items())
    parts = [f"<p>{marked(asked.text)}</p>", f"<p>In {marked(told)}.</p>" if told else ""]
    if asked.kind == "truefalse":
        parts.append("<p>True or false?</p>")
    if asked.kind == "multiple":
        parts.append("<p>All that apply:</p>")
    parts.append(listed([(option.letter, option.text) for option in asked.choices] or asked.steps))
    parts.append(numbered(asked.code) or preformatted(asked.stub))
    return "".join(parts)


def back(asked: Asked) -> str:
    """The answer, and what is said to the wrong ones."""
    if asked.kind == "code":
        return f"<p>The reference:</p>{preformatted(str(asked.key()))}"
    if asked.steps:
        texts = dict(asked.steps)
        return listed([(letter, texts[letter]) for letter in str(asked.key())])
    key = words.answer_text(asked)
    shown = f"<code>{escaped(key)}</code>" if asked.kind in ("formula", "stable") else marked(key)
    return f"<p><b>{shown}</b></p>" + listed(words.feedback(asked))


def listed(rows: Sequence[tuple[str, str]]) -> str:
    """A line for each label and text."""
    lines = (f"<div><b>{escaped(label)}</b> {marked(text)}</div>" for label, text in rows)
    return f"<p>{''.join(lines)}</p>" if rows else ""


def numbered(code: str) -> str:
    """Code with the numbers of its lines."""
    return preformatted("\n".join(f"{n:>2}  {line}" for n, line in enumerate(code.splitlines(), 1)))


def preformatted(code: str) -> str:
    """Code as it stands; nothing for none."""
    return f"<pre><code>{escaped(code)}</code></pre>" if code else ""


def marked(text: str) -> str:
    """A bank's plain text: `code` in backticks, and new lines."""
    parts = text.split("`")
    return "".join(
        f"<code>{escaped(part)}</code>" if i % 2 else escaped(part).replace("\n", "<br>")
        for i, part in enumerate(parts)
    )


def escaped(text: str) -> str:
    r"""Text that nobody takes for more: neither HTML, nor Anki's [sound:] and [latex], nor MathJax's \( and \[."""
    plain = html.escape(text).replace("[", "&#91;").replace("{{", "{<span></span>{")
    return re.sub(r"\\(?=[()\]]|&#91;)", r"\\<span></span>", plain)


def _number(name: str) -> int:
    return NUMBER_FROM + int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % NUMBER_FROM


def _genanki() -> Any:
    try:
        return importlib.import_module("genanki")
    except ImportError:
        raise ExportError("dlquiz export anki needs genanki; install it with: pip install 'dlref[anki]'") from None
