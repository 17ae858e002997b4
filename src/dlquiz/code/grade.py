"""One typed function against the reference."""

import ast
import warnings

from dlquiz.code import cases as drawn
from dlquiz.code import judge
from dlquiz.code.run import run
from dlquiz.question import Asked
from dlquiz.registry import mutant, reference
from dlquiz.schema import Code
from dlquiz.verdict import UnreadableError, Verdict

LONGEST = 20_000


def grade_code(asked: Asked, question: Code, text: str) -> Verdict:
    """Run the function and say the first thing that is wrong with it, by name if it is a mistake people make."""
    name = question.ref.rpartition(".")[2]
    _readable(text, name, question.forbid)
    cases = drawn.cases(question, asked.seed)
    want = judge.expected(question, reference(question.ref), cases)
    ran = run(text, name, cases, question.arrays)
    fault = judge.failure(question, cases, want, ran)
    said = [fault, _foreseen(question, cases, ran.outcomes) if fault else ""]
    printed = f"\nIt printed:\n{ran.printed}" if ran.printed else ""
    message = " ".join(filter(None, said)) + printed
    return Verdict(correct=not fault, message=message.strip(), key=asked.key(), score=float(not fault))


def _foreseen(question: Code, cases: list[drawn.Case], outcomes: list) -> str:
    """What the bank says of this function, if it does what one of the mistakes does."""
    for mistake in question.mistakes:
        gives = judge.computed(mutant(mistake.mutant), cases, question.dtype)
        if judge.behaves_as(question, gives, outcomes):
            return f"Your function behaves as `{mistake.mutant.partition('.')[2]}`. {mistake.say}"
    return ""


def _readable(text: str, name: str, forbid: list[str]) -> None:
    """Refuse what is no function of this name; it does not count as an answer."""
    if len(text) > LONGEST:
        raise UnreadableError(f"more than {LONGEST} characters; the answer has a few lines")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise UnreadableError(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"this is no Python: {error}") from None
    if name not in {defined for node in tree.body for defined in _defined(node)}:
        raise UnreadableError(f"define a function named {name}, as the stub does")
    for node in ast.walk(tree):
        if used := _names(node) & set(forbid):
            raise UnreadableError(f"this answer must do without {min(used)}")


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.ImportFrom):
        return {alias.name for alias in node.names}
    return {str(getattr(node, field)) for field in ("id", "attr") if hasattr(node, field)}
