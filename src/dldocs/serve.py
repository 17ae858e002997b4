"""`make study`: build the site, serve it on this machine only, and say what to type next."""

import argparse
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from dldocs import assets

ROOT = Path(__file__).resolve().parents[2]
ATTEMPTS = 50  # ports tried after the wanted one


class Quiet(SimpleHTTPRequestHandler):
    """Serves the built pages, and logs nothing: the terminal is for the learner."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        """Say nothing."""


def listen(folder: Path, port: int) -> ThreadingHTTPServer:
    """Open the first free port from `port` upwards, on the loopback address."""
    handler = partial(Quiet, directory=str(folder))
    for candidate in range(port, port + ATTEMPTS):
        try:
            return ThreadingHTTPServer(("127.0.0.1", candidate), handler)
        except OSError:
            continue
    raise SystemExit(f"no free port from {port} to {port + ATTEMPTS - 1}; choose another: make study PORT=9000")


def main() -> None:
    """Build, serve, print the address; Ctrl-C ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    assets.main()
    print("Building the site; every page runs its own code, so this takes about a minute.", flush=True)
    if subprocess.run([sys.executable, "-m", "mkdocs", "build"], cwd=ROOT, check=False).returncode:
        raise SystemExit("the site did not build; the lines above name the page")
    with listen(ROOT / "site", port) as server:
        chosen = server.server_address[1]
        taken = "" if chosen == port else f"  (port {port} is taken)"
        print(f"\n  Read      http://127.0.0.1:{chosen}/{taken}", flush=True)
        print("  Practise  .venv/bin/dlquiz\n  Stop      Ctrl-C\n", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()
