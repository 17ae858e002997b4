"""Laws of every quiz bank, found in the tree."""

from pathlib import Path

import pytest

from dlquiz import bank
from dlquiz.check import check_bank
from dlquiz.check.damage import damage_all
from dlquiz.check.giveaways import strategies
from dlquiz.verified import verified

FILES = sorted((Path(__file__).parents[2] / "quizzes").glob("*.yml"))
BANKS = {path.stem: bank.load(path) for path in FILES}
QUESTIONS = [question for one in BANKS.values() for question in one.questions]
LOSSES = [question for question in QUESTIONS if question.concept.endswith("_losses")]

COMPUTED = {"number", "single", "multiple", "truefalse", "formula", "stable", "order", "bug"}

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


def test_every_kind_has_a_computed_key():
    """A kind without one would never be damaged below."""
    assert {question.kind for question in QUESTIONS if verified(question).computed} >= COMPUTED


@every_bank
def test_a_damaged_key_is_noticed(name, record_property):
    """Of every computed key, in every way that stays well formed; `dlquiz check --damage` says which pass."""
    share = damage_all([BANKS[name]])
    record_property("damage", str(share))

    assert len(share.damages) > 4 * share.keys
    assert share.keys == sum(verified(one).computed for one in BANKS[name].questions if one.kind != "code")
    assert share.noticed >= 0.98, "\n".join(map(str, share.passed))
    assert share.safe >= 0.98, "\n".join(map(str, share.passed))
