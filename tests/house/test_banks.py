"""Laws of every quiz bank, found in the tree."""

from pathlib import Path

import msgspec
import pytest

from dlquiz import bank, schema
from dlquiz.check import check_bank, check_question
from dlquiz.check.giveaways import strategies
from dlquiz.formula import parse, same
from dlquiz.formula.parser import Apply, Name, Number
from dlquiz.question import draw
from dlquiz.verified import verified

FILES = sorted((Path(__file__).parents[2] / "quizzes").glob("*.yml"))
BANKS = {path.stem: bank.load(path) for path in FILES}
QUESTIONS = [question for one in BANKS.values() for question in one.questions]
LOSSES = [question for question in QUESTIONS if question.concept.endswith("_losses")]

every_bank = pytest.mark.parametrize("name", BANKS)


def test_there_are_banks():
    """An empty folder would pass everything below."""
    assert len(BANKS) >= 2
    assert len(QUESTIONS) >= 40


@every_bank
def test_a_bank_bears_the_name_of_its_concept(name):
    assert BANKS[name].concept == name


@every_bank
def test_every_key_is_computed_again_and_nothing_is_found(name):
    assert check_bank(BANKS[name]) == []


def test_an_id_is_used_once_over_all_banks():
    ids = [id_ for question in QUESTIONS for id_ in (question.id, *question.was)]

    assert sorted(set(ids)) == sorted(ids)


def test_the_losses_are_asked_in_many_ways_and_mostly_computed():
    assert len(LOSSES) >= 40
    assert len({question.kind for question in LOSSES}) >= 6
    assert sum(verified(question).computed for question in LOSSES) / len(LOSSES) >= 0.6


@pytest.mark.parametrize("strategy", strategies(QUESTIONS), ids=lambda strategy: strategy.name)
def test_guessing_by_a_rule_is_hardly_better_than_blind_guessing(strategy):
    """Ten points more, over all banks together."""
    assert not strategy.gives_away, str(strategy)


def test_every_wrong_answer_that_is_foreseen_has_its_own_feedback():
    for question in QUESTIONS:
        said = [choice.why for choice in getattr(question, "choices", [])]
        said += [mistake.say for mistake in getattr(question, "mistakes", [])]

        assert len({text.casefold() for text in said}) == len(said), question.id
        assert question.explain not in said, question.id


def test_a_level_is_asked_of_every_concept():
    for name, one in BANKS.items():
        assert {question.level for question in one.questions} == {1, 2, 3}, name


# -- damage each key, and see that check notices

FLIPS = {"+": "-", "-": "+", "*": "/", "/": "*", "max": "min", "min": "max", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
FLIPS |= {"exp": "expm1", "expm1": "exp", "log": "log1p", "log1p": "log", "tanh": "sigmoid", "sigmoid": "tanh"}


def flipped(node):
    """Every tree that differs from `node` in one place."""
    if isinstance(node, Number):
        yield Number(f"{float(node.value) + 1:g}")
        return
    if isinstance(node, Name):
        yield Apply("negative", (node,))
        return
    if node.op in FLIPS:
        yield Apply(FLIPS[node.op], node.args)
    if node.op in ("negative", "abs"):
        yield node.args[0]
    for i, arg in enumerate(node.args):
        yield from (Apply(node.op, (*node.args[:i], other, *node.args[i + 1 :])) for other in flipped(arg))


def written(node):
    """A tree as it would be typed."""
    if isinstance(node, Number):
        return str(node.value)
    if isinstance(node, Name):
        return node.name
    args = [written(arg) for arg in node.args]
    if node.op == "negative":
        return f"(-{args[0]})"
    if node.op == "not":
        return f"(not {args[0]})"
    if (len(args) == 2 and not node.op.isalpha()) or node.op in ("and", "or"):
        return f"({args[0]} {node.op} {args[1]})"
    return f"{node.op}({', '.join(args)})"


def damaged_formulas(question):
    key = parse(question.answer, question.symbols)
    for node in flipped(key.node):
        wrong = parse(written(node), question.symbols)
        if not same(wrong, key, question.symbols).equal:  # a flip may say the same: max(x, 0) for max(0, x)
            yield msgspec.structs.replace(question, answer=wrong.text, forbid=[])


def damaged_choices(question):
    """One flag the other way round; for a single the key moves to another option."""
    for i, choice in enumerate(question.choices):
        turned = [
            msgspec.structs.replace(other, correct=(not other.correct if other is choice else other.correct))
            if question.kind == "multiple"
            else msgspec.structs.replace(other, correct=other is choice)
            for other in question.choices
        ]
        still_one = question.kind == "single" and choice.correct
        if not still_one and any(other.correct for other in turned):
            yield msgspec.structs.replace(question, choices=turned), f"option {i + 1}"


def damaged_numbers(question):
    """The key typed by hand and a little off; and where a formula stands beside the call, the call off."""
    key = draw(question, 0).key()
    off = key * 1.01 + question.tolerance.abs + question.tolerance.rel * abs(key)
    yield msgspec.structs.replace(question, answer=schema.Answer(value=off))
    answer = question.answer
    if answer.call and answer.formula:
        yield msgspec.structs.replace(
            question, answer=msgspec.structs.replace(answer, formula=f"1.01*({answer.formula})")
        )


def damages():
    """Every computed key of every bank, damaged in every way: the id, what was done, the question."""
    for question in QUESTIONS:
        if not verified(question).computed:
            continue
        if isinstance(question, schema.Formula):
            yield from ((question.id, wrong.answer, wrong) for wrong in damaged_formulas(question))
        elif isinstance(question, schema.Choices):
            yield from ((question.id, what, wrong) for wrong, what in damaged_choices(question))
        elif isinstance(question, schema.TrueFalse):
            yield question.id, "turned round", msgspec.structs.replace(question, answer=not question.answer)
        elif isinstance(question, schema.Number):
            yield from ((question.id, str(wrong.answer), wrong) for wrong in damaged_numbers(question))


def test_a_damaged_key_is_noticed(record_property):
    done = list(damages())
    unnoticed = [(id_, what) for id_, what, question in done if not check_question(question)]
    share = 1 - len(unnoticed) / len(done)
    record_property("damages", len(done))
    record_property("noticed", f"{share:.1%}")
    print(f"{len(done)} damages, {share:.1%} noticed")

    assert len(done) > len(QUESTIONS)
    assert share >= 0.98, unnoticed
