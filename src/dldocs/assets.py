"""`python -m dldocs.assets`: copy what the pages load from node_modules to docs/assets/vendor.

Nothing on a page may come from another machine, so KaTeX and the search worker are served by the site itself.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "docs" / "assets" / "vendor"
FILES = {
    "katex/LICENSE": "katex/LICENSE",
    "katex/dist/katex.min.css": "katex/katex.min.css",
    "katex/dist/katex.min.js": "katex/katex.min.js",
    "iframe-worker/LICENSE": "iframe-worker.LICENSE",
    "iframe-worker/shim/index.js": "iframe-worker.js",
}
OLD_FONT = re.compile(rb",url\([^)]*\.(?:woff|ttf)\) format\(\"(?:woff|truetype)\"\)")


def main(modules: Path = MODULES, vendor: Path = VENDOR) -> None:
    """Copy what has changed; a second run writes nothing."""
    fonts = sorted((modules / "katex/dist/fonts").glob("*.woff2"))
    wanted = FILES | {str(path.relative_to(modules)): f"katex/fonts/{path.name}" for path in fonts}
    missing = [source for source in wanted if not (modules / source).is_file()]
    if missing or not fonts:
        raise SystemExit(f"{modules / (missing or ['katex/dist/fonts'])[0]} is missing; run: make setup")
    for source, target in wanted.items():
        write(vendor / target, OLD_FONT.sub(b"", (modules / source).read_bytes()))


def write(target: Path, content: bytes) -> None:
    """Write only what differs, so that a watching server does not build again for nothing."""
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


if __name__ == "__main__":
    main()
