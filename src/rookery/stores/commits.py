"""Which commit of the project something was made from."""

import os
from importlib.resources import files
from pathlib import Path

from rookery.core.tags import COMMIT, DIRTY

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else its import fails where there is no git
import git


def commit_of(folder: Path) -> dict[str, str]:
    """MLflow's tag for the commit, and whether files differed from it.

    Outside a checkout, as in a container, and without git, the commit that the package was built
    from; empty where that is not known either.
    """
    try:
        repository = git.Repo(folder, search_parent_directories=True)
        commit = repository.head.commit.hexsha
    except (git.InvalidGitRepositoryError, git.NoSuchPathError, git.GitCommandNotFound, ValueError):
        return _built_from()
    return {COMMIT: commit, DIRTY: str(repository.is_dirty())}


def _built_from() -> dict[str, str]:
    """The images put it into `commit.txt`."""
    place = files("rookery").joinpath("commit.txt")
    commit = place.read_text(encoding="utf-8").strip() if place.is_file() else ""
    return {COMMIT: commit} if commit else {}
