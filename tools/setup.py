"""Create .venv and install what constraints.txt and package-lock.json pin; do nothing when neither has changed.

Standard library only: it runs under the Python that a fresh machine happens to have.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "installed"
PINS = [ROOT / name for name in ("constraints.txt", "pyproject.toml", "package.json", "package-lock.json")]
LOG = ROOT / ".cache" / "setup.log"


def main() -> int:
    """Install, or say in one line why not and what to do."""
    if not (3, 11) <= sys.version_info < (3, 14):
        version = ".".join(map(str, sys.version_info[:2]))
        return stop(f"dlref needs Python 3.11, 3.12 or 3.13, and this is {version}; run make PYTHON=/path/to/python")
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return 0
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("")
    print("[1/3] creating .venv")
    venv.create(VENV, with_pip=True, clear=made_by_another_python())
    print("[2/3] installing the pinned Python packages (torch is large: minutes on a slow line)")
    pins = sum("==" in line for line in (ROOT / "constraints.txt").read_text().splitlines())
    pip = [VENV / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--retries", "2"]
    if run([*pip, "-c", "constraints.txt", "-e", ".[docs,test]"], "Collecting ", pins):
        return stop("the Python packages could not be installed; check the network and run the command again")
    print("[3/3] installing the pinned site assets")
    if run([VENV / "bin" / "npm", "ci", "--fetch-retries=1"], "added ", 0):
        return stop("the site assets could not be installed; check the network and run the command again")
    STAMP.write_text(wanted)
    return 0


def fingerprint() -> str:
    """Name what would be installed: the pins, the interpreter, and where the checkout stands."""
    parts = [sys.version.encode(), os.fsencode(ROOT), *(path.read_bytes() for path in PINS)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def made_by_another_python() -> bool:
    """An environment cannot be handed from one Python to the next: it has to be made anew."""
    config = VENV / "pyvenv.cfg"
    version = ".".join(map(str, sys.version_info[:3]))
    return config.is_file() and f"version = {version}" not in config.read_text()


def run(command: list, sign: str, total: int) -> int:
    """Run quietly into the log, with a line of progress for each line of output that begins with the sign."""
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"  # npm's own scripts look for node there
    seen = 0
    with (
        LOG.open("a") as log,
        subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PATH": path}, stdout=subprocess.PIPE, stderr=log, text=True
        ) as child,
    ):
        for line in child.stdout:
            log.write(line)
            if line.startswith(sign):
                seen += 1
                what = line.removeprefix("Collecting ").split(" (")[0].strip()
                show(f"      {min(seen, total)}/{total} {what}" if total else f"      {line.strip()}")
    if sys.stdout.isatty():
        show("")
    return child.returncode


def show(text: str) -> None:
    """One line that rewrites itself on a terminal, and plain lines elsewhere."""
    print(f"\r\033[K{text}" if sys.stdout.isatty() else text, end="" if sys.stdout.isatty() else "\n", flush=True)


def stop(reason: str) -> int:
    """Say why in one line; the tools' own words are in the log."""
    print(f"Set-up stopped: {reason} (details: {LOG.relative_to(ROOT)})", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
