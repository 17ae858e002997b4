"""The quiz as it is used: by keyboard, over days, with right answers and wrong ones."""

import re

import pytest

CONCEPT = "concepts/regression_losses.html"


def first_of(page, kind: str):
    """Open the first question of a kind, as a link to it does."""
    name = page.locator(f'.dl-question[data-kind="{kind}"]').first.get_attribute("id")
    page.evaluate("(name) => { location.hash = name; }", name)
    form = page.locator(f"#{name}")
    form.wait_for()
    return form


def right_letters(form) -> str:
    known = form.locator("script").evaluate("(one) => JSON.parse(one.textContent)")
    return "".join(choice["letter"] for choice in known["choices"] if choice["correct"])


def test_a_choice_is_answered_by_keyboard_alone(reader) -> None:
    page = reader.open(CONCEPT)
    form = first_of(page, "single")
    letters = [field.get_attribute("value") for field in form.locator("input").all()]
    wanted = letters.index(right_letters(form))

    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(wanted):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    assert form.locator(".dl-feedback strong").inner_text() == "Right."
    assert form.locator(".dl-answer").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.textContent") == "Next"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "LEGEND"
    assert not form.is_visible()


def test_an_order_is_made_by_keyboard(reader) -> None:
    page = reader.open(CONCEPT)
    form = first_of(page, "order")
    steps = form.locator(".dl-order > li")
    first = steps.first.get_attribute("data-letter")

    steps.first.get_by_role("button", name="Move down").focus()
    page.keyboard.press("Enter")

    assert steps.nth(1).get_attribute("data-letter") == first
    assert page.evaluate("document.activeElement.closest('li').dataset.letter") == first, (
        "the focus moves with the step"
    )
    assert form.locator(".dl-feedback").inner_text() == "Now step 2."


def test_a_wrong_choice_says_why_and_keeps_the_key_to_itself(reader) -> None:
    page = reader.open(CONCEPT)
    form = first_of(page, "single")
    wrong = next(field for field in form.locator("input").all() if field.get_attribute("value") != right_letters(form))

    wrong.check()
    form.get_by_role("button", name="Check").click()

    assert form.locator(".dl-feedback strong").inner_text() == "Not yet."
    assert len(form.locator(".dl-note").inner_text()) > 10
    assert not form.locator(".dl-answer").is_visible()
    form.get_by_role("button", name="Show the answer").click()
    assert form.locator(".dl-answer .dl-key").is_visible()


def test_no_answer_is_no_wrong_answer(reader) -> None:
    page = reader.open(CONCEPT)
    form = first_of(page, "number")
    form.get_by_role("button", name="Check").click()

    assert form.locator(".dl-feedback").inner_text() == "Give an answer first."
    assert page.evaluate("localStorage.getItem('dlref.quiz.v1')") is None


def test_feedback_is_read_aloud(reader) -> None:
    page = reader.open(CONCEPT)

    assert page.locator(".dl-question").count() == page.locator(".dl-question .dl-feedback[role=status]").count()


def test_progress_survives_a_reload_and_can_be_dropped(reader) -> None:
    page = reader.open(CONCEPT)
    total = page.locator('.dl-question:not([data-kind="code"])').count()
    form = first_of(page, "single")
    form.locator(f'input[value="{right_letters(form)}"]').check()
    form.get_by_role("button", name="Check").click()
    tally = page.locator(".dl-tally")
    assert tally.inner_text() == f"1 of {total} answered right"

    page = reader.open(CONCEPT)
    assert tally.inner_text() == f"1 of {total} answered right"
    assert page.get_by_role("button", name=re.compile("answered right")).count() == 1

    page.get_by_role("button", name="Start over").click()
    assert tally.inner_text() == f"0 of {total} answered right"
    assert tally.inner_text() == f"0 of {total} answered right"
    assert page.get_by_role("button", name=re.compile("answered right")).count() == 0


def test_a_function_is_written_in_the_terminal_and_the_reference_shown_on_a_press(reader) -> None:
    page = reader.open(CONCEPT)
    form = first_of(page, "code")

    assert f"dlquiz ask {form.get_attribute('id').removeprefix('quiz-')}" in form.inner_text()
    assert form.get_by_role("button", name="Check").count() == 0
    assert not form.locator(".dl-key").is_visible()
    form.get_by_role("button", name="Show the answer").click()
    assert "def huber(prediction: Values" in form.locator(".dl-key").inner_text()
    page.locator(".dl-questions > li").evaluate_all("(all) => all.forEach((one) => { one.hidden = false; })")
    assert reader.breaches(".dl-quiz") == []


def test_a_formula_is_shown_as_it_is_read_and_refused_with_help(reader) -> None:
    page = reader.open(CONCEPT)
    form = first_of(page, "formula")
    field = form.locator(".dl-field")

    field.fill("(1 + 2")
    assert form.locator(".dl-preview .katex").count() == 0
    field.fill("(1 + 2)/3")
    assert form.locator(".dl-preview .mfrac").count() == 1
    field.fill("2(1 + 2)")
    field.press("Enter")
    assert form.locator(".dl-feedback").inner_text() == "write 2*(...): a product needs '*'"


@pytest.mark.parametrize("reader", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=str, indirect=True)
def test_right_and_wrong_can_be_told_by_everyone(reader) -> None:
    page = reader.open(CONCEPT)
    for kind, right in (("single", True), ("multiple", False), ("order", False), ("number", False)):
        form = first_of(page, kind)
        if kind in ("single", "multiple"):
            chosen = [field.get_attribute("value") in right_letters(form) for field in form.locator("input").all()]
            form.locator("input").nth(chosen.index(right)).check()
        elif kind == "number":
            form.locator(".dl-field").fill("12345")
        form.get_by_role("button", name="Check").click()

        assert form.get_attribute("data-state") == ("right" if right else "wrong"), kind
    page.evaluate("document.querySelectorAll('.dl-questions > li').forEach((one) => { one.hidden = false; })")

    assert reader.breaches(".dl-quiz") == []


@pytest.mark.parametrize("reader", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_every_question_fits_a_phone(reader) -> None:
    page = reader.open(CONCEPT)
    for button in page.locator(".dl-map button").all():
        button.click()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.locator(".dl-question:visible").count() == 1
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 24, "big enough for a thumb"
