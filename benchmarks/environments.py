"""A virtual environment for each thing that is compared, kept between runs."""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS = 900


class CannotRun(Exception):
    """What cannot be measured, and why, on one line; the others go on."""

    def __init__(self, why: str) -> None:
        super().__init__(" ".join(why.split())[-400:])


def add_cache(parser: argparse.ArgumentParser) -> None:
    """The argument `--cache`, by default ROOKERY_BENCH_CACHE."""
    place = os.environ.get("ROOKERY_BENCH_CACHE") or "~/.cache/rookery-bench"
    parser.add_argument(
        "--cache",
        type=lambda text: Path(text).expanduser().resolve(),
        default=place,
        help="for the environments of what is compared",
    )


def environment_of(requirements: Path, cache: Path) -> Path:
    """The folder with the commands of what a requirements file pins, installed at need.

    Raises:
        CannotRun: it could not be installed; with the end of what was said.
    """
    name = requirements.stem
    made_from = f"{platform.python_version()} {sys.base_prefix}\n{requirements.read_text()}"
    place = cache / f"{name}-{hashlib.sha256(made_from.encode()).hexdigest()[:12]}"
    if not (place / "complete").exists():
        print(f"installing {name} into {place}", flush=True)
        shutil.rmtree(place, ignore_errors=True)
        _uv("venv", "--quiet", "--python", sys.executable, str(place))
        # compiled now, because the first start would do it otherwise; the file names all there is
        wanted = ["--compile-bytecode", "--no-deps", "--requirement", str(requirements)]
        _uv("pip", "install", "--quiet", "--python", str(place), *wanted)
        (place / "complete").touch()
    return place / "bin"


def pinned(folder: Path) -> dict[str, str]:
    """What each environment was asked for, as the requirements files of a folder say."""
    files = sorted(folder.glob("*.txt"))
    return {file.stem: file.read_text().split("# from: ")[1].splitlines()[0] for file in files}


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CannotRun(f"not installed within {INSTALL_SECONDS} s") from error
    if done.returncode:
        raise CannotRun(f"not installed: {done.stderr.strip()[-300:]}")
