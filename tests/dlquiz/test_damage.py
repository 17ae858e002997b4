"""Damage to keys: what counts as one, and that a key with one route only is said to have one."""

from collections import Counter

import pytest
from msgspec.structs import replace

from dlquiz import bank
from dlquiz.check import check_question
from dlquiz.check.damage import damage_all, damages
from dlquiz.check.flips import flipped, written
from dlquiz.check.values import check_line
from dlquiz.formula import parse
from dlquiz.mutant import read
from dlquiz.schema import KINDS

from .conftest import EXAMPLE


@pytest.fixture(scope="module")
def share():
    return damage_all([bank.load(EXAMPLE)])


def test_every_kind_is_damaged_and_every_damage_noticed(share):
    kinds = Counter(damage.question.kind for damage in share.damages)

    assert kinds.keys() == KINDS.keys() - {"code"}
    assert share.passed == []
    assert share.noticed == share.safe == 1
    assert share.keys == len(bank.read(EXAMPLE)) - 1, "one order rests on a source"


def passed(question):
    return [what for what, found in damages(question) if not found()]


def test_a_number_with_one_route_only_has_nothing_to_be_compared_with(questions):
    number = questions["number"]
    alone = replace(number, answer=replace(number.answer, formula=""))

    assert not check_question(alone)
    assert passed(number) == []
    assert len(passed(alone)) == len([*damages(alone)]) > 3


def test_an_order_with_one_route_only_is_not_safe_either(questions):
    order = questions["order-computed"]
    alone = replace(order, steps={name: replace(step, also="") for name, step in order.steps.items()})

    assert passed(order) == []
    assert len(passed(alone)) == 3


def test_a_formula_that_nothing_verifies_is_not_safe(questions):
    formula = questions["formula"]

    assert len(passed(replace(formula, verify=[], source="a book"))) > 3


def test_a_damage_changes_the_verdict_on_somebody(questions):
    """Else it is none: a loss of 8 +- 0.1 is not damaged by 8.01."""
    number = questions["number"]
    rough = replace(number, tolerance=replace(number.tolerance, abs=1e6))

    assert [*damages(rough)] == []


def test_the_right_line_fits_in_one_place_only(questions):
    bug = questions["bug"]
    mutant = read(bug.mutant, bug.ref)
    places = range(1, len(mutant.lines) + 1)

    assert [line for line in places if not [*check_line(bug, mutant._replace(wrong=line))]] == [mutant.wrong]
    assert "# right" not in "\n".join(mutant.lines)
    assert "no '# right" in next(check_line(bug, mutant._replace(right=""))).message
    assert "still differs from ref" in next(check_line(bug, mutant._replace(right="line = error"))).message
    assert "still differs" in next(check_line(bug, mutant._replace(right="line = (error"))).message


@pytest.mark.parametrize(
    "text", ["-x^2 + 3*max(x, 1)", "where(x > 1 and not x >= 2, abs(x), exp(x)/2)", "x if x < 1 else 0"]
)
def test_what_is_flipped_is_written_so_that_it_is_read_again(text):
    tree = parse(text, "x").node
    texts = [written(node) for node in (tree, *flipped(tree))]

    assert [written(parse(one, "x").node) for one in texts] == texts
    assert len(set(texts)) == len(texts) > 3


def test_a_damage_that_passes_has_its_place(questions, tmp_path):
    text = EXAMPLE.read_text()
    path = tmp_path / "mine.yml"
    path.write_text(text.replace('\n      formula: "delta * (abs(error) - delta / 2)"', ""))

    found = damage_all([bank.load(path)]).passed

    assert {str(one).partition(" unnoticed: ")[0] for one in found} == {f"{path}:5:5: example-number: damage passes"}
