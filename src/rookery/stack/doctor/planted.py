"""Files in the folders shared with JupyterLab that a program of this machine would run by itself.

What runs in a notebook is held by its container, but for these folders: there it can leave what a
shell, direnv, git or an editor of the host takes for the user's own.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from rookery.jobs.doctor.findings import Finding, fine, warning

SHARED = ("notebooks", "tasks", "configs")
RUN = frozenset(
    {".git", ".env", ".envrc", ".mise.toml", "makefile", "gnumakefile"}
    | {".vscode", ".idea", ".devcontainer", ".pre-commit-config.yaml"}
)
MOST = 5
SECONDS = 5.0


def planted(root: Path) -> Iterator[Finding]:
    """One warning for each file that may be run and that the user's git does not track."""
    tracked = _tracked(root)
    found = [
        (place.relative_to(root).as_posix(), place.is_symlink())
        for name in SHARED
        for place in _risky(root / name)
    ]
    foreign = [each for each in found if each not in tracked]
    for place, is_link in foreign[:MOST]:
        yield _finding(place, is_link)
    if len(foreign) > MOST:
        yield warning(f"… and {len(foreign) - MOST} more of the kind", "mend the first ones first")
    if not foreign:
        yield fine(f"nothing in {', '.join(SHARED)} that this machine would run by itself")


def _risky(folder: Path) -> Iterator[Path]:
    """Links are not followed: a notebook may point them anywhere."""
    for place, folders, files in os.walk(folder):
        here = [Path(place, name) for name in sorted(folders + files)]
        risky = [each for each in here if _is_risky(each)]
        yield from risky
        # copies that JupyterLab keeps of what was opened; nothing looks in there
        left_out = {".ipynb_checkpoints", *(each.name for each in risky)}
        folders[:] = [name for name in folders if name not in left_out]


def _is_risky(place: Path) -> bool:
    name = place.name.lower()  # as file systems that do not tell the cases apart have it
    return name in RUN or place.suffix.lower() == ".py" or place.is_symlink()


def _tracked(root: Path) -> set[tuple[str, bool]]:
    """What the user has added to the project's git, which no container can reach, and if as link.

    `git status` would run what a planted repository configures; the index runs nothing.
    """
    listed = ["git", "ls-files", "--stage", "-z", "--", *SHARED]
    try:
        done = subprocess.run(  # noqa: S603 nothing of it comes from outside
            listed, cwd=root, capture_output=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):  # no git, or no repository: nothing is tracked
        return set()
    entries = (each.partition("\t") for each in os.fsdecode(done.stdout).split("\0"))
    return {(name, mode.startswith("120000")) for mode, _, name in entries}


def _finding(place: str, is_link: bool) -> Finding:
    """The name is the notebook's choice: shown so that no terminal obeys it."""
    name = quote(place) if place.isprintable() else ascii(place)
    risk = "leads elsewhere than it says" if is_link else "may be run by a shell or editor here"
    # git takes no repository for a file
    own = "" if place.lower().endswith("/.git") else f"; if it is yours: git add --force {name}"
    return warning(
        f"{name}, which a notebook can have written, {risk}", f"look at it, then: rm -r {name}{own}"
    )
