"""What runs in the learner's process: ``python -I harness.py``, started by `dlquiz.code.run`, which says why.

It reads one JSON object from stdin, loads the library, takes its limits, says that it is ready, calls the learner's
function with each case and says what came back: two lines of JSON, each behind a nonce of its own, on what was stdout.
What the learner's code prints goes to stderr. It imports nothing of dlquiz.
"""

import contextlib
import importlib
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

MOST = 500  # values of one result that are told; a result with more has the wrong shape anyway
FILE = "answer.py"


def main() -> None:
    """Do what the object on stdin says, once, and leave without a look back at threads and exit handlers."""
    spec = json.loads(sys.stdin.buffer.read())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # input() finds the end, and no one reads the nonce here again
    say = speaker()
    os.dup2(2, 1)
    sys.path += [path for path in spec["paths"] if path not in sys.path]
    try:
        library = importlib.import_module(spec["library"])
    except ImportError as error:
        say(spec["ready"], {"missing": str(error)})
        os._exit(0)
    sys.modules["dlref"] = None  # type: ignore[assignment]  # the answer may not be imported
    limit(spec["seconds"], spec["memory"])
    say(spec["ready"], {})
    me = os.getpid()
    said = answered(spec, library)
    if os.getpid() != me:  # a fork of the learner's code came back from its function, too
        os._exit(0)
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    say(spec["result"], said)
    os._exit(0)


def speaker() -> Callable[[str, dict[str, Any]], None]:
    """Return what writes one line on the stdout that this process was given."""
    dumps, write, end = json.dumps, os.write, os.dup(1)  # kept here: the learner's code may overwrite them

    def say(nonce: str, message: dict[str, Any]) -> None:
        line = f"{nonce}{dumps(message)}\n".encode()
        while line:
            line = line[write(end, line) :]

    return say


def limit(seconds: int, memory: int) -> None:
    """Take limits on top of what the library's import has used. Windows has none of these, macOS ignores AS."""
    with contextlib.suppress(ImportError, AttributeError):
        signal.alarm(seconds + 5)  # even if whoever started this is killed, and nobody looks at the clock
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu = math.ceil(used.ru_utime + used.ru_stime) + seconds + 1
        wanted = {"CPU": cpu, "FSIZE": 1 << 20, "NOFILE": 64, "CORE": 0}
        if taken := mapped():
            wanted["AS"] = taken + memory
        for name, value in wanted.items():
            with contextlib.suppress(ValueError, OSError, AttributeError):  # a stricter limit holds already
                resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def mapped() -> int:
    """Bytes of address space in use; 0 where nobody says."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # pathlib is not loaded here
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def answered(spec: dict[str, Any], library: Any) -> dict[str, Any]:
    """What the learner's function gives for each case, up to the first that it cannot do."""
    outcomes: list[dict[str, Any]] = []
    called = False
    try:
        names = {"__name__": "answer", library.__name__: library, "np": sys.modules.get("numpy"), "math": math}
        exec(compile(spec["code"], FILE, "exec"), names)  # noqa: S102  # the learner's own code is what this is for
        function = names[spec["function"]]
        called = True
        outcomes.extend(outcome(function, case, library) for case in spec["cases"])
    except BaseException as error:  # noqa: BLE001  # SystemExit and KeyboardInterrupt are the learner's, too
        facts = {"error": described(error), "line": line_of(error), "called": called}
        return {"outcomes": outcomes, **facts}
    return {"outcomes": outcomes}


def outcome(function: Any, case: dict[str, Any], library: Any) -> dict[str, Any]:
    """One call: what came back, and which arguments are no longer what they were."""
    given, kept = (dict(arguments(case, library)) for _ in range(2))
    named = {name: value for name, value in given.items() if not isinstance(case[name], dict)}
    result = function(*(value for name, value in given.items() if name not in named), **named)
    changed = [name for name, value in given.items() if not untouched(value, kept[name])]
    return {**told(result, library), "changed": changed}


def arguments(case: dict[str, Any], library: Any) -> Iterator[tuple[str, Any]]:
    """Each argument by its name, arrays as the library has them."""
    make = library.array if library.__name__ == "numpy" else library.tensor
    for name, value in case.items():
        if isinstance(value, dict):
            yield name, make(value["values"], dtype=getattr(library, value["dtype"])).reshape(tuple(value["shape"]))
        else:
            yield name, value


def untouched(value: Any, kept: Any) -> bool:
    """Whether an argument is what it was; a nan is itself."""
    return not hasattr(value, "shape") or (
        value.shape == kept.shape and value.dtype == kept.dtype and repr(value.tolist()) == repr(kept.tolist())
    )


def told(result: Any, library: Any) -> dict[str, Any]:
    """A result as JSON: its type, and of an array the dtype, the shape and the values."""
    numpy = library.__name__ == "numpy"
    if not isinstance(result, (library.ndarray, library.generic) if numpy else library.Tensor):
        return {"type": type(result).__name__}
    array = result if numpy else result.detach()
    dtype = str(array.dtype).removeprefix("torch.")
    facts = {"type": "array", "dtype": dtype, "shape": list(array.shape)}
    if math.prod(array.shape) > MOST or not dtype.startswith(("float", "bfloat", "int", "uint", "bool")):
        return facts
    return {**facts, "values": [float(value) for value in array.reshape(-1).tolist()]}


def described(error: BaseException) -> str:
    """The error in one line; its own text may raise, too."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  # whatever a learner's class does when it is printed
        text = type(error).__name__
    return text.partition("\n")[0][:300]


def line_of(error: BaseException) -> int | None:
    """The deepest line of the learner's code that the error came through."""
    line, trace = getattr(error, "lineno", None), error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line if isinstance(line, int) else None


if __name__ == "__main__":
    main()
