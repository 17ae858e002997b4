import shutil

import pytest

from dlquiz.store import Store
from dlquiz.store.file import backup_folder

from .helpers import DAY, NOW, answer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress.db"


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    """A file of 200 answers and a flag, made once: every one of them is synced to the disk."""
    path = tmp_path_factory.mktemp("history") / "progress.db"
    with Store(path, clock=lambda: NOW) as store:
        for i in range(200):
            store.record(answer(f"question-{i % 9}", NOW + i * DAY, 1 + i % 3, text="x" * 50))
        store.flag("question-3", "the key is 2, not 3")
    return path


@pytest.fixture
def filled(history, path):
    """A copy of that history, without backups."""
    shutil.copy(history, path)
    return path


@pytest.fixture
def backed_up(history, filled):
    """A copy of that history, with the backup of a day on which it had one answer."""
    shutil.copytree(backup_folder(history), backup_folder(filled))
    return filled
