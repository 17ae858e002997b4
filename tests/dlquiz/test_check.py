"""The checker's own tests: it is worthless if it cannot say no."""

from pathlib import Path

import pytest

from dlquiz import bank
from dlquiz.check import check_bank
from dlquiz.check.giveaways import speaks_of_others, strategies
from dlquiz.registry import RegistryError, reference
from dlquiz.tree import parse
from dlquiz.verified import verified

from .conftest import EXAMPLE

PLANTED = parse((Path(__file__).parent / "planted.yml").read_bytes()).value
HEAD = "format: 1\nconcept: example_losses\nquestions:\n"


def stanza(name):
    """One question of the example bank, as text."""
    text = EXAMPLE.read_text()
    start = text.index(f"  - id: example-{name}\n")
    end = text.find("\n  - id:", start + 1)
    return text[start : end if end > 0 else None]


@pytest.fixture
def faults_of(tmp_path):
    def faults_of(text):
        path = tmp_path / "bank.yml"
        path.write_text(HEAD + text)
        return check_bank(bank.load(path))

    return faults_of


def test_the_example_is_without_fault():
    assert check_bank(bank.load(EXAMPLE)) == []


@pytest.mark.parametrize("fault", [pytest.param(one, id=f"{one['in']}: {one['what']}") for one in PLANTED])
def test_a_planted_fault_is_found(faults_of, fault):
    text = stanza(fault["in"])
    for old, new in (("from", "to"), ("and_from", "and_to")):
        if old in fault:
            assert text.count(fault[old]) >= 1
            text = text.replace(fault[old], fault[new])

    faults = faults_of(text)

    assert fault["say"] in "\n".join(faults)
    assert all(line.split(":")[1].isdigit() for line in faults)
    assert all(f": example-{fault['in']}: " in line for line in faults)


@pytest.mark.parametrize(
    "name", ["_checks.require", "regression_losses.torch", "regression_losses._error", "os.getcwd"]
)
def test_only_public_functions_of_concepts_can_be_called(faults_of, name):
    faults = faults_of(stanza("single").replace("call: regression_losses.huber_grad", f"call: {name}"))

    assert any("a function is named" in fault or "no reference function" in fault for fault in faults)


@pytest.mark.parametrize("name", ["_checks.require", "regression_losses._error", "regression_losses.require", "x.y"])
def test_the_registry_itself_has_the_same_law(name):
    with pytest.raises(RegistryError, match="no reference function"):
        reference(name)


def test_every_key_of_the_example_but_one_is_computed(questions):
    assert [name for name, question in questions.items() if not verified(question).computed] == ["order"]
    assert verified(questions["single"]).by == ("regression_losses.huber_grad",)
    assert str(verified(questions["order"])).startswith("source: Goodfellow")


# -- give-aways


def quiz(options, right, count):
    """Singles with these options; the one at `right` is correct."""
    facts = {"kind": "single", "ref": "regression_losses.huber", "level": 1, "text": "the text asked"}
    head = "\n    ".join(f"{name}: {value}" for name, value in {**facts, "explain": "e", "source": "s"}.items())
    choices = [
        f"\n      - {{text: {text}, correct: {str(i == right).lower()}, why: w{i}}}" for i, text in enumerate(options)
    ]
    return "".join(f"  - id: give-away-{n}\n    {head}\n    choices:{''.join(choices)}\n" for n in range(count))


@pytest.mark.parametrize(
    ("options", "right", "said"),
    [
        (["long long long", "mid mid", "s"], 0, "always the longest option is right 100% of the time, chance is 33%"),
        (["long long long", "mid mid", "s"], 2, "always the shortest option is right 100%"),
        (["aaa", "bbb", "ccc"], 0, "always option 1 of the file is right 100%"),
        (["it always", "it never", "it is so"], 2, "without 'always', 'never' and the like is right 100%"),
        (["it does", "it may so", "it wont"], 1, "with 'usually', 'may' and the like is right 100%"),
        (["some thing", "text", "word"], 1, "always the option with most words of the question is right 100%"),
        (["aaa.", "bbb", "cccc"], 0, "always the only option that ends otherwise is right 100%"),
        (["aaa", "bbb", "ccc"], 2, "always the last option of the file is right 100%"),
    ],
)
def test_a_strategy_that_beats_chance_is_a_fault(faults_of, options, right, said):
    assert any(said in fault for fault in faults_of(quiz(options, right, 8)))
    assert not faults_of(quiz(options, right, 7)), "seven questions say nothing about a rate"


def test_blind_guessing_is_the_measure_of_a_strategy(questions):
    rates = {one.name: one for one in strategies(list(questions.values()))}

    assert rates["option 1 of the file"].chance == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert rates["'false'"].rate == 1
    assert not any(one.gives_away for one in rates.values())


@pytest.mark.parametrize(
    ("text", "found"),
    [("All of the above", True), ("none of these", True), ("Both of them", True), ("All of the loss", False)],
)
def test_an_option_may_not_speak_of_the_others(text, found):
    assert speaks_of_others(text) is found
