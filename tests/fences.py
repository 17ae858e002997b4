"""The fenced blocks of a Markdown page, with the line each begins on."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
OPEN = re.compile(r"^\s*(?P<fence>`{3,}|~{3,})\s*(?P<info>.*?)\s*$")
EXECUTED = re.compile(r"""\bexec=["']?(?:1|on|true|yes)\b""")


@dataclass(frozen=True)
class Fence:
    """`info` is what follows the backticks; `line` is where the body begins."""

    page: Path
    line: int
    info: str
    body: str

    @property
    def language(self) -> str:
        return self.info.split(" ")[0]

    @property
    def executed(self) -> bool:
        return self.language in ("python", "py") and bool(EXECUTED.search(self.info))

    @property
    def session(self) -> object:
        """Fences of one session share their names; one without stands alone."""
        named = re.search(r"""\bsession=["']?([\w.-]+)""", self.info)
        return named[1] if named else object()


def fences(page: Path) -> Iterator[Fence]:
    """Every outermost fence: one inside another is an example, and is not run."""
    lines = enumerate(page.read_text().splitlines(), 1)
    for number, line in lines:
        opening = OPEN.match(line)
        if opening is None:
            continue
        end = re.compile(rf"^\s*{opening['fence'][0]}{{{len(opening['fence'])},}}\s*$")
        body = []
        for _, inner in lines:
            if end.match(inner):
                break
            body.append(inner)
        yield Fence(page, number + 1, opening["info"], textwrap.dedent("\n".join(body)) + "\n")


def run(page: Path) -> dict[object, dict]:
    """Run every executed fence of a page, as the build does, and give the names of each session.

    A traceback names the page and its line.
    """
    sessions: dict[object, dict] = {}
    for fence in fences(page):
        if fence.executed:
            code = "\n" * (fence.line - 1) + fence.body
            names = sessions.setdefault(fence.session, {"__name__": "__main__"})
            exec(compile(code, str(page), "exec"), names)  # noqa: S102 (the pages are ours, and running them is the test)
    return sessions
