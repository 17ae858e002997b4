"""Every erratum is shown by a run: what is written fails, and what is true is what somebody else's code says."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  the name it goes by everywhere
from torch import optim
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dlquiz import bank
from fences import DOCS, fences, run
from wide import wide

PAGE = DOCS / "errata.md"
CONCEPT = r"\[.+\]\(concepts/(?P<concept>\w+)\.md(?:#[\w-]+)?\)"
QUESTION = r'<a href="concepts/(?P=concept)\.html#quiz-(?P<id>[\w-]+)">(?P=id)</a>'
ASKED = re.compile(rf"^{CONCEPT}, asked as {QUESTION}$", re.M)
WAITS = re.compile(r"^Waits for: (\w+)$", re.M)


@dataclass(frozen=True)
class Erratum:
    """One section of the page: its text, and the sessions of its runs."""

    text: str
    sessions: set[object]


def sections():
    """Part the page at its headings of the third level."""
    text = PAGE.read_text()
    heads = [(found[1], found.start()) for found in re.finditer(r"^### (.+)$", text, re.M)]
    for (title, start), (_, end) in pairwise([*heads, ("", len(text))]):
        first, last = (text.count("\n", 0, place) for place in (start, end))
        inside = [fence for fence in fences(PAGE) if first < fence.line <= last and fence.executed]
        yield title, Erratum(text[start:end], {fence.session for fence in inside})


ERRATA = dict(sections())
every_title = pytest.mark.parametrize("title", ERRATA)


def steps(optimizer, grads, key, **options):
    """What torch's optimizer remembers of one weight after these gradients."""
    w = torch.zeros(1, requires_grad=True)
    rule = optimizer([w], lr=1.0, **options)
    for grad in grads:
        w.grad = torch.full((1,), float(grad))
        rule.step()
    return w.item() if key is None else rule.state[w][key].item()


def one_step_of_adamw(_):
    w = torch.full((2,), 10.0, requires_grad=True)
    w.grad = torch.tensor([1.0, 0.01])
    optim.AdamW([w], lr=0.1, weight_decay=0.1).step()
    return w.detach()


def mean_of_dropped(x):
    return F.dropout(torch.tensor(x).expand(10**6, len(x)), 0.2).sum(1).mean()


def layer_ten(activation, gain):
    return wide(activation, gain, depth=10)


# What is true, said by an implementation that nobody here wrote or by theory, and how near a run must come.
ORACLES = {
    "The absolute error without its bars": lambda n: 2 * F.l1_loss(n["p"], n["y"], reduction="none"),
    "The mean absolute error called MSE": lambda n: F.mse_loss(n["p"], n["y"]),
    "Huber's tail": lambda n: F.huber_loss(n["p"], n["y"], reduction="none", delta=2.0),
    "A softmax that sums to its own index": lambda n: torch.softmax(n["z"], 0),
    "Two slopes for one leaky ReLU": lambda n: F.leaky_relu(n["x"], 0.1),
    "ELU without its two cases": lambda n: F.elu(n["x"]),
    "He's deviation as two over the root": lambda _: layer_ten(torch.relu, 2).std[9],
    "He's deviation as a divisor": lambda _: layer_ten(torch.relu, 2).std[9],
    "Saturated, so all gradients are zero": lambda _: layer_ten(torch.tanh, 500).gradient_std[0],
    "Divided by sigma": lambda n: F.batch_norm(n["x"].double(), None, None, training=True),
    "Zero overhead at test time": lambda n: n["operations"](fuse_conv_bn_eval(n["conv"].eval(), n["batch"])),
    "What makes a gradient explode": lambda _: 2.0**19,
    "Elastic net as a matrix product": lambda n: 0.1 * np.linalg.norm(n["W"]) ** 2 + np.linalg.norm(n["W"].ravel(), 1),
    "L2 regularization called weight decay": one_step_of_adamw,
    "What is left is divided by the wrong probability": lambda _: F.dropout(torch.ones(10**6), 0.2).mean(),
    "One mask with two names": lambda n: np.where(n["U1"], n["H1"], 0),
    "The dropout probability at test time": lambda n: (
        0.8 * F.dropout(torch.tensor(n["x"]).expand(10**6, 3), 0.2).sum(1).mean()
    ),
    "What SGD forgets, and what remembers": lambda _: steps(optim.SGD, [1, 1, 1], "momentum_buffer", momentum=0.9),
    "AdaGrad's last steps": lambda n: steps(optim.Adagrad, n["grads"], "sum") ** -0.5,
    "RMSProp that adds to its cache": lambda _: steps(optim.RMSprop, [1] * 100, "square_avg", alpha=0.9),
    "Adam that corrects in place": lambda _: 0.1 * steps(optim.Adam, [1] * 20, None),
    "BGFS": lambda _: [1.0, 1.0],
    "A square too few": lambda n: n["X"].T @ n["X"],
    "A covariance that grows with the data": lambda n: np.cov(n["x"]).reshape(1, 1),
}
ROUGHLY = {  # random runs, and how near they come
    "He's deviation as two over the root": 0.3,
    "He's deviation as a divisor": 0.3,
    "Saturated, so all gradients are zero": 0.2,
    "What is left is divided by the wrong probability": 0.01,
    "The dropout probability at test time": 0.01,
}


def numbers(value):
    """The value as an array, or None where it is words."""
    try:
        return np.asarray(torch.as_tensor(value).detach().double())
    except (TypeError, ValueError):
        return None


def agree(found, expected, rel=1e-6):
    """Words agree when they are equal, numbers when they are near, and words never agree with numbers."""
    left, right = numbers(found), numbers(expected)
    if left is None or right is None:
        return left is right and found == expected
    return left.shape == right.shape and np.allclose(left, right, rtol=rel, atol=1e-6)


@pytest.fixture(scope="module")
def names():
    """What each session of the page leaves behind."""
    return run(PAGE)


def test_every_erratum_has_its_oracle():
    assert len(ERRATA) >= 24
    assert sorted(ERRATA) == sorted(ORACLES)


@every_title
def test_what_is_true_is_what_others_say_and_what_is_written_is_not(title, names):
    (session,) = ERRATA[title].sessions
    left, rel = names[session], ROUGHLY.get(title, 1e-6)
    expected = ORACLES[title](left)

    assert agree(left["true"], expected, rel)
    assert not agree(left["written"], expected, rel)


@every_title
def test_an_erratum_says_what_is_written_where_and_what_is_true(title):
    text = ERRATA[title].text

    assert re.search(r"^- Written in 00[0-4](?:, 00[0-4])*(?: and 00[0-4])?: \S", text, re.M)
    assert re.search(r"^- True: \S", text, re.M)


@every_title
def test_a_question_asks_about_every_erratum_of_a_concept_that_is_here(title):
    text = ERRATA[title].text
    asked, waits = ASKED.search(text), WAITS.search(text)

    assert bool(asked) != bool(waits), "either a question, or a concept that is not here yet"
    if asked:
        assert asked["id"] in {question.id for question in bank.read(asked["concept"]) if not question.retired}
    else:
        assert not (DOCS / f"concepts/{waits[1]}.md").exists(), "the concept is here: name the question that asks"
