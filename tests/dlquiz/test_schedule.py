import math
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from fsrs import Card, Rating, Scheduler

from dlquiz import schedule
from dlquiz.schedule import AGAIN, GOOD, HARD, queue, rate, replay, review

DAY_US = 86_400 * 10**6
START_US = 1_760_000_000 * 10**6


@pytest.mark.parametrize(
    ("correct", "hints", "tries", "grade"),
    [(True, 0, 1, GOOD), (True, 1, 1, HARD), (True, 0, 2, HARD), (False, 0, 1, AGAIN), (False, 2, 2, AGAIN)],
)
def test_help_makes_a_right_answer_hard(correct, hints, tries, grade):
    assert rate(correct=correct, hints=hints, tries=tries) == grade


def test_good_answers_come_back_later_and_later_and_a_wrong_one_soon():
    state, at, waits = None, START_US, []
    for grade in (GOOD, GOOD, GOOD, GOOD, AGAIN):
        state = review(state and state.fsrs, grade, at)
        waits.append(state.due_us - at)
        at = state.due_us

    assert waits[0] < waits[1] < waits[2] < waits[3]
    assert waits[3] > 7 * DAY_US
    assert waits[4] == 600 * 10**6


def test_replaying_the_same_answers_gives_the_same_date():
    """FSRS' own default draws a random spread: two replays would differ."""
    history = [(GOOD, START_US + 20 * n * DAY_US) for n in range(6)]

    assert len({replay(history) for _ in range(5)}) == 1
    assert schedule._scheduler().enable_fuzzing is False


def test_a_history_of_nothing_is_no_state():
    assert replay([]) is None


# -- FSRS-6 written from its formulas, as a witness for the library


class Witness:
    """Stability and difficulty after each review, from the published formulas."""

    def __init__(self, weights):
        self.w = weights
        self.decay = -weights[20]
        self.factor = 0.9 ** (1 / self.decay) - 1
        self.state = None

    def difficulty(self, grade):
        return self.w[4] - math.exp(self.w[5] * (grade - 1)) + 1

    def review(self, grade, days):
        w = self.w
        if self.state is None:
            self.state = max(w[grade - 1], 0.001), min(10, max(1, self.difficulty(grade)))
            return
        s, d = self.state
        moved = d - w[6] * (grade - 3) * (10 - d) / 9
        harder = min(10, max(1, w[7] * self.difficulty(4) + (1 - w[7]) * moved))
        self.state = max(self.same_day(grade, s) if days < 1 else self.later(grade, s, d, days), 0.001), harder

    def same_day(self, grade, s):
        grown = math.exp(self.w[17] * (grade - 3 + self.w[18])) * s ** -self.w[19]
        return s * (max(1, grown) if grade >= 2 else grown)

    def later(self, grade, s, d, days):
        w, r = self.w, (1 + self.factor * days / s) ** self.decay
        if grade == 1:
            forgot = w[11] * d ** -w[12] * ((s + 1) ** w[13] - 1) * math.exp(w[14] * (1 - r))
            return min(forgot, s / math.exp(w[17] * w[18]))
        bonus = (w[15] if grade == 2 else 1) * (w[16] if grade == 4 else 1)
        return s * (1 + math.exp(w[8]) * (11 - d) * s ** -w[9] * (math.exp(w[10] * (1 - r)) - 1) * bonus)


def test_the_library_follows_the_published_formulas():
    scheduler = Scheduler(enable_fuzzing=False, learning_steps=(), relearning_steps=())
    random = Random(0)  # the same histories every time
    for _ in range(150):
        card, witness = Card(card_id=1), Witness(scheduler.parameters)
        at, last = datetime(2026, 1, 1, tzinfo=UTC), None
        for _ in range(random.randrange(1, 15)):
            grade = random.randrange(1, 5)
            witness.review(grade, (at - last).days if last else 0)
            card, _ = scheduler.review_card(card, Rating(grade), at)

            assert (card.stability, card.difficulty) == pytest.approx(witness.state, rel=1e-12)
            days = min(36500, max(1, round(witness.state[0])))  # at 90 % the interval is the stability
            assert (card.due - at).days == days
            wait = random.choice([0, 1, 2, 3, 7, 30, max(1, (card.due - at).days)])
            last, at = at, at + timedelta(days=wait, hours=random.randrange(3))


# -- the queue


def test_due_ones_come_first_then_new_ones_concepts_in_turn():
    concepts = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b", "new1": "a", "new2": "a", "new3": "b"}
    due = {"a1": 30, "a2": 10, "a3": 20, "b1": 40, "b2": 999}

    assert queue(list(concepts), concepts, due, 100, new=2) == ["a2", "b1", "a3", "a1", "new1", "new3"]
    assert queue(list(concepts), concepts, due, 5, new=0) == []
    assert queue(list(concepts), concepts, {}, 5, new=3) == ["a1", "b1", "a2"]


# -- an interview date


@pytest.mark.parametrize("days", [1, 3, 10, 400])
def test_a_date_is_what_fsrs_gives_with_that_longest_interval(days):
    """Over many histories: our cap of a stored date, and the library told so from the start."""
    free, capped = Scheduler(enable_fuzzing=False), Scheduler(enable_fuzzing=False, maximum_interval=days)
    random = Random(days)
    for _ in range(60):
        state, card, at = None, Card(card_id=0), datetime(2026, 1, 1, tzinfo=UTC)
        for _ in range(random.randrange(1, 9)):
            grade = random.choice([1, 2, 3, 3, 3])
            at_us = (at - schedule.EPOCH) // timedelta(microseconds=1)
            state = review(state and state.fsrs, grade, at_us)
            last, _ = capped.review_card(card, Rating(grade), at)
            card, _ = free.review_card(card, Rating(grade), at)
            at += timedelta(hours=random.choice([0.2, 30, 24 * 9]))

        assert schedule.within(state, days) == (last.due - schedule.EPOCH) // timedelta(microseconds=1)


def test_days_are_counted_to_the_morning_of_the_day():
    noon = datetime(2026, 3, 1, 12).astimezone()
    now = (noon - schedule.EPOCH) // timedelta(microseconds=1)

    assert schedule.days_left(noon.date() + timedelta(days=1), now) == 0
    assert schedule.days_left(noon.date() + timedelta(days=11), now) == 10
