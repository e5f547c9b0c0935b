"""A repository that a rehearsal may change: a clone of this one, and a work copy of the clone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from rehearsal.world import fresh_environment
from rookery.errors import InputError, Unavailable

AUTHOR = ("-c", "user.name=student", "-c", "user.email=student@example.org")


@dataclass(frozen=True)
class Repository:
    """`origin` is what jobs clone, `copy` where changes are made and pushed from."""

    origin: Path
    copy: Path

    @classmethod
    def of(cls, root: Path, folder: Path) -> "Repository":
        """The last commit of `root`; what is not committed is no part of it.

        Raises:
            InputError: it is no repository of Git.
        """
        made = cls(folder / "origin.git", folder / "copy")
        done = subprocess.run(
            ["git", "clone", "--quiet", "--bare", str(root), str(made.origin)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise InputError(f"{root} cannot be cloned: {done.stderr.strip()}", field="git")
        head = _git(root, "rev-parse", "HEAD")
        _git(folder, "clone", "--quiet", "--no-checkout", str(made.origin), str(made.copy))
        _git(made.copy, "checkout", "--quiet", "-B", "main", head)
        _git(made.copy, "push", "--quiet", "--force", "origin", "main")
        return made

    @property
    def head(self) -> str:
        return _git(self.copy, "rev-parse", "HEAD")

    def change_task(self, task: str, candidates: Mapping[str, Any], message: str) -> str:
        """Pushes a task file that is the penguins' but for its name and candidates; the commit."""
        yaml = YAML()
        tree = yaml.load((self.copy / "tasks" / "penguins.yaml").read_text(encoding="utf-8"))
        tree["name"], tree["candidates"] = task, dict(candidates)
        with (self.copy / "tasks" / f"{task}.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(tree, file)
        _git(self.copy, "add", "tasks")
        _git(self.copy, *AUTHOR, "commit", "--quiet", "--no-verify", "--message", message)
        _git(self.copy, "push", "--quiet", "origin", "main")
        return self.head

    def rookery(self, *arguments: str, **environment: str) -> str:
        """What a command says that somebody calls in the work copy.

        Raises:
            Unavailable: it failed.
        """
        done = subprocess.run(
            [sys.executable, "-m", "rookery.cli", *arguments],
            cwd=self.copy,
            env=fresh_environment() | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"rookery {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def remove_data(self) -> None:
        """What commands left beside the files of the repository."""
        shutil.rmtree(self.copy / ".rookery", ignore_errors=True)


def uncommitted(root: Path) -> list[str]:
    """Files that a clone would not have as they are here."""
    return _git(root, "status", "--porcelain").splitlines()


def _git(folder: Path, *command: str) -> str:
    done = subprocess.run(
        ["git", *command],
        cwd=folder,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"git {' '.join(command)} failed: {done.stderr.strip()}", field="git")
    return done.stdout.strip()
