import math
import os
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from dlquiz.formula import (
    FormulaError,
    LimitError,
    UndefinedError,
    derivative,
    holds,
    parse,
    parse_claim,
    same,
    samples,
    show,
    unstable,
    value,
)
from dlquiz.tree import parse as read_yaml

from .refusals import BOMBS, REFUSED

FILE = read_yaml((Path(__file__).parent / "pairs.yml").read_bytes()).value
PAIRS = [pytest.param(pair, id=pair["what"]) for pair in FILE["pairs"]]
BLIND = [pytest.param(pair, id=pair["what"]) for pair in FILE["blind"]]
SECONDS = float(os.environ.get("DLQUIZ_FUZZ", "4"))
XYS = {"x": "real", "y": "positive", "s": "unit"}


def compare(pair):
    return same(parse(pair["typed"], pair["in"]), parse(pair["key"], pair["in"]), pair["in"])


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_has_its_true_verdict(pair):
    verdict = compare(pair)

    assert verdict.equal is pair["equal"]
    assert not verdict.undecided
    assert verdict.equal or verdict.point.keys() == pair["in"].keys()


def test_no_pair_takes_fifty_milliseconds():
    """Of processor time, the best of three runs: what a busy machine adds is not the formula's."""
    slowest = max((min(seconds(compare, pair) for _ in range(3)), pair["what"]) for pair in FILE["pairs"])
    print(f"slowest pair: {slowest[1]}, {slowest[0] * 1000:.1f} ms")

    assert slowest[0] < 0.05, slowest


def seconds(do, *args):
    start = time.process_time()
    do(*args)
    return time.process_time() - start


@pytest.mark.parametrize("pair", BLIND)
def test_the_honest_limit(pair):
    """A difference that no sample sees is not seen; compare.py says so."""
    assert compare(pair).equal


@pytest.mark.parametrize("text", REFUSED)
def test_a_refusal_says_what_to_type(text):
    start = time.process_time()

    with pytest.raises(FormulaError) as refused:
        parse(text, XYS)

    assert REFUSED[text] in str(refused.value)
    assert refused.value.column is None or 0 <= refused.value.column <= len(text)
    assert time.process_time() - start < 0.1


@pytest.fixture
def _no_hang():
    """A formula that never ends must fail its test, not stop all of them."""

    def give_up(*_):
        raise TimeoutError

    signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, 10 + SECONDS)  # of this process' own time, however busy the machine is
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@pytest.mark.usefixtures("_no_hang")
@pytest.mark.parametrize("text", BOMBS)
def test_a_bomb_has_no_value_at_once(text):
    start = time.process_time()

    verdict = same(parse(text, XYS), parse("x", XYS), XYS)

    assert not verdict.equal
    assert time.process_time() - start < 0.2


def test_a_counterexample_is_a_point_where_they_differ():
    verdict = same(parse("s*(1+s)", XYS), parse("s*(1-s)", XYS), {"s": "unit"})

    assert verdict.got != verdict.want
    assert value(parse("s*(1+s)", XYS), verdict.point) == pytest.approx(float(verdict.got), rel=1e-6)
    assert show({"x": 2.5, "d": 1}) == "x = 2.5, d = 1"


def test_a_difference_at_a_tie_is_a_remark_unless_ties_count():
    step, sign = parse("where(x >= 0, 1, -1)", "x"), parse("sign(x)", "x")

    assert "differs from the key only at x = 0" in same(step, sign, {"x": "real"}).note
    assert not same(step, sign, {"x": "real"}, ties=True).equal


def test_a_key_that_has_no_values_is_undecided():
    verdict = same(parse("x", "x"), parse("log(-x)", "x"), {"x": "positive"})

    assert not verdict.equal
    assert verdict.undecided


@pytest.mark.parametrize("text", ["exp(x)", "e^x", "sigmoid(x)", "softplus(x)", "10^x", "exp(x/2)*exp(x)", "exp(x)/2"])
def test_what_is_too_small_is_zero(text):
    assert value(parse(f"1 + {text}", "x"), {"x": -30_000}) == 1
    assert value(parse(text, "x"), {"x": -50_000}) == 0
    with pytest.raises(LimitError, match="underflow"):
        value(parse(text, "x"), {"x": -50_000}, strict=True)


@pytest.mark.parametrize(
    ("typed", "key", "domain"),
    [
        ("2*exp(-exp(x))", "exp(-exp(x))", (10.8, 12)),
        ("-exp(x)", "log(exp(-exp(x)))", (10.8, 12)),
        ("exp(x) - 10^x", "exp(x)", (20_000, 30_000)),
    ],
)
def test_where_numbers_pass_the_limits_nothing_is_called_wrong_or_right(typed, key, domain):
    verdict = same(parse(typed, "x"), parse(key, "x"), {"x": domain})

    assert verdict.undecided
    assert not verdict.equal


def test_a_limit_at_some_points_leaves_the_others_to_decide():
    typed, key = parse("log(exp(-exp(x)))", "x"), parse("-exp(x)", "x")

    assert same(typed, key, {"x": "real"}).equal
    assert not same(parse("log(exp(-exp(x))) + 1", "x"), key, {"x": "real"}).equal


@pytest.mark.parametrize("turns", range(1, 9))
@pytest.mark.parametrize("sign", ["", "-"])
def test_noise_in_the_last_digit_makes_nothing_equal(turns, sign):
    """The sine of pi is 0 and comes out as 1e-50 or -1e-120: a root of it has a value in one and none in the other."""
    assert not same(parse(f"x + 0*sqrt({sign}sin({turns}*pi))", "x"), parse("x^2", "x"), {"x": "real"}).equal


def test_an_angle_beyond_its_digits_is_undecided_and_not_called_wrong():
    typed, key = parse("sin(exp(exp(x) + 1) / e)", "x"), parse("sin(exp(exp(x)))", "x")

    assert same(typed, key, {"x": (6, 7)}).undecided
    assert same(typed, key, {"x": (1, 2)}).equal


def test_a_forbidden_function_is_refused_under_every_name():
    for text in ("softplus(x)", "ln(x)", "σ(x)"):
        with pytest.raises(FormulaError, match="must do without"):
            parse(text, "x", forbid=["softplus", "log", "sigmoid"])


def test_a_number_is_exact_in_its_decimals():
    assert abs(value(parse("0.1 + 0.2 - 0.3", ()), {})) < 1e-50


@pytest.mark.parametrize(
    ("text", "point"),
    [("1/x", 0), ("log(x)", 0), ("log(x)", -1), ("sqrt(x)", -1), ("x^0.5", -4), ("exp(x)", 10**5), ("0^x", -1)],
)
def test_a_point_without_a_real_value_is_undefined(text, point):
    with pytest.raises(UndefinedError):
        value(parse(text, "x"), {"x": point})


def test_samples_stay_in_their_domains_and_repeat():
    domain = {"x": "real", "y": "positive", "s": "unit", "t": (1, 50), "z": "real"}
    drawn = list(samples(domain, count=200))

    assert drawn == list(samples(domain, count=200))
    assert all(point["y"] > 0 and 0 < point["s"] < 1 and 1 <= point["t"] <= 50 for _, point in drawn)
    assert {math.copysign(1, point["x"]) for special, point in drawn if not special} == {1, -1}
    assert any(point["x"] == point["z"] for special, point in drawn if special)
    assert any(point["x"] == 0 for special, point in drawn if special)


def test_a_derivative_is_exact_to_forty_digits():
    slope = derivative(parse("where(abs(x) <= d, x^2/2, d*(abs(x) - d/2))", "xd"), {"x": -3.0, "d": 2.0}, "x")

    assert abs(slope + 2) < 1e-40


# -- claims


@pytest.mark.parametrize(
    ("claim", "true"),
    [
        ("a > 10*b", True),
        ("a < b", False),
        ("a == 100*b", True),
        ("a != b and not a < b", True),
        ("a < b or b < a", True),
        ("(a < b or b < a) and a > 0", True),
        ("0 < b < a <= 1", True),
        ("0 < b < a < 1", False),
        ("abs(a - 1) <= 0", True),
        ("a*(1 + 1e-10) == a", True),
        ("a*(1 + 1e-10) > a", False),
        ("a*(1 + 1e-10) <= a", True),
        ("a*(1 + 1e-8) == a", False),
        ("1e-13 == 0", True),
        ("1e-11 == 0", False),
    ],
)
def test_a_claim_is_true_or_false_up_to_rounding(claim, true):
    assert holds(parse_claim(claim, "ab"), {"a": 1.0, "b": 0.01}) is true


@pytest.mark.parametrize(
    "text", ["a", "a + b", "a = b", "(a < b) + 1 > 0", "a <", "not a", "a < b < ", "a < b if a > b else b < a"]
)
def test_what_is_no_claim_is_refused(text):
    with pytest.raises(FormulaError):
        parse_claim(text, "ab")


# -- floating point


@pytest.mark.parametrize(
    ("text", "fails_at"),
    [
        ("log(1 + exp(x))", [100, -50]),
        ("max(x, 0) + log(1 + exp(-abs(x)))", [-50]),
        ("softplus(x)", [100, -50]),
        ("max(x, 0) + log1p(exp(-abs(x)))", []),
        ("log1p(exp(x))", [100]),
        ("clip(x, 0, 1000) + log1p(exp(-abs(x)))", []),
        ("where(x > 0, x + log1p(exp(-x)), log1p(exp(x)))", []),
    ],
)
def test_a_form_fails_in_float32_where_its_digits_run_out(text, fails_at):
    key = parse("log(1 + exp(x))", "x")
    points = [{"x": 100}, {"x": 0}, {"x": -50}]

    failed = unstable(parse(text, "x"), key, points, "float32", 1e-3)

    assert [failure.point["x"] for failure in failed] == fails_at


def test_float64_goes_further_than_float32():
    naive, points = parse("log(1 + exp(x))", "x"), [{"x": 200}]

    assert unstable(naive, naive, points, "float32", 1e-3)
    assert not unstable(naive, naive, points, "float64", 1e-3)


# -- fuzz


TOKENS = """x y s 1 2.5 1e5 9 ( ) + - * / ** ^ exp( log( max( min( where( abs( sqrt( tanh( erf( , < <= == if else
and or not e pi . sigmoid( softplus( cosh( tan( = | _ ²"""
LEAVES = "x y s 1 2.5 9999 1e-9 pi e 1e15"
CALLS = "exp log sqrt abs tanh cosh sinh erf sigmoid softplus sin tan log1p expm1 sign relu"


def grown(random, depth=0):
    """A formula that parses more often than not."""
    kind = random.random()
    if depth > 8 or kind < 0.25:
        return random.choice(LEAVES.split())
    if kind < 0.55:
        return f"({grown(random, depth + 1)}{random.choice('+-*/^')}{grown(random, depth + 1)})"
    if kind < 0.9:
        return f"{random.choice(CALLS.split())}({grown(random, depth + 1)})"
    parts = [grown(random, depth + 1) for _ in range(4)]
    return "where({}<{},{},{})".format(*parts) if kind < 0.95 else "({} if {}>={} else {})".format(*parts)


def scrambled(random):
    kind = random.randrange(3)
    if kind == 0:
        return random.choice(("", " ")).join(random.choice(TOKENS.split()) for _ in range(random.randrange(1, 25)))
    if kind == 1:
        return grown(random)
    code = random.choice([(32, 127), (0, 0x3000)])
    return "".join(chr(random.randrange(*code)) for _ in range(random.randrange(1, 20)))


@pytest.mark.usefixtures("_no_hang")
def test_fuzzing_raises_nothing_but_formula_errors_and_never_hangs(record_property):
    """DLQUIZ_FUZZ=60 fuzzes for a minute."""
    random = Random(7)  # the same texts every time
    key = parse("s*(1-s)+x*y", XYS)
    told, slowest, end = Counter(), (0.0, ""), time.process_time() + SECONDS
    while time.process_time() < end:
        text, start = scrambled(random), time.process_time()
        try:
            verdict = same(parse(text, XYS), key, XYS)
            told["undecided" if verdict.undecided else "equal" if verdict.equal else "different"] += 1
        except FormulaError:
            told["refused"] += 1
        slowest = max(slowest, (time.process_time() - start, text))
    record_property("fuzzed", dict(told))
    print(f"{told.total()} texts: {dict(told)}; slowest {slowest[0]:.3f} s: {slowest[1]!r}")

    assert not told["equal"]
    assert told.total() - told["refused"] > 20 * SECONDS
    assert told["refused"] > 20 * SECONDS
    assert slowest[0] < 1.5
