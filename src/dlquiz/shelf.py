"""The questions of every bank, ready to use. Reading 500 from YAML takes 150 ms, from the copy kept of them 5."""

from dlquiz.kept import of_banks

TYPE_CHECKING = False  # typing and collections cost a start 3 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from dlquiz.schema import Question


def rows(*, retired: bool = False) -> "list[dict[str, Any]]":
    """One row of facts for each question that is still asked, or for every one: no answer and no text."""
    import json

    found = json.loads(of_banks("rows", _rows))
    return [row for row in found if retired or not row["retired"]]


def questions(wanted: "Iterable[Mapping[str, Any]] | None" = None) -> "list[Question]":
    """The questions of these rows, and no others are read; every question, the retired ones too, for no rows."""
    import msgspec

    from dlquiz.schema import KINDS

    lines = of_banks("questions", _questions).split(b"\n")
    wanted = rows(retired=True) if wanted is None else wanted
    return [msgspec.json.decode(lines[row["line"]], type=KINDS[row["kind"]]) for row in wanted]


def concepts(known: "Iterable[str]", words: "Iterable[str]") -> list[str]:
    """The concepts that bear one of the words, as ``regression_losses`` bears ``losses``; all of them for no word."""
    known = list(dict.fromkeys(known))
    chosen: list[str] = []
    for word in words:
        wanted = word.strip().lower().replace("-", "_").replace(" ", "_")
        found = [concept for concept in known if f"_{wanted}_" in f"_{concept}_"]
        if not found:
            parts = {part for concept in known for part in (concept, *concept.split("_"))}
            raise _unknown("concept bears the word", word, wanted, parts)
        chosen += found
    return list(dict.fromkeys(chosen)) or known


def find(id_: str) -> "Question":
    """The question with this id, or with this former id."""
    import msgspec

    known = msgspec.json.decode(of_banks("rows", _rows))  # a question takes msgspec anyway
    for row in known:
        if id_ == row["id"] or id_ in row["was"]:
            return questions([row])[0]
    raise _unknown("question", id_, id_, [row["id"] for row in known])


def _unknown(what: str, typed: str, wanted: str, known: "Iterable[str]") -> Exception:
    from dlquiz.failures import UnknownError
    from dlquiz.text import nearest, plain

    return UnknownError(f"no {what} {plain(typed)!r}{nearest(wanted, known)}; `dlquiz list` shows them")


def _questions() -> bytes:
    """A question a line, so that one can be read without the others."""
    import msgspec

    from dlquiz import bank

    return b"\n".join(map(msgspec.json.encode, bank.read_all()))


def _rows() -> bytes:
    import json

    from dlquiz import bank
    from dlquiz.data import row
    from dlquiz.question import fingerprint

    return json.dumps(
        [
            {
                **row(question),
                "first_id": question.first_id,
                "was": question.was,
                "retired": question.retired,
                "key_sha": fingerprint(question),
                "line": line,
            }
            for line, question in enumerate(bank.read_all())
        ]
    ).encode()
