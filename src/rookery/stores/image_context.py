"""What an image is built from: the sources of the project, beside the packaged model."""

import shutil
from pathlib import Path

from rookery.errors import InputError

DOCKERFILE = "deploy/image/Dockerfile"
SOURCES = (
    "deploy/image",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements/build.txt",
    "scripts/install_package.sh",
    "src/rookery",
)
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
# where the model stands; the Dockerfile copies it to /model
MODEL = "model"


def require_sources(root: Path) -> None:
    """The folder is a clone of the project, which an image is built from.

    Raises:
        InputError: something is missing.
    """
    missing = [name for name in SOURCES if not (root / name).exists()]
    if missing:
        raise InputError(
            f"{root} is no clone of Rookery, which the image is built from: no {missing[0]}",
            field="folder",
            value=str(root),
            allowed="a folder within a clone of the repository",
            next="cd into the clone, then the same command",
        )


def write_context(root: Path, place: Path, commit: str | None) -> None:
    """Copies the sources, with the commit that they come from, beside the model in `place`."""
    for name in SOURCES:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        if (root / name).is_dir():
            shutil.copytree(root / name, place / name, ignore=LEFT_OUT)
        else:
            shutil.copy2(root / name, place / name)
    if commit:
        # where scripts/install_package.sh looks for it
        (place / "HEAD").write_text(f"{commit}\n", encoding="utf-8")
    for path in (place / MODEL).rglob("*"):
        # read by another user than the one who writes it here
        path.chmod(0o755 if path.is_dir() else 0o644)
    (place / MODEL).chmod(0o755)
