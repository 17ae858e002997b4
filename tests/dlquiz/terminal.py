"""A pseudo-terminal to type on, and a session without one."""

import os
import pty
import select
import signal
import sys
import time


class Terminal:
    """`dlquiz` on a pseudo-terminal: what a person types, and what they see."""

    def __init__(self, *arguments, columns=80):
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "NO_COLOR": "1"}
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job hands down an ignored one
            os.execve(sys.executable, [sys.executable, "-m", "dlquiz", *arguments], environment)  # noqa: S606  # the command under test
        self.seen, self.at, self.open = "", 0, True

    def until(self, text, seconds=60):
        """What was printed from where the last call ended, up to `text`."""
        limit = time.monotonic() + seconds
        while text not in self.seen[self.at :]:
            assert self.open, f"waited for {text!r}, saw {self.seen[self.at :]!r}"
            assert time.monotonic() < limit, f"waited for {text!r}, saw {self.seen[self.at :]!r}"
            self.read()
        start, self.at = self.at, self.seen.index(text, self.at) + len(text)
        return self.seen[start : self.at]

    def read(self):
        if not select.select([self.end], [], [], 0.2)[0]:
            return
        try:
            self.seen += os.read(self.end, 4096).decode()
        except OSError:  # Linux says so when the other side has gone
            self.open = False

    def type(self, line):
        os.write(self.end, line.encode())

    def interrupt(self):
        """Ctrl-C until it is heard: one that falls between the prompt and the wait for a line is not."""
        heard = len(self.seen)
        while self.open and len(self.seen) == heard:
            os.kill(self.pid, signal.SIGINT)
            for _ in range(10):
                if len(self.seen) == heard:
                    self.read()

    def leave(self):
        while self.open:
            self.read()
        os.close(self.end)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
