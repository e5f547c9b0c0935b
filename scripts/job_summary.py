"""What a command said in JSON as a table in the summary of a workflow's job, or in the terminal.

    rookery register --run-id ID --json | python scripts/job_summary.py "Registration"

Reads a file that is named, or standard input. `--output a.b` also hands that value on, as `b`, to
the steps that follow (`GITHUB_OUTPUT`).
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def main() -> int:
    """2 where there is no JSON object to show, or it lacks what is to be handed on."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("title")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--output", action="append", default=[], metavar="KEY")
    given = parser.parse_args()
    where = given.file or "standard input"
    try:
        text = given.file.read_text(encoding="utf-8") if given.file else sys.stdin.read()
        said = json.loads(text)
    except (OSError, ValueError) as error:
        print(f"{where} holds no JSON object: {error}", file=sys.stderr)
        return 2
    append("GITHUB_STEP_SUMMARY", markdown(given.title, said))
    print(plain(given.title, said))
    try:
        found = {key.rpartition(".")[2]: looked_up(said, key) for key in given.output}
    except KeyError as error:
        print(f"{where} does not say {error.args[0]}", file=sys.stderr)
        return 2
    append("GITHUB_OUTPUT", "".join(f"{key}={value}\n" for key, value in found.items()))
    return 0


def looked_up(said: Any, path: str) -> str:
    """The value at `a.b`; nothing where `a` is null.

    Raises:
        KeyError: it is not said.
    """
    for key in path.split("."):
        if said is None:
            return ""
        if key not in said:
            raise KeyError(path)
        said = said[key]
    return "" if said is None else one_line(said)


def markdown(title: str, said: Mapping[str, Any]) -> str:
    """A heading and a table; what an error says stands above it."""
    rows = [f"| {cell(name)} | {cell(value)} |" for name, value in flat(said)]
    return "\n".join([f"### {title}", "", "| | |", "| --- | --- |", *rows, "", ""])


def plain(title: str, said: Mapping[str, Any]) -> str:
    return "\n".join([title, *(f"  {name:<32}{one_line(value)}" for name, value in flat(said))])


def flat(said: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values, those of an inner object by their own names; no lists, nothing empty."""
    for name, value in said.items():
        if isinstance(value, Mapping):
            yield from flat(value, name)
        elif not isinstance(value, list) and value not in (None, ""):
            yield ("error" if above == "error" and name == "message" else name), value


def one_line(value: Any) -> str:
    shown = f"{value:.6f}" if isinstance(value, float) else str(value)
    return " ".join(shown.split())


def cell(value: Any) -> str:
    """What Markdown shows as it is: values come from data and must not become links or tags."""
    shown = one_line(value)
    for mark in "\\`*_[]<>|&":
        shown = shown.replace(mark, f"\\{mark}")
    return shown


def append(variable: str, text: str) -> None:
    if target := os.environ.get(variable):
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main())
