"""Call the learner's function in a process of its own, so that no slip in it can hurt this one.

The process is isolated (`python -I`), leads its own session, sits in a fresh directory with a small environment, and is
killed with its group. It has limits on processor time, memory, file size, open files and core dumps; the clock starts
when its library is loaded. A result counts only behind a nonce that the process was told on stdin. This is not a
sandbox: the code has the rights of whoever typed it, and a program that starts a session of its own outlives the group.
On Windows only the clock holds it; macOS ignores the limit on memory.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from dlquiz.failures import QuizError

SECONDS = 5
START_SECONDS = 120  # to load the library: torch from a cold disk on a busy machine
MEMORY = 2 << 30  # on top of what the loaded library has mapped
PRINTED = 2000  # characters of the learner's prints that are shown
HARNESS = Path(__file__).with_name("harness.py")


class CannotRunError(QuizError):
    """The process for the learner's code cannot be started here."""


@dataclass(frozen=True)
class Ran:
    """What came back: an outcome for each case done, and why there are no more, if so; `called` if in a call."""

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    line: int | None = None
    called: bool = False
    printed: str = ""


def run(code: str, function: str, cases: Sequence[Mapping[str, Any]], library: str, seconds: int = SECONDS) -> Ran:
    """Call `function` of this code with each case, for as long as `seconds` allow; nothing is left behind."""
    paths = [path for path in sys.path if path.endswith("-packages")]  # -I leaves out those of `pip install --user`
    ready, result = secrets.token_hex(16), secrets.token_hex(16)
    spec = {"ready": ready, "result": result, "code": code, "function": function, "cases": cases, "library": library}
    with _directory() as box, tempfile.TemporaryFile() as given:
        given.write(json.dumps({**spec, "paths": paths, "seconds": seconds, "memory": MEMORY}).encode())
        given.seek(0)
        process = _start(box, given)
        try:
            late = _wait(process, box / "said", ready, seconds)
        finally:
            _kill(process)
        printed = _text(box / "printed")[:PRINTED].strip()
        if late:
            return Ran(error=late, printed=printed)
        return _read(_text(box / "said"), (ready, result), process.returncode, printed)


def _start(box: Path, given: IO[bytes]) -> subprocess.Popen:
    """The process, in an empty directory of the box; what it says and prints goes to two files beside it."""
    home = box / "home"
    home.mkdir()
    with (box / "said").open("wb") as said, (box / "printed").open("wb") as printed:
        return subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", str(HARNESS)],
            stdin=given,
            stdout=said,
            stderr=printed,
            cwd=home,
            env=_environment(str(home)),
            start_new_session=True,
        )


def _wait(process: subprocess.Popen, said: Path, nonce: str, seconds: int) -> str:
    """Wait for the end; why it did not come in time, else nothing. Loading the library does not count."""
    begin, limit, ready = time.monotonic(), START_SECONDS, False
    while process.poll() is None:
        if not ready and nonce in _text(said):
            begin, limit, ready = time.monotonic(), seconds, True
        if time.monotonic() - begin > limit:
            if ready:
                return f"still running after {seconds} s"
            raise CannotRunError(f"Python did not start within {START_SECONDS} s for your code; try again")
        time.sleep(0.01)
    return ""


def _kill(process: subprocess.Popen) -> None:
    """Kill the whole group, whether its leader has ended or not."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: a group of zombies may not be killed
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _read(text: str, nonces: tuple[str, str], code: int, printed: str) -> Ran:
    """What was said, if the harness said it: that it is ready, and the result, each with its nonce."""
    lines = text.splitlines()
    if not lines:
        raise CannotRunError(f"Python could not be started for your code: {printed or f'exit {code}'}")
    if len(lines) > 2 or not all(map(str.startswith, lines, nonces)):
        return Ran(error="something else was written where the result belongs; it is not counted", printed=printed)
    said = [json.loads(line.removeprefix(nonce)) for line, nonce in zip(lines, nonces, strict=False)]
    if "missing" in said[0]:
        raise CannotRunError(f"your code cannot be run here: {said[0]['missing']}")
    if len(said) == 1:
        return Ran(error=_ended(code), printed=printed)
    return Ran(**said[1], printed=printed)


def _ended(code: int) -> str:
    """Why a process ended without a result."""
    if code >= 0:
        return "the code ended the process before the function returned"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    reason = {"SIGXCPU": ": it used up its processor time", "SIGSEGV": ": it crashed Python"}.get(name, "")
    return f"stopped by {name}{reason}"


def _text(path: Path) -> str:
    """What a file holds, up to 2 MiB."""
    with path.open("rb") as file:
        return file.read(2 << 20).decode("utf-8", "replace")


def _environment(home: str) -> dict[str, str]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    system = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {**system, **one_thread, "HOME": home, "TMPDIR": home, "TEMP": home, "TMP": home, "LANG": "C.UTF-8"}


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    """A fresh directory, gone afterwards: a process just killed may still be writing while it is removed."""
    box = tempfile.TemporaryDirectory(prefix="dlquiz-", ignore_cleanup_errors=True)
    try:
        yield Path(box.name)
    finally:
        for _ in range(50):
            box.cleanup()
            if not Path(box.name).exists():
                break
            time.sleep(0.02)
