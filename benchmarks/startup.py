"""How long a learner waits: dlquiz against an interpreter that does nothing, with a bank of 500 questions.

The copy that dlquiz keeps of the banks and Python's bytecode are there, as at every start but the first; "without the
copy" is that first one. No PYTHON variable is set: some machines turn bytecode off, and then each start compiles.
The script that pip 23 writes to start a program loads `re`, about 0.3 of each ratio; that of pip 26 does not.
The first question is timed on a pseudo-terminal, from the start of the process to the prompt.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from benchmarks._race import Result, race

QUESTIONS = 500
READING = (
    ("--help",),
    ("list",),
    ("list", "--json"),
    (),
    ("stats",),
    ("show", "single-1"),
    ("show", "single-1", "--json"),
    ("progress", "path"),
    ("review", "--help"),
)
DLQUIZ = str(Path(sys.executable).with_name("dlquiz"))
DAY_US = 86_400 * 10**6


def results() -> Iterator[Result]:
    """One race for each verb, both in fresh processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "banks")
        env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}  # as it comes
        env |= {"XDG_DATA_HOME": name, "XDG_CACHE_HOME": f"{name}/cache", "DLQUIZ_BANK": f"{name}/banks"}
        env |= {"TERM": "xterm", "COLUMNS": "80"}
        answered(folder)
        for verb in READING:
            run(DLQUIZ, *verb, env=env)
            yield against(" ".join(["dlquiz", *verb]), lambda v=verb: run(DLQUIZ, *v, env=env), env)
        yield against("dlquiz list, without the copy", lambda: forgotten(folder, env), env)
        yield against("dlquiz review, to the first question", lambda: first_question(env), env)


def against(name: str, ours: Callable, env: dict[str, str]) -> Result:
    """A race with the bare interpreter."""
    return race(name, ours, lambda: run(sys.executable, "-c", "pass", env=env), peer_name="python -c pass")


def run(*command: str, env: dict[str, str]) -> None:
    """One process from start to end."""
    subprocess.run(command, env=env, capture_output=True, check=True)


def answered(folder: Path) -> None:
    """Give the learner 1,000 answers over half a year."""
    from dlquiz.store import Answer, Store

    ids = re.findall(r"(?m)^  - id: (.*)$", "".join(path.read_text() for path in (folder / "banks").iterdir()))
    first = time.time_ns() // 1000 - 180 * DAY_US
    times = [(ids[n % 400], first + n * DAY_US * 180 // 1000) for n in range(1000)]
    with Store(folder / "dlquiz" / "progress.db") as store:
        store.merge([Answer(id_, at, 3, True, "a", 0, 0, 5000, "") for id_, at in times], [])  # noqa: FBT003  # a row


def forgotten(folder: Path, env: dict[str, str]) -> None:
    shutil.rmtree(folder / "cache")
    run(DLQUIZ, "list", env=env)


def first_question(env: dict[str, str]) -> None:
    """Start a review, wait for the prompt, and leave; the wait alone counts, so the process is killed."""
    end, terminal = pty.openpty()
    # Not pty.fork: to copy this process, which has held all the other races, takes longer than dlquiz does.
    command = [DLQUIZ, "review", "--seed", "1"]
    review = subprocess.Popen(command, env=env, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    seen = b""
    while b" > " not in seen:
        seen += os.read(end, 4096)
    review.kill()
    review.wait()
    os.close(end)


def fill(folder: Path) -> None:
    """Banks of 500 questions: those of this repository, again and again under new ids."""
    folder.mkdir()
    banks = sorted((Path(__file__).parents[1] / "quizzes").glob("*.yml"))
    kinds: Counter[str] = Counter()
    left = QUESTIONS
    for turn in count():
        for bank in banks:
            head, *questions = re.split(r"(?m)^(?=  - id: )", bank.read_text())
            questions = [renamed(question, kinds) for question in questions[:left]]
            left -= len(questions)
            if questions:
                name = f"{bank.stem}_{turn}"
                head = re.sub(r"(?m)^concept: .*$", f"concept: {name}", head)
                (folder / f"{name}.yml").write_text(head + "".join(questions))
            if not left:
                return


def renamed(question: str, kinds: Counter[str]) -> str:
    """The question under an id of its own: its kind, and how many of that kind came before."""
    kind = re.findall(r"(?m)^    kind: (\w+)", question)[0]
    kinds[kind] += 1
    return re.sub(r"\A  - id: .*", f"  - id: {kind}-{kinds[kind]}", question)
