"""Anki's package: read as its documented schema says, and by Anki itself where it is installed."""

import html
import importlib.util
import json
import re
import sqlite3
import subprocess
import sys
import zipfile

import pytest
from msgspec.structs import replace

from dlquiz import bank
from dlquiz.export import anki
from dlquiz.params import show
from dlquiz.question import draw
from dlquiz.schema import Number

from .conftest import EXAMPLE
from .test_cli import dlquiz

CODE = EXAMPLE.with_name("code.yml")
QUESTIONS = bank.read(EXAMPLE) + bank.read(CODE)
SHIPPED = [question for question in bank.read_all() if not question.retired]
UNSAFE = r"<b>&amp; </script> {{Answer}} {{c1::x}} [sound:x.mp3] [latex]x[/latex] [$]x[/$] \(x\) \[x\] `<i>` ]]> é ≤"
IDS = {"ids": lambda question: question.id}


# -- Anki


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """The collection in a package of every question we have, as SQLite."""
    place = tmp_path_factory.mktemp("anki")
    count, left = anki.export([*QUESTIONS, *SHIPPED], place / "all.apkg", 0, 1)
    assert (count, left) == (len(QUESTIONS) + len(SHIPPED), [])
    with zipfile.ZipFile(place / "all.apkg") as package:
        package.extract("collection.anki2", place)
        assert json.loads(package.read("media")) == {}
    database = sqlite3.connect(place / "collection.anki2")
    database.row_factory = sqlite3.Row
    yield database
    database.close()


def test_the_collection_is_what_ankis_schema_11_says(collection):
    assert collection.execute("pragma integrity_check").fetchone()[0] == "ok"
    (head,) = collection.execute("select * from col")
    assert head["ver"] == 11
    (model,) = json.loads(head["models"]).values()
    assert [field["name"] for field in model["flds"]] == [*anki.FIELDS]
    decks = {deck["name"] for deck in json.loads(head["decks"]).values()}
    assert {"dlquiz::example losses", "dlquiz::regression losses"} <= decks
    notes = collection.execute("select * from notes").fetchall()
    cards = collection.execute("select * from cards").fetchall()
    assert len(notes) == len(cards) == len(QUESTIONS) + len(SHIPPED)
    assert {card["nid"] for card in cards} == {note["id"] for note in notes}
    assert {note["mid"] for note in notes} == {int(model["id"])}
    assert {card["did"] for card in cards} <= {int(key) for key in json.loads(head["decks"])}
    assert len({note["guid"] for note in notes}) == len(notes)


def test_every_note_has_the_question_the_key_and_the_explanation(collection):
    notes = {
        row["flds"].split("\x1f")[-1]: row["flds"].split("\x1f") for row in collection.execute("select * from notes")
    }
    for question in [*QUESTIONS, *SHIPPED]:
        asked = draw(question, 0)
        front, hints, back, explain, reference, _ = notes[question.id]

        assert anki.marked(asked.text) in front
        assert all(anki.marked(hint) in hints for hint in asked.hints)
        assert all(anki.marked(option.text) in front for option in asked.choices)
        assert all(anki.marked(option.text) in back for option in asked.choices if option.correct)
        assert anki.marked(asked.explain) == explain
        assert question.ref.partition(".")[2] in reference
        if question.kind in ("formula", "stable", "code"):
            assert anki.escaped(str(asked.key())) in back
        if isinstance(question, Number):
            assert show(asked.key(), 6) in back


@pytest.mark.skipif(
    importlib.util.find_spec("anki") is None, reason="Anki's own library is not installed: dlref[readers]"
)
def test_anki_itself_imports_every_note_and_updates_it_the_next_time(tmp_path):
    """In a process of its own: the library installs hooks for all imports."""
    program = """
import sys
from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest
collection = Collection(sys.argv[1])
for package in sys.argv[2:]:
    request = ImportAnkiPackageRequest(package_path=package, options=ImportAnkiPackageOptions())
    log = collection.import_anki_package(request).log
    print(len(log.new), len(log.updated) + len(log.duplicate), collection.card_count())
print(collection.fix_integrity()[1])
cards = [collection.get_card(card) for card in collection.find_cards("")]
assert all(card.question() and len(card.answer()) > len(card.question()) for card in cards)
(unsafe,) = (card.answer() for card in cards if "é ≤" in card.answer())
print(unsafe)
"""
    unsafe = replace(QUESTIONS[0], text=UNSAFE, explain=UNSAFE, id="unsafe")
    paths = [tmp_path / "first.apkg", tmp_path / "second.apkg"]
    for path in paths:
        anki.export([*QUESTIONS, unsafe], path, 0, 1)

    command = [sys.executable, "-c", program, tmp_path / "collection.anki2", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    count = len(QUESTIONS) + 1
    first, second, sound, *shown = done.stdout.splitlines()
    assert first == f"{count} 0 {count}"
    assert second == f"0 {count} {count}"
    assert sound == "True"
    assert not re.search(r"<script|<b>&|\[sound|\[anki:play|\[latex\]|\[\$\]|\\\(|<anki-mathjax", "".join(shown))


def test_text_is_text(tmp_path):
    shown = anki.marked(UNSAFE)

    assert "<b>" not in shown
    assert "{{" not in shown
    assert not re.search(r"\\[(\[&]|\[(sound|latex|\$)", shown)
    assert "<code>&lt;i&gt;</code>" in shown
    assert html.unescape(re.sub(r"</?(span|code)>", "", shown)) == UNSAFE.replace("`", "")


def test_a_note_is_the_same_note_when_it_is_exported_again_or_renamed(tmp_path):
    number = next(question for question in QUESTIONS if isinstance(question, Number))

    def guids(*questions, draws=1):
        anki.export(questions, tmp_path / "one.apkg", 0, draws)
        with zipfile.ZipFile(tmp_path / "one.apkg") as package:
            package.extract("collection.anki2", tmp_path)
        with sqlite3.connect(tmp_path / "collection.anki2") as database:
            return [row[0] for row in database.execute("select guid from notes order by id")]

    (one,) = guids(number)
    assert guids(replace(number, text="Reworded?", id="new-id", was=[number.id])) == [one]
    three = guids(number, draws=3)
    assert three[0] == one
    assert len({*three}) == 3


def test_without_genanki_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "genanki", None)

    done = dlquiz("export", "anki", "-o", str(tmp_path / "x.apkg"))

    assert done.returncode == 2
    assert done.stderr == "dlquiz export anki needs genanki; install it with: pip install 'dlref[anki]'\n"
    assert not (tmp_path / "x.apkg").exists()
