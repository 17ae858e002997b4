"""How long a learner waits for the first line: dlquiz against an interpreter that does nothing."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks._race import Result, race

VERBS = (["--help"], ["list"], ["show", "huber-outlier-pull"], [])


def results() -> Iterator[Result]:
    """One race for each verb, both in fresh processes."""
    dlquiz = Path(sys.executable).with_name("dlquiz")
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "DLQUIZ_DB": f"{folder}/progress.db"}
        run = lambda *command: subprocess.run(command, env=env, capture_output=True, check=False)  # noqa: E731 (short)
        for verb in VERBS:
            name = " ".join(["dlquiz", *verb])
            yield race(
                name,
                lambda v=verb: run(dlquiz, *v),
                lambda: run(sys.executable, "-c", "pass"),
                peer_name="python -c pass",
            )
