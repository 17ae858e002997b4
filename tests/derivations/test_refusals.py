"""What the checker must not take: foreign parts, vacuous claims, steps without an end. Each error names its place."""

import ast
import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sympy as sp

from dlref import derivations
from dlref.derivations import Derivation, Step, WrongStep, __main__, _chain, _exact, load, names, symbols
from dlref.derivations._exact import OutOfTime, cpu_limit
from dlref.derivations._symbols import (
    Domain,
    count,
    index,
    positive,
    real,
    size,
    total,
    vector,
)

D = sp.Derivative
x, y, a = real("x"), real("y"), positive("a")
n = size()
i, j, k = (index(name, n) for name in "ijk")
z = vector(real("z"), n)
SIZES = [{n: 2}, {n: 3}]


def chain(*lines: object, **claims: object) -> Derivation:
    steps = [line if isinstance(line, Step) else Step(line, "because") for line in lines]
    return Derivation(steps, name="concept.topic", **claims)


def refused(derivation: Derivation) -> str:
    with pytest.raises(WrongStep) as raised:
        derivation.check()
    message = str(raised.value)
    assert message.startswith("concept.topic: "), message
    return message


def test_a_wrong_step_is_named_with_its_reason_a_point_and_both_values() -> None:
    message = refused(chain(x**2 - y**2, (x - y) * (x + y), Step((x - y) ** 2, "by mistake")))

    assert "step 2 (by mistake) is wrong: at x = " in message
    assert "y = " in message
    assert "the line before is " in message
    assert "this line is " in message
    assert message.endswith("before: (x - y)*(x + y)\n  after:  (x - y)**2")


def test_a_wrong_bound_is_refused() -> None:
    assert "needed '<='" in refused(chain(sp.exp(x), Step(1 + x, "a tangent", "<=")))


FOREIGN = {
    "text": ("x + 1", "is no sympy expression but the str"),
    "a rounded number from Python": (0.5, "is no sympy expression but the float"),
    "a relation": (sp.Eq(x, y), "is no sympy expression but the Equality"),
    "a rounded number": (x + sp.Float(0.5), "holds the rounded number 0.5"),
    "a symbol from elsewhere": (x + sp.Symbol("t"), "holds the symbol t from elsewhere"),
    "a real symbol from elsewhere": (x + sp.Symbol("x", real=True), "holds the symbol x from elsewhere"),
    "a dummy": (x + sp.Dummy("u", real=True), "holds the symbol _u from elsewhere"),
    "a matrix": (sp.MatrixSymbol("W", 2, 2)[0, 0] + x, "holds the matrix W"),
    "the trace of a matrix": (sp.Trace(sp.MatrixSymbol("W", 2, 2)), "holds the matrix W"),
    "a slope by a matrix": (
        D(sp.log(sp.Trace(sp.MatrixSymbol("W", 2, 2))), sp.MatrixSymbol("W", 2, 2)),
        "holds the matrix W",
    ),
    "nothing": (None, "is no sympy expression but the NoneType None"),
    "an explicit matrix": (sp.ImmutableMatrix([x]), "holds the matrix"),
    "a vector from elsewhere": (sp.IndexedBase("v")[i], "holds the symbol v from elsewhere"),
    "a slope by a bound index": (D(total(z[i] ** 2, i), z[i]), "differentiates by an index that a sum binds"),
    "a sum beyond its places": (sp.Sum(z[i], (i, 0, n)), "sums i from 0 to n, but it was made to run from 1 to n"),
    "a sum whose index is its own bound": (sp.Sum(z[k], (k, 1, k)), "sums k from 1 to k, but it was made to run"),
    "a slope of branches without kinks": (D(sp.Max(x, 0), x), "differentiates branches, but no kinks are declared"),
    "an unknown function": (sp.Function("f")(x), "holds the function f(x), which has no meaning"),
}


@pytest.mark.parametrize(("line", "fault"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_part_is_refused(line: object, fault: str) -> None:
    message = refused(chain(x, line, sizes=SIZES))

    assert message.startswith("concept.topic: step 1 ")
    assert fault in message


def called(path: Path) -> set[str]:
    """The names of all functions and methods that a file calls."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls}


def test_no_way_leads_from_text_to_a_formula() -> None:
    """Nothing in the package parses: no sympify of text, no LaTeX reader, no eval."""
    banned = {"sympify", "S", "parse_expr", "parse_latex", "eval", "exec", "nsimplify", "lambdify"}
    for path in Path(derivations.__file__).parent.glob("*.py"):
        allowed = {"lambdify"} if path.name == "_numeric.py" else set()  # of expressions that passed the law
        assert called(path) & (banned - allowed) == set(), path.name


def test_a_concept_takes_no_slope_and_makes_no_symbol() -> None:
    """An evaluated slope leaves no trace: only the checker takes slopes, and of what has passed the law."""
    banned = {"diff", "doit", "integrate", "summation", "simplify", "subs", "solve", "limit", "Matrix", "MatrixSymbol"}
    makers = {"Symbol", "symbols", "Dummy", "Wild", "Function", "IndexedBase", "Idx"}
    for path in Path(derivations.__file__).parent.glob("[a-z]*.py"):
        assert called(path) & (banned | makers) == set(), path.name


def test_every_slope_of_a_matrix_that_sympy_gets_wrong_is_refused() -> None:
    """Sympy says zero, without an error, to each of these."""
    weight = sp.MatrixSymbol("W", 2, 2)
    for loss in (sp.Trace(weight) + 1, sp.log(sp.Trace(weight)), sp.log(sp.Determinant(weight))):
        assert "step 0 holds the matrix W" in refused(chain(D(loss, weight), x))
        assert "step 0 holds the matrix W" in refused(chain(loss, x))


@pytest.mark.parametrize(
    "build",
    [
        lambda: x + "y",
        lambda: total("z", i),
        lambda: symbols.largest("z", i),
        lambda: symbols.quantity("q", "x + 1"),
        lambda: symbols.sigmoid("x"),
        lambda: symbols.softmax(z)("k"),
        lambda: symbols.between("p", "zero"),
    ],
)
def test_text_is_no_part_of_a_formula(build: Callable) -> None:
    with pytest.raises((TypeError, ValueError)):
        build()


@pytest.mark.parametrize("claims", [{"kinks": ["x"]}, {"poles": ["x"]}])
def test_text_is_no_kink_and_no_pole(claims: dict) -> None:
    assert "the kink, pole or touching place x is no sympy expression but the str 'x'" in refused(chain(x, y, **claims))


def test_text_is_no_touching_place() -> None:
    message = refused(chain(x**2, Step(sp.S.Zero, "a square", ">=", touch=("x", sp.S.Zero))))

    assert "the kink, pole or touching place x is no sympy expression but the str 'x'" in message


def test_the_witnesses_share_nothing() -> None:
    """The numbers know nothing of the proofs, nor the proofs of the numbers; only the chain knows both."""
    folder = Path(derivations.__file__).parent
    exact, numeric = {"_exact", "_cells", "_sums", "_concrete"}, {"_numeric"}
    for mine, theirs in ((exact, numeric | {"_samples"}), (numeric | {"_samples"}, exact | {"_proof"})):
        for name in mine:
            tree = ast.parse((folder / f"{name}.py").read_text())
            imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level}
            assert imported & theirs == set(), name


def test_one_line_says_nothing() -> None:
    assert "needs two lines or more, got 1" in refused(chain(x))


def test_the_same_line_twice_says_nothing() -> None:
    assert "step 1 repeats the line before it: x + y" in refused(chain(x + y, y + x))


def test_a_slope_that_is_zero_everywhere_says_nothing() -> None:
    """Deviations from the mean sum to zero: any formula times that gradient would pass."""
    constant = total(z[i] - total(z[j], j) / n, i)

    message = refused(chain(D(constant, z[k]), D(constant, z[k]) * z[k], sizes=SIZES))

    assert "step 0: Derivative(" in message
    assert "is zero everywhere, so anything may follow" in message


def test_the_slope_of_a_constant_says_nothing() -> None:
    constant = sp.cosh(x) ** 2 - sp.sinh(x) ** 2

    assert "is zero everywhere" in refused(chain(D(constant, x), 5 * D(constant, x)))


def test_an_upstream_gradient_of_zero_says_nothing() -> None:
    """Nerva's test of batch norm: with a plain sum for a loss, every formula for the gradient passes."""
    mean = total(z[j], j) / n
    loss = total((z[i] - mean) / sp.sqrt(total((z[j] - mean) ** 2, j) / n + a), i)

    assert "is zero everywhere" in refused(chain(D(loss, z[k]), 7 * D(loss, z[k]), sizes=SIZES))


def test_an_empty_domain_says_nothing() -> None:
    narrow = sp.tanh(x) / 1000  # nowhere as far from zero as a sample must be from a pole

    assert "is the domain empty?" in refused(chain(sp.sinh(x) / narrow, 1000 * sp.cosh(x), poles=[narrow]))


def test_an_interval_without_points_is_refused() -> None:
    with pytest.raises(ValueError, match="a domain needs lower < upper, got 2 and 1"):
        Domain(sp.Integer(2), sp.Integer(1))


def test_a_branch_that_no_sample_reaches_says_nothing() -> None:
    claim = sp.Piecewise((x, x > 100), (x**2, True))

    assert "step 0: no sample reaches (x, x > 100)" in refused(chain(claim, x**2, kinks=[x - 100]))


def test_bounds_both_ways_say_nothing_about_the_ends() -> None:
    message = refused(chain(x, Step(x + a, "more", "<="), Step(x, "less", ">=")))

    assert "<= and >= in one chain say nothing about its ends" in message


def test_a_relation_is_one_of_three() -> None:
    assert "has the relation '<'; it must be one of =, <=, >=" in refused(chain(x, Step(x + a, "more", "<")))


def test_a_kink_from_elsewhere_is_refused() -> None:
    foreign = chain(sp.Abs(x), sp.Max(x, -x), kinks=[sp.Symbol("x")])

    assert "the kink, pole or touching place x holds the symbol x from elsewhere" in refused(foreign)


def test_two_symbols_may_not_share_a_name() -> None:
    assert "two different symbols are called x" in refused(chain(x + positive("x"), 2 * x))


def test_a_size_needs_numbers() -> None:
    message = refused(chain(total(z[i], i), total(z[j], j)))

    assert "n has no number: give it some, as in sizes=[{n: 3}]" in message


def test_a_line_without_a_value_in_its_domain_is_refused() -> None:
    message = refused(chain(sp.log(x * a), sp.log(a) + sp.log(x)))

    assert "step 0 has no value at a = " in message
    assert "no real number" in message


def test_an_undeclared_kink_is_not_proved() -> None:
    claim = chain(sp.Max(x, 0) + sp.Max(x - 1, 0), sp.Piecewise((2 * x - 1, x > 1), (x, x > 0), (0, True)), kinks=[x])

    assert "declared 'exact', reached 'numeric" in refused(claim)
    assert chain(*claim.steps, kinks=[x, x - 1]).check().level == "exact on open cells"


def test_agreement_is_no_proof() -> None:
    """True, and beyond the exact witness: the level says so, and one that claims more is refused."""
    claim = [Step(x**4 + 1), Step(x, "the gap has no real root", ">=")]

    assert chain(*claim, expect="numeric").check().level == "numeric, 24 points, 40 digits"
    assert "declared 'exact', reached 'numeric, 24 points, 40 digits'; look at step 1" in refused(chain(*claim))


def test_a_level_that_is_declared_must_be_reached() -> None:
    at_sizes = chain(total(sp.Abs(z[i]), i), Step(total(sp.Max(z[i], -z[i]), i), "two ways to write it"), kinks=[z[i]])
    at_sizes.sizes = SIZES

    assert at_sizes.check().level == "exact for n = 2, 3, on open cells"
    at_sizes.expect = "exact, all n"
    assert "declared 'exact, all n', reached 'exact for n = 2, 3, on open cells'; look at step 1" in refused(at_sizes)


def test_a_search_without_an_end_is_stopped_by_cpu_time() -> None:
    def long() -> None:
        start = time.process_time()
        while time.process_time() - start < 1:
            pass

    with pytest.raises(OutOfTime), cpu_limit(0.05):
        long()


def test_sympy_cannot_swallow_the_limit() -> None:
    def swallowing() -> None:
        start = time.process_time()
        while time.process_time() - start < 1:
            with contextlib.suppress(Exception):  # as sympy does in many places
                sum(range(100_000))

    with pytest.raises(OutOfTime), cpu_limit(0.05):
        swallowing()


def test_an_inner_limit_does_not_lengthen_an_outer_one() -> None:
    def many_limits() -> None:
        for _ in range(20_000):  # each so short that no alarm could ring within it
            with cpu_limit(60):
                sum(range(2_000))

    start = time.process_time()
    with pytest.raises(OutOfTime), cpu_limit(0.1):
        many_limits()

    assert time.process_time() - start < 0.4


def test_no_rung_starts_when_the_limit_around_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_exact, "_deadlines", [0.0])

    with pytest.raises(OutOfTime):
        _exact.vanishes(x)


def test_a_busy_machine_changes_no_verdict() -> None:
    """The clock that stops a search stands still while the process waits."""
    with cpu_limit(0.05):
        time.sleep(0.3)


def test_a_rung_that_runs_out_of_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(d: sp.Expr) -> sp.Expr:
        while True:
            d = d + 1

    monkeypatch.setattr(_exact, "RUNGS", {"slowly": slow})
    monkeypatch.setattr(_exact, "RUNG_SECONDS", 0.05)

    message = refused(chain((x + 1) ** 2, x**2 + 2 * x + 1))
    assert message.endswith("look at step 1; out of time: slowly")


def test_a_step_that_takes_too_long_to_evaluate_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_chain, "NUMERIC_SECONDS", 0.05)
    slow = sp.Integral(sp.sin(1000 * x * y) ** 2 * sp.exp(-(y**2)), (y, -sp.oo, sp.oo))

    assert "step 1 takes over 0.05 s to evaluate" in refused(chain(x**2, slow))


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dlref.derivations", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_prints_level_and_seconds() -> None:
    result = run("regression_losses.huber_grad", "classification_losses.cross_entropy_grad")

    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stderr
    assert len(lines) == 2
    assert re.fullmatch(r"regression_losses\.huber_grad +\d+\.\d\d s +exact on open cells", lines[0])
    assert lines[1].endswith("exact, all n")


def test_the_command_refuses_an_unknown_name_in_one_line() -> None:
    result = run("regression_losses.hubert")

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("there is no derivation 'regression_losses.hubert'")
    assert result.stderr.count("\n") == 1


def test_the_command_fails_when_a_derivation_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "load", lambda name: Derivation([Step(x), Step(2 * x, "doubled")], name=name))

    assert __main__.main(["regression_losses.huber"]) == 1
    assert "REFUSED" in capsys.readouterr().out


def test_what_cannot_be_built_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivations, "_topics", lambda _: {"huber": lambda: Domain(sp.Integer(2), sp.Integer(1))})

    with pytest.raises(WrongStep, match=r"regression_losses\.huber: it cannot be built: a domain needs lower < upper"):
        load("regression_losses.huber")


def test_names_are_found_and_loaded_by_name() -> None:
    assert "regression_losses.huber_grad" in names()
    assert not [name for name in names() if "._" in name or name.startswith("_")]
    assert load("regression_losses.huber_grad").title == "Huber pulls with the error, clipped"
    with pytest.raises(KeyError, match="there is no derivation 'huber'"):
        load("huber")


def test_an_import_of_the_package_brings_no_sympy() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "import dlref, sys; print('sympy' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == "False"


def test_nothing_is_shown_that_was_not_checked() -> None:
    wrong = chain(x**2, 2 * x)
    for show in (wrong.rows, wrong.latex, wrong.statement, wrong.notes, lambda: wrong.badge, lambda: wrong.level):
        with pytest.raises(WrongStep):
            show()


def test_whole_numbers_are_tried_on_the_whole_grid() -> None:
    """As for the size of a convolution's output: a floor is beyond the exact witness."""
    height, padding = count("H"), count("P")
    hard = [Step(sp.floor((height + padding) / 3)), Step(sp.floor(height / 3) + sp.floor(padding / 3), "parts", ">=")]

    assert chain(*hard, expect="grid").check().level == "grid, 64 points"
    assert len({tuple(at.values()) for at in chain(*hard).space.points("seed")}) == 64
    assert "declared 'exact', reached 'grid, 64 points'" in refused(chain(*hard))


def test_an_argued_step_makes_the_whole_chain_prose() -> None:
    """The words stand for the proof only: the numbers may still refuse the step, and the level must be declared."""
    claim = [Step(x**4 + 1), Step(x, "the gap has no real root", ">=", argued=True)]

    assert chain(*claim, expect="prose").check().level == "prose"
    assert "declared 'numeric', reached 'prose'; look at step 1" in refused(chain(*claim, expect="numeric"))
    assert "is wrong" in refused(chain(x, Step(x + a, "trust me", ">=", argued=True), expect="prose"))
    assert chain((x + 1) ** 2, Step(x**2 + 2 * x + 1, "needless", argued=True)).check().level == "exact"
