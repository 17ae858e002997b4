"""Programs that go wrong on their own: none hangs the grader, none leaves a process or a directory behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from dlquiz.code import run as running
from dlquiz.code.run import CannotRunError, run

SECONDS = 2
CASE = {"x": {"values": [1.0, -2.0], "shape": [2], "dtype": "float64"}}

PROGRAMS = {
    "an endless loop": ("while True: pass", "still running after 2 s"),
    "a sleep": ("import time; time.sleep(99)", "still running after 2 s"),
    "a lock held twice": ("import threading as t; a = t.Lock(); a.acquire(); a.acquire()", "still running after 2 s"),
    "an exception that comes back": ("while True:\n    try: f(x)\n    except BaseException: pass", "still running|SIG"),
    "a vast array": ("return np.ones(10**11)", "MemoryError: Unable to allocate 745. GiB"),
    "memory eaten bit by bit": ("a = []\n  while True: a.append(bytearray(2**26))", "MemoryError|still running"),
    "sys.exit": ("import sys; sys.exit(0)", "SystemExit: 0"),
    "os._exit": ("import os; os._exit(0)", "the code ended the process before the function returned"),
    "an interrupt of its own": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "an error that cannot be printed": ("class E(Exception):\n    __str__ = None\n  raise E", "E"),
    "endless recursion": ("return f(x)", "RecursionError: maximum recursion depth exceeded"),
    "a crash in C": ("import ctypes; ctypes.string_at(0)", "stopped by SIGSEGV: it crashed Python"),
    "an abort": ("import os; os.abort()", "stopped by SIGABRT"),
    "input": ("return input()", "EOFError: EOF when reading a line"),
    "a file of 100 MB": ("open('x', 'wb').write(bytes(10**8))", "File too large"),
    "a thousand open files": ("a = [open(f'{i}', 'w') for i in range(1000)]", "Too many open files"),
    "prints without end": ("while True: print('x' * 999)", "File too large"),
    "prints to the result": (
        "import os\n  for i in range(3, 30):\n    try: os.write(i, b'[1]')\n    except OSError: pass",
        "something else was written where the result belongs",
    ),
    "a result forged on stdout": (
        "import os; os.write(1, b'{\"outcomes\": [1]}'); os._exit(0)",
        "the code ended the process",
    ),
    "a result forged by overwriting json": (
        "import json, os; json.dumps = lambda m: '{\"outcomes\": []}'; os._exit(0)",
        "the code ended the process",
    ),
    "200 children that sleep": (
        "import os, time\n  for i in range(200):\n    if os.fork() == 0: time.sleep(99); os._exit(0)",
        "",
    ),
    "a child that returns": ("import os\n  os.fork()\n  os.fork()", ""),
    "a thread that goes on": ("import threading, time; threading.Thread(target=time.sleep, args=(99,)).start()", ""),
    "an exit handler that hangs": ("import atexit, time; atexit.register(time.sleep, 99)", ""),
    "a closed stdout": ("import sys; sys.stdout.close()", ""),
    "a directory nobody may enter": ("import os; os.makedirs('a/b'); os.chmod('a', 0)", ""),
    "a thousand small files": ("for i in range(1000): open(f'{i}', 'w').close()", ""),
    "the working directory removed": ("import os; os.rmdir(os.getcwd())", ""),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the grader makes its directories; afterwards it is empty, and nothing runs that was started there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert [*tmp_path.iterdir()] == []
    end = time.monotonic() + 5
    while (left := processes(tmp_path)) and time.monotonic() < end:
        time.sleep(0.02)
    assert left == []


def processes(place):
    """The processes that were given a home below this place, where the system tells; zombies are gone already."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(place).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def function(body):
    return f"def f(x):\n  {body}\n  return x * 2\n"


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_program_that_goes_wrong_is_told_and_leaves_nothing(place, what):
    body, said = PROGRAMS[what]
    start = time.monotonic()

    ran = run(function(body), "f", [CASE], "numpy", SECONDS)

    assert time.monotonic() - start < SECONDS + 30, "a slow machine apart, the clock ends it"
    if said:
        assert any(part in ran.error for part in said.split("|")), ran
        assert ran.outcomes == []
    else:
        assert ran.error == ""
        assert ran.outcomes == [
            {"type": "array", "dtype": "float64", "shape": [2], "values": [2.0, -4.0], "changed": []}
        ]


def test_the_environment_is_small_and_the_directory_empty(place, monkeypatch):
    monkeypatch.setenv("DLQUIZ_TEST_SECRET", "hunter2")
    body = "import os, sys; print(sorted(os.environ), os.listdir(), os.getcwd() == os.environ['HOME'], sys.argv[1:])"

    printed = run(function(body), "f", [CASE], "numpy", SECONDS).printed

    names, rest = printed.split("]", 1)
    assert "SECRET" not in printed
    assert len(names.split(",")) <= 11
    assert rest == " [] True []"


def test_prints_are_kept_to_a_screenful(place):
    assert len(run(function("print('x' * 10**5)"), "f", [CASE], "numpy", SECONDS).printed) == 2000


def test_the_library_is_loaded_before_the_clock_starts(place):
    """One second is less than what torch takes to load on a busy machine, and enough for the function."""
    ran = run("import torch\ndef f(x): return x * 2", "f", [CASE], "torch", 1)

    assert ran.error == ""
    assert ran.outcomes[0]["values"] == [2.0, -4.0]


def test_torch_finds_room_and_a_limit(place):
    """Its libraries alone map more than half a gigabyte: the limit counts from there."""
    room = "def f(x):\n  y = torch.ones(10**8, dtype=torch.float64)\n  return x * y[0] * 2"

    assert run(room, "f", [CASE], "torch", 30).error == ""
    assert "can't allocate memory" in run(room.replace("10**8", "10**9"), "f", [CASE], "torch", 30).error


def test_a_program_in_a_session_of_its_own_does_not_hang_the_grader(place):
    """It outlives the group, as the wording says: no sandbox. It holds neither the grader nor its directory."""
    body = "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
    start = time.monotonic()

    ran = run(function(body), "f", [CASE], "numpy", SECONDS)
    os.kill(int(ran.printed), signal.SIGKILL)

    assert ran.outcomes[0]["values"] == [2.0, -4.0]
    assert time.monotonic() - start < 30


def test_without_limits_the_clock_still_ends_it(place, monkeypatch, tmp_path_factory):
    """As on Windows, which has no such limits, and on macOS, which ignores the one on memory."""
    bare = tmp_path_factory.mktemp("bare") / "harness.py"
    bare.write_text(
        "import sys\nsys.modules['resource'] = None\nimport runpy\n"
        f"runpy.run_path({str(running.HARNESS)!r}, run_name='__main__')\n"
    )
    monkeypatch.setattr(running, "HARNESS", bare)
    eats = "import time\n  a = []\n  while True: a.append(bytes(2**20)); time.sleep(0.01)"

    assert run(function(eats), "f", [CASE], "numpy", SECONDS).error == "still running after 2 s"
    assert run(function("pass"), "f", [CASE], "numpy", SECONDS).error == ""


def test_ctrl_c_ends_the_program_too(place, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(running.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(function("while True: pass"), "f", [CASE], "numpy", SECONDS)
    monkeypatch.undo()


def test_the_program_dies_by_itself_when_nobody_waits(place, tmp_path_factory):
    """A grader killed by force cannot kill anyone: the alarm inside does."""
    script = (
        "import sys\nfrom dlquiz.code.run import run\n"
        f"run({function('import time; time.sleep(600)')!r}, 'f', [{CASE}], 'numpy', 1)"
    )
    grader = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(place)})
    end = time.monotonic() + 60
    while len(processes(place)) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    grader.kill()
    grader.wait()
    for box in place.iterdir():  # that much is left of a grader killed by force
        shutil.rmtree(box)
    end = time.monotonic() + 60
    while processes(place) and time.monotonic() < end:
        time.sleep(0.1)
    assert processes(place) == []


def test_what_cannot_be_loaded_is_said_in_one_line(place):
    with pytest.raises(CannotRunError, match="your code cannot be run here: No module named 'nonesuch'"):
        run(function("pass"), "f", [CASE], "nonesuch", SECONDS)


def test_a_python_that_does_not_start_is_said_in_one_line(place, monkeypatch):
    monkeypatch.setattr(running, "HARNESS", Path("nowhere.py"))
    with pytest.raises(CannotRunError, match="Python could not be started for your code"):
        run(function("pass"), "f", [CASE], "numpy", SECONDS)
