"""Build-time fences of the site: derivations, quizzes and figures."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dldocs.figures import figure as figure
    from dldocs.figures import style as style

__all__ = ["figure", "style"]


def __getattr__(name: str) -> Any:
    """Load matplotlib's side only for a page that draws."""
    if name not in __all__:
        raise AttributeError(f"dldocs has no {name!r}; it offers {', '.join(__all__)}")
    from dldocs import figures

    return getattr(figures, name)
