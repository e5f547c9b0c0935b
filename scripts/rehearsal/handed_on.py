"""The files by which a step hands values on: GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH, summary."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rehearsal.expressions import NotRehearsed

NAMES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")


@dataclass(frozen=True)
class HandedOn:
    """What one step left."""

    outputs: dict[str, str]
    environment: dict[str, str]
    paths: list[str]
    summary: str


def make_files(folder: Path) -> dict[str, str]:
    """Empty files for one step, by the variables that name them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / name.lower() for name in NAMES}
    for path in paths.values():
        path.write_text("", encoding="utf-8")
    return {name: str(path) for name, path in paths.items()}


def read_files(files: dict[str, str]) -> HandedOn:
    text = {name: Path(path).read_text(encoding="utf-8") for name, path in files.items()}
    return HandedOn(
        outputs=dict(parse(text["GITHUB_OUTPUT"])),
        environment=dict(parse(text["GITHUB_ENV"])),
        paths=text["GITHUB_PATH"].split("\n")[:-1],
        summary=text["GITHUB_STEP_SUMMARY"],
    )


def parse(text: str) -> Iterator[tuple[str, str]]:
    """`name=value` lines, and `name<<END` with lines up to END.

    Raises:
        NotRehearsed: a line is neither, which fails the step on GitHub too.
    """
    lines = iter(text.splitlines())
    for line in lines:
        name, mark, value = line.partition("=")
        block, inner, end = line.partition("<<")
        if inner and (not mark or len(block) < len(name)):
            held = []
            for more in lines:
                if more == end:
                    break
                held.append(more)
            else:
                raise NotRehearsed(f"{block}<<{end} has no end")
            yield block, "\n".join(held)
        elif mark:
            yield name, value
        elif line:
            raise NotRehearsed(f"{line!r} is no `name=value`")
