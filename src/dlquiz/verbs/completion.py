"""`dlquiz completion`, and what completes a concept or the id of a question."""

import click

from dlquiz.verbs.common import DONE

VARIABLE = "_DLQUIZ_COMPLETE"
EPILOG = """\b
bash   echo 'eval "$(dlquiz completion bash)"' >> ~/.bashrc
zsh    echo 'eval "$(dlquiz completion zsh)"' >> ~/.zshrc
fish   dlquiz completion fish > ~/.config/fish/completions/dlquiz.fish

Then open a new shell, type dlquiz and press Tab.
"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print what makes your shell complete verbs, options, concepts and ids."""
    from click.shell_completion import get_completion_class

    from dlquiz.cli import app

    script = get_completion_class(shell)
    assert script is not None  # noqa: S101  # for the type checker: click has a class for each of the three
    click.echo(script(app, {}, "dlquiz", VARIABLE).source())
    return DONE


def concepts(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """The words that concepts bear."""
    known = _known("concept")
    words = {word for concept in known for word in (concept, *concept.split("_"))}
    return [word for word in sorted(words) if word.startswith(incomplete)]


def ids(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """The ids of questions."""
    return [id_ for id_ in _known("id") if id_.startswith(incomplete)]


def _known(fact: str) -> list[str]:
    """A fact of every question; nothing where the banks cannot be read, for Tab is no place for an error."""
    from dlquiz import shelf
    from dlquiz.failures import QuizError

    try:
        return list(dict.fromkeys(row[fact] for row in shelf.rows()))
    except QuizError:
        return []
