"""Progress as a file to carry: JSON, the same from the terminal and from the site. What comes in is not trusted."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from dlquiz.failures import QuizError
from dlquiz.parts import ID, IN_WORDS, Id
from dlquiz.store.rows import LATEST_US, LONGEST, Answer, Flag
from dlquiz.text import CONTROL, plain

LARGEST = 64 * 2**20  # bytes: some 300,000 answers
Whole = Annotated[int, Meta(ge=0, le=LATEST_US)]
Typed = Annotated[str, Meta(max_length=LONGEST)]


class ExchangeError(QuizError, ValueError):
    """A file that holds no progress, or progress that nobody can have made."""

    code = 2


class _AnswerRow(Struct, forbid_unknown_fields=True):
    question: Id
    at_us: Whole
    grade: Annotated[int, Meta(ge=1, le=4)]
    correct: bool
    answer: Typed
    seed: Annotated[int, Meta(ge=-LATEST_US, le=LATEST_US)]
    hints: Annotated[int, Meta(ge=0, le=1000)]
    took_ms: Whole
    key_sha: Annotated[str, Meta(pattern="^[0-9A-Za-z]{0,64}$")]
    undone: bool = False


class _FlagRow(Struct, forbid_unknown_fields=True):
    question: Id
    at_us: Whole
    note: Typed = ""
    raised: bool = True


class _File(Struct, forbid_unknown_fields=True):
    dlquiz: Literal["progress"]
    version: Literal[1]
    answers: list[_AnswerRow]
    flags: list[_FlagRow] = []


def dump(answers: Iterable[Answer], flags: Iterable[Flag]) -> str:
    """The exchange file, one answer a line, in letters that every terminal and pipe passes on unchanged."""
    lists = [",\n".join(json.dumps(row._asdict()) for row in rows) for rows in (answers, flags)]
    return '{{"dlquiz": "progress", "version": 1,\n"answers": [\n{}\n],\n"flags": [\n{}\n]}}\n'.format(*lists)


def write(path: Path, text: str) -> None:
    """Put the whole text under the name, or leave what is there."""
    half = path.with_name(f".{path.name}.tmp")
    try:
        half.write_text(text, encoding="utf-8", newline="\n")
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise ExchangeError(f"{plain(path)}: cannot be written ({error.strerror})") from None


def load(path: Path, first_ids: Mapping[str, str]) -> tuple[list[Answer], list[Flag]]:
    """What an exchange file holds; `first_ids` gives the name that each question's progress is kept under."""
    name = plain(path)
    file = _parsed(_bytes(path, name), name)
    for kind in ("answers", "flags"):
        for spot, row in enumerate(getattr(file, kind)):
            field = "answer" if kind == "answers" else "note"
            if found := CONTROL.search(getattr(row, field)):
                raise ExchangeError(f"{name}: {kind}[{spot}].{field} holds the control character {plain(found[0])}")
    answers = [Answer(**msgspec.structs.asdict(row)) for row in file.answers]
    flags = [Flag(**msgspec.structs.asdict(row)) for row in file.flags]
    kept = first_ids.get
    return (
        [one._replace(question=kept(one.question, one.question)) for one in answers],
        [one._replace(question=kept(one.question, one.question)) for one in flags],
    )


def _bytes(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ExchangeError(f"{name}: cannot be read ({error.strerror})") from None
    if len(data) > LARGEST:
        raise ExchangeError(f"{name}: larger than {LARGEST // 2**20} MiB, so it is no progress of one person")
    return data


def _parsed(data: bytes, name: str) -> _File:
    try:
        data.decode()
        return msgspec.json.decode(data, type=_File)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        message = str(error).replace(f"`str` matching regex {ID!r}", "an id").replace("`", "")
        hint = f" ({IN_WORDS[ID]})" if "an id" in message else ""
        raise ExchangeError(f"{name}: no progress file of dlquiz: {plain(message)}{hint}") from None
