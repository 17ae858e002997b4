"""What every start asks: where banks and copies are, how wide the terminal is. Strings and `os` alone, for speed."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def folder() -> str:
    """Where the banks are: DLQUIZ_BANK (a folder or one file), the checkout, or inside the installed package."""
    if chosen := os.environ.get("DLQUIZ_BANK"):
        return _home(chosen)
    source, package = os.path.split(HERE)
    checkout = os.path.join(os.path.dirname(source), "quizzes")
    in_checkout = os.path.basename(source) == "src" and os.path.isdir(checkout)
    return checkout if in_checkout else os.path.join(source, package, "quizzes")


def files() -> list[str]:
    """Every bank file."""
    place = folder()
    if os.path.isfile(place):
        return [place]
    if not os.path.isdir(place):
        from dlquiz.failures import BankError
        from dlquiz.text import plain

        raise BankError(f"{plain(place)}: no such folder of quiz banks; set DLQUIZ_BANK to one")
    return sorted(os.path.join(place, name) for name in os.listdir(place) if name.endswith((".yml", ".yaml")))


def cache() -> str:
    """The folder for what can be computed again at any time."""
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return os.path.join(_home(chosen), "dlquiz")
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA") or _home("~"), "dlquiz", "Cache")
    return os.path.join(_home("~/Library/Caches" if sys.platform == "darwin" else "~/.cache"), "dlquiz")


def columns() -> int:
    """How wide the terminal is, by COLUMNS or by itself; 80 where there is none."""
    chosen = os.environ.get("COLUMNS", "")
    if len(chosen) < 5 and chosen.isascii() and chosen.isdigit() and int(chosen):
        return int(chosen)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]  # None is caught
    except (AttributeError, ValueError, OSError):
        return 80


def screen() -> int:
    """How wide a terminal reads what is written; 0 where a file or another program does."""
    return columns() if sys.stdout.isatty() else 0


def _home(path: str) -> str:
    return os.path.expanduser(path)
