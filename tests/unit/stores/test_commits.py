"""The commit that a run is tagged with."""

import os
import subprocess
import sys
from pathlib import Path

from rookery.core.tags import COMMIT
from rookery.stores.commits import commit_of

ROOT = Path(__file__).parents[3]
PRINT = f"""
from pathlib import Path
from rookery.stores.commits import commit_of
print(commit_of(Path({str(ROOT)!r})))
"""


def checkout(folder):
    """A repository with one commit, and the commit."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    (folder / "file").write_text("one")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    found = subprocess.run([*git, "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True)
    return found.stdout.strip()


def test_a_checkout_gives_its_commit_and_whether_files_differ(tmp_path):
    commit = checkout(tmp_path)
    assert commit_of(tmp_path) == {COMMIT: commit, "rookery.commit.dirty": "False"}
    (tmp_path / "file").write_text("two")
    assert commit_of(tmp_path)["rookery.commit.dirty"] == "True"


def test_a_folder_outside_a_checkout_has_no_commit(tmp_path):
    assert commit_of(tmp_path) == {}


def test_a_machine_without_git_still_answers(tmp_path):
    found = subprocess.run(
        [sys.executable, "-c", PRINT],
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (found.returncode, found.stdout.strip()) == (0, "{}"), found.stderr
