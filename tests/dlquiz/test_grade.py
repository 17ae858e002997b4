import pytest

from dlquiz.grade import grade
from dlquiz.question import draw
from dlquiz.verdict import UnreadableError

SEEDS = range(12)


@pytest.fixture
def asked(questions):
    return lambda name, seed=0: draw(questions[name], seed)


def letter_of(asked, text):
    """The letter under which an option or step is shown."""
    shown = [(option.letter, option.text) for option in asked.choices] + asked.steps
    return next(letter for letter, said in shown if said.startswith(text))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_key_is_right_when_it_is_typed(questions, seed):
    for question in questions.values():
        asked = draw(question, seed)
        verdict = grade(asked, str(asked.key()))

        assert verdict.correct, question.id
        assert verdict.score == 1
        assert verdict.key == asked.key()


def test_the_same_seed_asks_the_same(questions):
    for question in questions.values():
        assert draw(question, 3) == draw(question, 3)


def test_seeds_draw_other_numbers_and_other_orders(asked):
    assert len({asked("number", seed).text for seed in SEEDS}) > 4
    assert len({tuple(o.text for o in asked("single", seed).choices) for seed in SEEDS}) > 3
    assert len({tuple(text for _, text in asked("order", seed).steps) for seed in SEEDS}) > 4
    assert {asked("single", seed).key() for seed in SEEDS} == {"a", "b", "c"}


# -- numbers


@pytest.mark.parametrize("typed", ["8", "8.0", " 8 ", "+8", "2*4", "16/2", "8.0009", "80e-1", "2^3"])
def test_a_number_may_be_typed_as_a_calculation(asked, typed):
    one = asked("number", 1)
    assert one.values == {"error": -5.0, "delta": 2.0}

    assert grade(one, typed).correct


def test_a_wrong_number_meets_its_mistake(asked):
    one = asked("number", 1)

    assert "only while |error| <= delta" in grade(one, "12.5").message
    assert "never negative" in grade(one, "-12").message
    assert not grade(one, "8.002").correct
    assert "{" not in grade(one, "12.5").message


def test_a_message_does_not_give_the_key_away(asked):
    """There is a second try."""
    assert "8" not in grade(asked("number", 1), "5").message


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0,5", "write 0.5, with a point"),
        (" -1,50 ", "write -1.50, with a point"),
        ("50%", "write a fraction"),
        ("x", "a number is wanted"),
        ("1/0", "no value: division by zero"),
        ("exp(800)", "no value: overflow"),
        ("9^9^9^9", "no value: overflow"),
        ("٣", "not part of a formula"),
    ],
)
def test_a_number_nobody_can_read_is_not_wrong(asked, typed, said):
    with pytest.raises(UnreadableError, match=said):
        grade(asked("number", 1), typed)


def test_a_vector_may_be_drawn(asked):
    one = asked("ratio", 0)

    assert one.values["logits"] in ([1.0, 2.0, 4.0], [0.0, 0.0, 3.0])
    assert "[" in one.text
    assert 0.8 < one.key() < 0.95


# -- choices


def test_a_single_answers_with_the_feedback_of_the_option_chosen(asked):
    one = asked("single", 4)

    wrong = grade(one, letter_of(one, "The second pulls less"))
    right = grade(one, letter_of(one, "They pull").upper())

    assert (wrong.correct, right.correct) == (False, True)
    assert wrong.message == "Huber's gradient is flat in the tail, it never falls."
    assert right.message == "Both errors lie past delta, so both gradients are clipped to 1."


def test_a_multiple_takes_letters_in_any_order_and_says_what_is_wrong(asked):
    one = asked("multiple", 2)
    right = sorted(one.key())
    wrong = next(o for o in one.choices if not o.correct)

    assert grade(one, " , ".join(reversed(right))).correct
    assert grade(one, " and ".join(right)).correct
    missing = grade(one, right[0])
    assert not missing.correct
    assert missing.score == 0.75
    assert missing.message.startswith(f"{right[1]} belongs: ")
    assert grade(one, "".join([*right, wrong.letter])).message == f"{wrong.letter} does not belong: {wrong.why}"


@pytest.mark.parametrize(("name", "typed"), [("single", "ab"), ("single", "z"), ("multiple", "az"), ("multiple", ",")])
def test_a_letter_that_is_no_option_is_not_wrong(asked, name, typed):
    with pytest.raises(UnreadableError, match="out of a, b, c"):
        grade(asked(name), typed)


@pytest.mark.parametrize(("typed", "correct"), [("f", True), ("FALSE", True), ("n", True), ("t", False), ("y", False)])
def test_true_or_false(asked, typed, correct):
    one = asked("truefalse")

    assert grade(one, typed).correct is correct
    assert ("cost grows with the square" in grade(one, typed).message) is not correct
    assert "{k}" not in grade(one, typed).message


# -- formulas


@pytest.mark.parametrize(
    "typed",
    ["max(-d, min(r, d))", "r if abs(r) <= d else d*sign(r)", "where(r > d, d, max(r, -d))", "min(max(r, -d), d)"],
)
def test_a_formula_may_be_written_in_any_way(asked, typed):
    assert grade(asked("formula"), typed).correct


def test_a_wrong_formula_meets_a_counterexample_and_its_mistake(asked):
    verdict = grade(asked("formula"), "sgn(r)")

    assert not verdict.correct
    assert verdict.message.startswith("At r = ")
    assert "absolute error's slope" in verdict.message
    assert "max(-d" not in verdict.message


def test_a_formula_nobody_can_read_is_not_wrong(asked):
    with pytest.raises(UnreadableError, match="write 2\\*r") as refused:
        grade(asked("formula"), "d + 2r")
    assert refused.value.column == 5


def test_right_on_paper_is_not_enough_for_a_stable_form(asked):
    verdict = grade(asked("stable"), "log(1 + exp(z))")

    assert not verdict.correct
    assert verdict.score == 0.5
    assert "Right on paper" in verdict.message
    assert "overflows float32" in verdict.message
    assert grade(asked("stable"), "z + log1p(exp(-z)) if z > 0 else log1p(exp(z))").correct
    with pytest.raises(UnreadableError, match="must do without softplus"):
        grade(asked("stable"), "softplus(z)")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("log(exp(z) + 1)", "exp(200) overflows float32, and 1 + exp(-50) is 1."),
        ("log1p(exp(z)) + 0", "log1p keeps the digits at -50; exp(200) still overflows."),
        ("log(1 + exp(-abs(z))) + max(0, z)", "Nothing overflows any more"),
        ("max(0, z)", "That is the limit, not the function."),
    ],
)
def test_forms_that_are_the_same_on_paper_meet_their_own_mistake(asked, typed, said):
    assert said in grade(asked("stable"), typed).message


def test_what_nobody_can_compare_is_not_wrong(asked):
    with pytest.raises(UnreadableError, match="only 0 points could be compared; write it more simply"):
        grade(asked("formula"), "9**9**9**9")


# -- orders and bugs


def test_every_linear_extension_is_right_and_no_other(asked):
    one = asked("order", 5)
    a, b, c, d = (letter_of(one, text) for text in ("L =", "the first", "the second", "so"))

    assert grade(one, a + b + c + d).correct
    assert grade(one, f"{a}, {c}, {b}, {d}").correct
    wrong = grade(one, a + b + d + c)
    assert (wrong.correct, wrong.score) == (False, 0.5)
    assert wrong.message == f"Right up to {a}{b}; {d} cannot come next."
    assert grade(one, b + a + c + d).score == 0
    for typed in ("abc", "abcc", "abcde"):
        with pytest.raises(UnreadableError, match="each of a, b, c, d once"):
            grade(one, typed)


def test_an_order_by_size_is_computed(asked):
    one = asked("order-computed", 1)
    key = [letter_of(one, text) for text in ("Huber", "absolute", "squared")]

    assert one.key() == "".join(key)
    assert grade(one, "".join(key)).correct
    assert grade(one, key[0] + key[2] + key[1]).score == pytest.approx(1 / 3)


def test_a_bug_shows_neither_its_mark_nor_its_name(asked):
    one = asked("bug")

    assert "wrong" not in one.code
    assert "negative_tail" not in one.code
    assert one.code.startswith("def huber(")
    assert '"""' not in one.code


def test_a_bug_is_a_line_and_the_reason_comes_with_a_case(asked):
    one = asked("bug")
    key = one.key()

    assert "it gives -7, not 4" in grade(one, f"line {key}").message
    wrong = grade(one, "1")
    assert not wrong.correct
    assert wrong.message.startswith(f"Not line 1 but {key}: ")
    for typed in ("0", "99", "def"):
        with pytest.raises(UnreadableError, match="number of the wrong line"):
            grade(one, typed)


@pytest.mark.parametrize("typed", ["", "   "])
def test_nothing_is_no_answer(questions, typed):
    for question in questions.values():
        with pytest.raises(UnreadableError):
            grade(draw(question, 0), typed)
