"""Which commit of the project something was made from."""

from pathlib import Path

import git

from rookery.core.tags import COMMIT


def commit_of(folder: Path) -> dict[str, str]:
    """MLflow's tag for the commit, and whether files differed from it; empty outside a checkout."""
    try:
        repository = git.Repo(folder, search_parent_directories=True)
        commit = repository.head.commit.hexsha
    except (git.InvalidGitRepositoryError, git.NoSuchPathError, ValueError):
        return {}
    return {COMMIT: commit, "rookery.commit.dirty": str(repository.is_dirty())}
