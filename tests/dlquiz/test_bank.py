import textwrap

import pytest

from dlquiz import bank, shelf
from dlquiz.failures import BankError, UnknownError
from dlquiz.schema import KINDS

from .conftest import EXAMPLE

HEAD = "format: 1\nconcept: some_losses\nquestions:\n"
GOOD = """
- id: first-one
  kind: single
  ref: regression_losses.huber
  level: 1
  text: "Which?"
  choices:
    - {text: "this", correct: true, why: "so"}
    - {text: "that", correct: false, why: "not so"}
  explain: "Because."
  source: "A book, page 3"
"""
# What is changed in the good question, and what is said about it, with its line and column.
FAULTS = {
    "no id": ("- id: first-one\n  kind", "- kind", "5:5: ?: Object missing required field `id`"),
    "bad id": ("first-one", "First One", "5:9: First One: an id is 3 to 60 lower-case letters"),
    "unknown kind": ("single", "singel", "6:11: first-one: unknown kind 'singel'; did you mean 'single'?"),
    "no kind": ("  kind: single\n", "", "first-one: a question needs a kind"),
    "misspelt field": ("explain", "explian", "13:14: first-one: unknown field 'explian'"),
    "level": ("level: 1", "level: 4", "8:12: first-one: Invalid enum value 4"),
    "no bool": ("correct: true", "correct: yes", "11:33: first-one: Expected `bool`, got `str`; write true or false"),
    "empty text": ('"Which?"', '""', "9:11: first-one: Expected `str` of length >= 1"),
    "no why": (', why: "so"', "", "11:9: first-one: Object missing required field `why`"),
    "two right": ("correct: false", "correct: true", "exactly one correct choice, this one 2"),
    "same choices": ('"that"', '"This"', "two choices read the same"),
    "code": ("regression_losses.huber", "os.system('x')", "7:10: first-one: a function is named concept.function"),
    "concept twice": ("level: 1", "level: 1\n  concept: a", "the concept stands once"),
    "no mapping": ("level: 1", "level: [1]", "8:12: first-one:"),
}


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "bank.yml"
        path.write_text(text)
        return bank.load(path)

    return load


def body(text=GOOD):
    return HEAD + textwrap.indent(text, "  ")


def test_a_good_bank_loads(load):
    loaded = load(body())

    assert not loaded.errors
    assert [question.id for question in loaded.questions] == ["first-one"]
    assert loaded.questions[0].concept == "some_losses"
    assert loaded.questions[0].kind == "single"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_with_its_place(load, name):
    old, new, said = FAULTS[name]
    assert old in GOOD

    loaded = load(body(GOOD.replace(old, new)))

    assert len(loaded.errors) == 1
    assert said in loaded.errors[0]
    assert "bank.yml:" in loaded.errors[0]


def test_every_broken_question_is_reported_and_the_others_are_kept(load):
    broken = GOOD.replace("single", "singel").replace("first-one", "second-one")
    worse = GOOD.replace("level: 1", "level: one").replace("first-one", "third-one")

    loaded = load(body(GOOD + broken + worse + GOOD.replace("first", "last")))

    assert [question.id for question in loaded.questions] == ["first-one", "last-one"]
    assert [line.split(": ")[1] for line in loaded.errors] == ["second-one", "third-one"]


def test_an_id_is_used_once(load):
    loaded = load(body(GOOD + GOOD))

    assert len(loaded.errors) == 1
    assert ":16:9: first-one: this id is used twice (first on line 5)" in loaded.errors[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "1:1: a bank has the keys format, concept and questions"),
        ("format: 1\n", "1:1: a bank has the keys"),
        ("format: 2\nconcept: ab\nquestions: []\n", "1:9: format must be 1, got 2"),
        ("format: 1\nconcept: Über\nquestions: []\n", "2:10: concept must be a lower-case name"),
        ("format: 1\nconcept: ab\nquestions: []\nmore: 1\n", "4:7: unknown key 'more'"),
    ],
)
def test_a_file_that_is_no_bank_is_refused(load, text, said):
    with pytest.raises(BankError) as refused:
        load(text)

    assert said in str(refused.value)


@pytest.mark.parametrize("after", ["{b: [a], a: [b]}", "{b: [c]}", "{z: [a]}", "{}"])
def test_an_order_needs_a_possible_one(load, after):
    steps = f"steps: {{a: one, b: two}}\n  after: {after}"
    order = GOOD.replace("kind: single", "kind: order")
    order = order[: order.index("  choices")] + f"  {steps}\n" + order[order.index("  explain") :]

    assert len(load(body(order)).errors) == 1
    assert not load(body(order.replace(after, "{b: [a]}"))).errors


def test_the_example_has_every_kind(questions):
    assert {question.kind for question in questions.values()} == KINDS.keys() - {"code"}  # code.yml has those


def test_a_word_matches_every_concept_that_bears_it(questions):
    known = ["regression_losses", "classification_losses", "glosses", "pca"]

    assert shelf.concepts(known, ["losses"]) == ["regression_losses", "classification_losses"]
    assert shelf.concepts(known, ["regression-losses", "pca"]) == ["regression_losses", "pca"]
    assert shelf.concepts(known, []) == ["regression_losses", "classification_losses", "glosses", "pca"]
    with pytest.raises(UnknownError, match=r"no concept bears the word 'loses'; did you mean 'losses'\?"):
        shelf.concepts(known, ["loses"])


def test_a_question_is_found_by_its_id_and_its_former_id(monkeypatch, tmp_path):
    path = tmp_path / "bank.yml"
    was = "id: example-bug\n    was: [old-name]\n    retired: true"
    path.write_text(EXAMPLE.read_text().replace("id: example-bug", was))
    monkeypatch.setenv("DLQUIZ_BANK", str(path))

    assert shelf.find("example-bug").id == shelf.find("old-name").id == "example-bug"
    assert "example-bug" not in {row["id"] for row in shelf.rows()}
    with pytest.raises(UnknownError, match="did you mean 'example-bug'"):
        shelf.find("exmaple-bug")


def test_banks_are_found_by_concept_path_file_and_folder(monkeypatch, tmp_path):
    assert bank.files() == [EXAMPLE]
    assert len(bank.read("example")) == len(bank.read(EXAMPLE)) == len(bank.read_all())
    (tmp_path / "mine.yml").write_bytes(EXAMPLE.read_bytes())
    monkeypatch.setenv("DLQUIZ_BANK", str(tmp_path))
    assert bank.files() == [tmp_path / "mine.yml"]
    monkeypatch.setenv("DLQUIZ_BANK", str(tmp_path / "nowhere"))
    with pytest.raises(BankError, match="no such folder of quiz banks"):
        bank.files()
    monkeypatch.delenv("DLQUIZ_BANK")
    assert {"regression_losses", "classification_losses"} <= {path.stem for path in bank.files()}
