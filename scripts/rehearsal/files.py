"""Files by the patterns of workflow files."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path


def digest_of(workspace: Path, patterns: Sequence[str]) -> str:
    """One digest of all files that match, as `hashFiles` gives; empty where none does."""
    found = sorted({path for pattern in patterns for path in workspace.glob(pattern)})
    files = [path for path in found if path.is_file()]
    whole = hashlib.sha256()
    for path in files:
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest() if files else ""


def chosen(workspace: Path, patterns: Sequence[str], *, hidden: bool) -> dict[str, Path]:
    """Files that an upload takes, by their names in the artifact.

    They are named from the folder that they all lie in: a folder that is uploaded alone is not a
    part of its artifact.
    """
    starts = [
        path
        for pattern in patterns
        for path in sorted(workspace.glob(pattern.removeprefix("./").rstrip("/")))
    ]
    files = {path for start in starts for path in _within(start, hidden=hidden)}
    if not files:
        return {}
    folders = [str(start if start.is_dir() else start.parent) for start in starts]
    root = Path(os.path.commonpath(folders))
    return {str(path.relative_to(root)): path for path in sorted(files)}


def _within(start: Path, *, hidden: bool) -> list[Path]:
    if start.is_file():
        return [start]
    return [
        path
        for path in start.rglob("*")
        if path.is_file()
        and (hidden or not any(part.startswith(".") for part in path.relative_to(start).parts))
    ]
