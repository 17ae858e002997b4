"""What a build may remember, what it must check again, and what a claim on a page must pass."""

from pathlib import Path

import pytest
import sympy as sp
from pymdownx.superfences import SuperFencesException

from dldocs import chains, fences, verdicts
from dldocs.claims import claim
from dlref.derivations import Derivation, Step, WrongStep, load, names, symbols

x = symbols.real("x")


def line(right: sp.Expr, **where: object) -> Derivation:
    return Derivation([Step((x + 1) ** 2), Step(right, "expand")], name="test.square", **where)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(verdicts, "STORE", tmp_path)
    return tmp_path


def test_an_unchanged_derivation_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = verdicts.verified(line(x**2 + 2 * x + 1))
    monkeypatch.setattr(Derivation, "check", lambda _: pytest.fail("checked again"))
    again = verdicts.verified(line(x**2 + 2 * x + 1))

    assert (again.level, again.badge) == (first.level, first.badge)


def test_a_changed_step_is_checked_and_refused_whatever_was_remembered() -> None:
    verdicts.verified(line(x**2 + 2 * x + 1))

    with pytest.raises(WrongStep, match="step 1"):
        verdicts.verified(line(x**2 + 2 * x + 2))


def test_the_key_covers_steps_place_domain_and_checker(monkeypatch: pytest.MonkeyPatch) -> None:
    y = symbols.positive("x")
    keys = [
        verdicts.key(line(x**2 + 2 * x + 1)),
        verdicts.key(line(x**2 + 2 * x + 2)),
        verdicts.key(line(x**2 + 2 * x + 1, kinks=[x])),
        verdicts.key(Derivation([Step((x + 1) ** 2), Step(x**2 + 2 * x + 1, argued=True)], name="test.square")),
        verdicts.key(line(x**2 + 2 * x + 1, poles=[x])),
        verdicts.key(Derivation([Step((y + 1) ** 2), Step(y**2 + 2 * y + 1)], name="test.square")),
    ]
    monkeypatch.setattr(verdicts, "checker", lambda: "another checker")
    keys.append(verdicts.key(line(x**2 + 2 * x + 1)))

    assert len(set(keys)) == len(keys)


def test_a_refused_derivation_is_not_remembered(store: Path) -> None:
    with pytest.raises(WrongStep):
        verdicts.verified(line(x**2))

    assert list(store.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("sigmoid(-x) == 1 - sigmoid(x)\nx: real", "exact"),
        ("abs(x) == max(x, -x)\nx: real\nkinks: x", "exact on open cells"),
        ("p*(1 - p) <= 1/4\np: unit", "exact"),
        ("log(x/(1 + x)) == log(x) - log(1 + x)\nx: positive", "exact"),
    ],
)
def test_a_true_claim_is_typeset_with_its_level(text: str, level: str) -> None:
    assert claim(text).level == level


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sigmoid(-x) == -sigmoid(x)\nx: real", "is wrong"),
        ("tanh(x) == 2*sigmoid(x) - 1\nx: real", "is wrong"),
        ("x == x\nx: real", "repeats"),
        ("x + 1\nx: real", "comparison"),
        ("sigmoid(y) == 1\nx: real", "unknown name 'y'"),
        ("x.__class__ == x\nx: real", "fence 'claim'"),
        ("atan(x) == x\nx: real", "claims do not know 'atan'"),
    ],
)
def test_anything_else_stops_the_build(text: str, said: str) -> None:
    with pytest.raises(SuperFencesException, match=said):
        fences.claim(text, "claim", "claim", {}, None)


def test_a_badge_shows_all_that_a_verdict_rests_on() -> None:
    shown = str(chains.badge(load("activations.elu").check()))
    beside = str(chains.badge(line(x**2 + 2 * x + 1, poles=[x + 3]).check()))

    assert "exact on open cells" in shown
    assert r'kink at <span class="arithmatex">\(x = 0\)' in shown
    assert r"\(\alpha > 0\)" in shown.replace("&gt;", ">")
    assert f"sympy {sp.__version__}" in shown
    assert r'pole at <span class="arithmatex">\(3 + x = 0\)' in beside


def test_every_level_has_its_words_on_the_page_and_in_the_badge() -> None:
    page = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
    for level in chains.MEANING:
        assert f"- *{level}" in page, level
    levels = {load(name).expect.split(",")[0].partition(" for ")[0] for name in names()}
    assert levels <= {"exact", "exact on open cells", "numeric", "grid", "prose"}


def test_what_a_name_stands_for_is_said_under_the_chain() -> None:
    shown = str(chains.chain("regression_losses.huber_grad"))

    assert r'where <span class="arithmatex">\(\displaystyle e = \hat y - y\)' in shown
