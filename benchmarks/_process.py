"""Fresh processes, in which no other case has left memory behind."""

import os
import subprocess
import sys

# glibc's allocator keeps what is freed, by thread, for later: told not to, it shows what is held at a time.
FRUGAL = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def printed(*arguments: str) -> str:
    """What Python prints, called with these arguments."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, env=os.environ | FRUGAL
    )
    return done.stdout
