"""What is asked of a learner who writes a function: the start, the cases, and the banks that say so."""

import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

import catalogue
from dlquiz import bank
from dlquiz.check import check_bank, check_question
from dlquiz.code.cases import cases
from dlquiz.code.judge import computed
from dlquiz.code.stub import draft, source, stub
from dlquiz.failures import BankError
from dlquiz.grade import grade
from dlquiz.question import draw, fingerprint
from dlquiz.schema import Code

from .code_answers import RIGHT, WRONG

BANK = Path(__file__).parent / "code.yml"
QUESTIONS = {question.id.removeprefix("example-"): question for question in bank.read(BANK)}
SHIPPED = {question.id: question for question in bank.read_all() if isinstance(question, Code)}

# -- what is asked


def test_the_same_seed_asks_the_same_cases_and_the_far_ends_are_among_them():
    question = QUESTIONS["huber"]
    one, same, other = (cases(question, seed) for seed in (1, 1, 2))

    assert one == same != other
    assert len(one) == 25
    assert one[0]["prediction"] == {"values": [-3.0, 0.5], "shape": [2], "dtype": "float64"}
    met = {value for case in one for value in case["prediction"]["values"]}
    assert {-1e4, 1e4, 0.0} <= met
    assert {case["delta"] for case in one} >= {1.0, 0.5, 1e-3}
    assert {tuple(case["prediction"]["shape"]) for case in one} == {(2,), (6,), (2, 3)}


def test_an_index_is_whole_and_in_its_range():
    for case in cases(QUESTIONS["cross-entropy"], 0):
        assert case["index"]["dtype"] == "int64"
        assert set(case["index"]["values"]) <= set(range(5))
        assert case["logits"]["shape"] == [*case["index"]["shape"], 5]
    assert cases(QUESTIONS["hinge"], 0)[0]["sign"]["values"] == [1.0, 1.0, 1.0]


def test_every_law_of_the_losses_can_be_drawn_and_is_kept():
    for name, function in catalogue.functions().items():
        if name.partition(".")[0].endswith("_losses"):
            computed(function, cases(replace(QUESTIONS["huber"], ref=name, cases=[]), 0), "float64")


def test_a_case_that_does_not_fit_is_the_banks_fault():
    for case, said in (
        ({"predicton": 1.0}, "did you mean 'prediction'"),
        ({"prediction": 1.0}, "must say what target is"),
        ({"prediction": [[1.0], [2.0, 3.0]], "target": 0}, "no array of numbers"),
    ):
        with pytest.raises(BankError, match=said):
            cases(replace(QUESTIONS["huber"], cases=[case]), 0)


def test_the_start_has_the_name_the_arguments_and_what_is_wanted():
    assert stub(QUESTIONS["huber"]).splitlines() == [
        "import numpy as np",
        "",
        "",
        "def huber(prediction, target, *, delta=1.0):",
        '    """prediction: float64, shape (...)',
        "    target: float64, shape (...)",
        "    delta: a number",
        "    returns: float64, shape (...)",
        '    """',
        '    raise NotImplementedError("write me")',
    ]
    assert "logits: float32, shape (..., classes)\n    index: int64, shape (...)\n" in stub(QUESTIONS["cross-entropy"])
    assert stub(QUESTIONS["hinge"]).startswith("import torch\n")
    told = '    """Write the Huber loss of each error.\n\n    prediction: float64'
    assert told in draft(QUESTIONS["huber"]), "an editor hides the question"


@pytest.mark.parametrize("question", [*QUESTIONS.values(), *SHIPPED.values()], ids=lambda question: question.id)
def test_the_start_is_wrong(question):
    assert "NotImplementedError: write me" in grade(draw(question, 0), stub(question)).message


def test_the_reference_comes_with_what_it_stands_on():
    shown = source("regression_losses.huber")

    assert shown.startswith("def huber(prediction: Values")
    assert "def _error(" in shown
    assert "Quadratic" not in shown
    assert "def squared_error" not in shown


def test_start_and_reference_are_read_without_torch():
    command = (
        "import sys\nfrom dlquiz import bank\nfrom dlquiz.question import draw\n"
        f"asked = [draw(q, 0) for q in bank.read({str(BANK)!r})]\n"
        "assert all(a.stub and a.key() for a in asked)\n"
        "print(*{'torch', 'numpy', 'dlref.regression_losses'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == ""


# -- the banks


def test_the_examples_are_without_fault():
    assert check_bank(bank.load(BANK)) == []


FAULTS = {
    "a mistake that is right": ("huber_negative_tail", "huber_negative_tale", "did you mean 'huber_negative_tail'?"),
    "another signature": (".huber_negative_tail", ".log_cosh_as_written", "arguments are not those of ref"),
    "the same mistake twice": ("huber_whole_delta", "huber_negative_tail", "mistake 2 is taken for an earlier one"),
    "no mistakes": ("mistakes:\n      - {mutant: classification_losses.sparse", "tags: []\n    #", "needs mistakes"),
    "a tolerance too fine": ("rel: 0.0001, abs: 0.000001", "rel: 0.0000000000001", "the reference itself would be"),
    "a tolerance too coarse": ("rel: 0.00001, abs: 0.000001", "abs: 100", "mistake 1 gives what the reference gives"),
    "a case out of law": ("delta: 2.0}", "delta: -2.0}", "needs delta > 0"),
    "an unknown argument": ("delta: 2.0}", "detla: 2.0}", "did you mean 'delta'?"),
    "no case at all": ("cases:\n      - {score: [2.0, 0.5, -1.0], sign: [1, 1, 1]}", "tags: []", "there must be cases"),
    "an unknown library": ("arrays: torch", "arrays: jax", "Invalid enum value 'jax'"),
    "no dtype": ("dtype: float64", "tags: []", "missing required field `dtype`"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_planted_fault_is_found(tmp_path, what):
    old, new, said = FAULTS[what]
    head, *stanzas = BANK.read_text().split("  - id: ")
    (stanza,) = [stanza for stanza in stanzas if old in stanza]
    assert stanza.count(old) == 1
    path = tmp_path / "bank.yml"
    path.write_text(f"{head}  - id: {stanza.replace(old, new)}")

    assert any(said in fault for fault in check_bank(bank.load(path)))


def test_a_start_that_is_right_is_found(monkeypatch):
    monkeypatch.setattr("dlquiz.check.code.stub", lambda _: RIGHT["huber-code"])

    assert [finding.message for finding in check_question(QUESTIONS["huber"])] == [
        "what the learner starts from is right already"
    ]


def test_the_losses_have_functions_to_write_and_each_an_answer_here():
    assert sorted(RIGHT) == sorted(WRONG) == sorted(SHIPPED)
    assert {SHIPPED[name].arrays for name in SHIPPED} == {"numpy", "torch"}
    for concept in ("regression_losses", "classification_losses"):
        assert sum(question.concept == concept for question in SHIPPED.values()) >= 2


@pytest.mark.parametrize("name", RIGHT)
def test_an_answer_written_by_hand_is_right(name):
    for seed in range(2):
        verdict = grade(draw(SHIPPED[name], seed), RIGHT[name])

        assert verdict.correct, verdict.message


@pytest.mark.parametrize(("name", "mutant"), [(name, mutant) for name, each in WRONG.items() for mutant in each])
def test_a_mistake_typed_by_hand_is_recognised(name, mutant):
    (said,) = [mistake.say for mistake in SHIPPED[name].mistakes if mistake.mutant == mutant]

    message = grade(draw(SHIPPED[name], 0), WRONG[name][mutant]).message

    assert f"Your function behaves as `{mutant.partition('.')[2]}`. {said}" in message


def test_every_mistake_of_the_banks_is_typed_by_hand_here():
    for name, question in SHIPPED.items():
        assert [mistake.mutant for mistake in question.mistakes] == [*WRONG[name]]


def test_another_reference_is_another_key():
    question = QUESTIONS["huber"]
    assert fingerprint(question) != fingerprint(replace(question, ref="regression_losses.smooth_l1"))
    assert fingerprint(question) == fingerprint(replace(question, text="Otherwise put."))
