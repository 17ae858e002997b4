"""One entry per kind of question: what is asked for, the fields to answer in, and what the page grades by."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from dldocs.markup import prose, tag, trusted
from dlquiz import formula
from dlquiz.grade import failures
from dlquiz.params import fill, show
from dlquiz.question import Asked

TINY = 1e-290  # below it a double runs out of digits
DOMAINS = {"real": "any real number", "positive": "above 0", "unit": "between 0 and 1"}
FUNCTIONS = (
    "Write products with * and powers with ^. Known: pi, e, abs, sign, sqrt, exp, log, log1p, expm1, tanh, sigmoid, "
    "softplus, relu, erf, sin, cos, max(a, b), min(a, b), clip(x, low, high), where(a > b, then, else)."
)


class Kind(NamedTuple):
    """How one kind of question is asked on a page, graded there, and answered."""

    order: str
    fields: Callable[[Asked, str], Markup]
    data: Callable[[Asked], dict[str, Any]]
    key: Callable[[Asked], Markup]


def option(name: str, value: str, text: Markup, control: str) -> Markup:
    """A radio button or a box with its label; the page puts the feedback to it below."""
    field = tag("input", type=control, name="answer", value=value, id=f"{name}-{value}")
    return tag("div", field, tag("label", text, for_=f"{name}-{value}"), class_="dl-option")


def choice_fields(asked: Asked, name: str) -> Markup:
    """One control for each choice: boxes where several may be right."""
    control = "checkbox" if asked.kind == "multiple" else "radio"
    return Markup("").join(option(name, one.letter, prose(one.text), control) for one in asked.choices)


def choice_data(asked: Asked) -> dict[str, Any]:
    """Which choices are right, and the feedback to each."""
    return {"choices": [{"letter": c.letter, "correct": c.correct, "why": c.why} for c in asked.choices]}


def choice_key(asked: Asked) -> Markup:
    """The right choices, each with its feedback."""
    return tag("ul", *(tag("li", prose(c.text), " ", tag("em", prose(c.why))) for c in asked.choices if c.correct))


def truth_fields(_asked: Asked, name: str) -> Markup:
    """Two radio buttons."""
    return option(name, "true", Markup("True"), "radio") + option(name, "false", Markup("False"), "radio")


def truth_data(asked: Asked) -> dict[str, Any]:
    """The answer, and what to say to the other one."""
    question: Any = asked.question
    return {"answer": asked.key(), "why_not": fill(question.why_not, asked.values)}


def typed_field(asked: Asked, name: str) -> Markup:
    """A text field, with the unit where there is one."""
    unit = getattr(asked.question, "unit", "")
    label = tag("label", "Your answer", for_=f"{name}-answer", class_="dl-label")
    words = {"autocapitalize": "off", "autocomplete": "off", "spellcheck": "false"}
    field = tag("input", type="text", name="answer", id=f"{name}-answer", class_="dl-field", **words)
    return tag("div", label, field, tag("span", f" {unit}") if unit else "", class_="dl-typed")


def number_data(asked: Asked) -> dict[str, Any]:
    """The key, its tolerance, and what each named mistake gives for the numbers drawn."""
    question: Any = asked.question
    mistakes = [{"value": value_of(asked, m), "say": fill(m.say, asked.values)} for m in question.mistakes]
    return {
        "answer": asked.key(),
        "tolerance": {"abs": question.tolerance.abs, "rel": question.tolerance.rel},
        "unit": question.unit,
        "mistakes": [mistake for mistake in mistakes if mistake["value"] is not None],
    }


def value_of(asked: Asked, mistake: Any) -> float | None:
    """What this mistake gives for the numbers drawn, where it gives anything."""
    try:
        value = asked.number(mistake)
    except ArithmeticError:
        return None
    return value if math.isfinite(value) else None


def number_key(asked: Asked) -> Markup:
    """The number, with its unit."""
    question: Any = asked.question
    key = asked.key()
    written = tag("code", key if isinstance(key, str) else show(key))
    return tag("p", written, f" {question.unit}" if question.unit else "")


def formula_fields(asked: Asked, name: str) -> Markup:
    """A text field, and the symbols that the answer may use."""
    question: Any = asked.question
    symbols = [tag("code", key) + f" {domain(kind)}" for key, kind in question.symbols.items()]
    without = f" This answer must do without {', '.join(question.forbid)}." if question.forbid else ""
    told = tag("p", Markup("; ").join(symbols), ".", without, class_="dl-symbols")
    how = tag("details", tag("summary", "How to type it"), tag("p", FUNCTIONS), class_="dl-help")
    return told + typed_field(asked, name) + tag("div", class_="dl-preview", aria_hidden="true") + how


def domain(kind: str | tuple[float, float]) -> str:
    """Where a symbol lives, in words."""
    return DOMAINS[kind] if isinstance(kind, str) else f"between {kind[0]:g} and {kind[1]:g}"


def formula_data(asked: Asked) -> dict[str, Any]:
    """Key and mistakes as values at the points where the terminal would compare them."""
    question: Any = asked.question
    read = [(formula.parse(m.formula, question.symbols), m.say) for m in question.mistakes]
    known = {
        "symbols": list(question.symbols),
        "forbid": question.forbid,
        "ties": question.ties,
        "points": list(points(formula.parse(question.answer, question.symbols), question.symbols)),
        "mistakes": [mistake_data(question, mistake, say) for mistake, say in read],
    }
    if asked.kind == "stable":
        key, survives = formula.parse(question.answer, question.symbols), question.stable
        at = [{"at": point, "key": float(formula.value(key, point))} for point in survives.at]
        known["stable"] = {"dtype": survives.dtype, "rel": survives.rel, "points": at}
    return known


def mistake_data(question: Any, mistake: formula.Formula, say: str) -> dict[str, Any]:
    """A mistake's values, what to say to it, and where it fails in floating point."""
    missed = [
        failure.point for failure in failures(question, mistake, formula.parse(question.answer, question.symbols))
    ]
    return {"points": list(points(mistake, question.symbols)), "missed": missed, "say": say}


def points(key: formula.Formula, domains: Any) -> Iterator[dict[str, Any]]:
    """What a formula is worth where the terminal would compare it: to 50 digits, and then to a double."""
    for special, point in formula.samples(domains):
        try:
            exact = formula.value(key, point, strict=True)
            value = float(exact)
        except ArithmeticError:  # no value here, or none that a double can hold
            continue
        if exact == 0 or TINY < abs(value) < math.inf:
            yield {"at": point, "key": value, "special": special}


def formula_key(asked: Asked) -> Markup:
    """The formula; the page typesets it."""
    question: Any = asked.question
    return tag("p", tag("code", str(asked.key()), data_symbols=" ".join(question.symbols)), class_="dl-formula-key")


def order_fields(asked: Asked, name: str) -> Markup:
    """The steps as drawn; the page gives each its buttons."""
    steps = [tag("li", tag("span", prose(text), id=f"{name}-{a}"), data_letter=a) for a, text in asked.steps]
    return tag("ol", *steps, class_="dl-order")


def order_data(asked: Asked) -> dict[str, Any]:
    """Which steps stand before which."""
    question: Any = asked.question
    letter = {name: letter for letter, name in asked.names.items()}
    after = {letter[name]: [letter[one] for one in before] for name, before in question.after.items()}
    values = {letter[name]: value for name, value in asked.step_values().items()}
    return {"letters": list(asked.names), "after": after, "values": values}


def order_key(asked: Asked) -> Markup:
    """The steps in an order that is right."""
    text = dict(asked.steps)
    return tag("ol", *(tag("li", prose(text[letter])) for letter in str(asked.key())))


def bug_fields(asked: Asked, name: str) -> Markup:
    """The code, one radio button to a line."""
    code = highlight(asked.code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n").split("\n")
    lines = [option(name, str(i), numbered(i, line), "radio") for i, line in enumerate(code, 1)]
    return tag("div", *lines, class_="dl-code highlight")


def numbered(number: int, line: str) -> Markup:
    """A line of code with its number, spoken as one."""
    spoken = tag("span", "line ", class_="dl-spoken")
    return tag("span", spoken, str(number), class_="dl-number") + tag("code", trusted(line or " "))


def bug_data(asked: Asked) -> dict[str, Any]:
    """The wrong line, and why it is wrong."""
    mutant = asked.mutant()
    return {"answer": mutant.wrong, "why": mutant.why, "lines": len(mutant.lines)}


def bug_key(asked: Asked) -> Markup:
    """The wrong line, in words."""
    mutant = asked.mutant()
    return tag(
        "p", f"Line {mutant.wrong}: ", prose(mutant.why), tag("br"), "It should be ", tag("code", mutant.right), "."
    )


def code_fields(asked: Asked, _name: str) -> Markup:
    """Where to answer, for a page cannot run Python, and what one starts from."""
    command = tag("code", f"dlquiz ask {asked.id}")
    said = tag("p", "Answer it in the terminal: ", command, ". There your function is run beside the reference.")
    return said + listing(asked.stub)


def listing(code: str) -> Markup:
    """Python, coloured."""
    coloured = trusted(highlight(code, PythonLexer(), HtmlFormatter(nowrap=True)))
    return tag("div", tag("pre", tag("code", coloured), tabindex="0"), class_="highlight")


def code_key(asked: Asked) -> Markup:
    """The reference, in torch whatever was asked for."""
    return tag("p", "The reference:") + listing(str(asked.key()))


CHOICE = (choice_fields, choice_data, choice_key)
FORMULA = (formula_fields, formula_data, formula_key)
KINDS = {
    "single": Kind("choose one", *CHOICE),
    "multiple": Kind("choose all that hold", *CHOICE),
    "truefalse": Kind("true or false", truth_fields, truth_data, lambda asked: tag("p", str(asked.key()).capitalize())),
    "number": Kind("a number", typed_field, number_data, number_key),
    "formula": Kind("a formula", *FORMULA),
    "stable": Kind("a formula that survives rounding", *FORMULA),
    "order": Kind("put in order", order_fields, order_data, order_key),
    "bug": Kind("find the wrong line", bug_fields, bug_data, bug_key),
    "code": Kind("write the function", code_fields, lambda _: {}, code_key),
}
