"""The guides say the same in both languages, and nothing that is not there."""

import re
from pathlib import Path

import pytest
import typer

from rookery.cli import app

DOCS = Path(__file__).parents[2] / "docs"
WORKFLOWS = DOCS.parent / ".github" / "workflows"
GUIDES = sorted(path for path in (DOCS / "guides").glob("*.md") if ".es" not in path.suffixes)
COMMANDS = typer.main.get_command(app).commands
every_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
every_page = pytest.mark.parametrize(
    "page",
    sorted([*(DOCS / "guides").glob("*.md"), *DOCS.glob("*.md")]),
    ids=lambda path: path.name,
)


def shape(text: str) -> list[str]:
    """What a translation does not change: headings, rows of tables, and lines of code blocks."""
    lines = re.sub(r"^```\w*\n.*?^```$", "code", text, flags=re.M | re.S).splitlines()
    return [match[0] for line in lines if (match := re.match(r"#+|\||code", line))]


@every_guide
def test_a_guide_has_a_spanish_twin_in_step(guide: Path) -> None:
    twin = guide.with_name(f"{guide.stem}.es.md")
    english, spanish = guide.read_text(encoding="utf-8"), twin.read_text(encoding="utf-8")
    assert shape(english) == shape(spanish)
    names = r"`([A-Z][A-Z_]{4,})`"
    assert re.findall(names, english) == re.findall(names, spanish)
    assert len(re.findall(r"\]\(", english)) == len(re.findall(r"\]\(", spanish))


@every_page
def test_every_file_that_a_page_links_to_exists(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@every_page
def test_every_command_of_a_page_exists_with_its_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for command, rest in re.findall(r"(?:`|^|/)rookery ([a-z]+)([^`\n#]*)", text, re.M):
        assert command in COMMANDS, command
        known = {option for parameter in COMMANDS[command].params for option in parameter.opts}
        named = set(re.findall(r"(?<=\s)--[a-z-]+", rest.split("|")[0]))
        assert named <= known | {"--help"}, (command, named - known)


@every_guide
def test_every_secret_and_variable_of_a_guide_is_one_of_a_workflow(guide: Path) -> None:
    workflows = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS.glob("*.yml"))
    rows = re.findall(
        r"^\| (`[A-Z][^|]*) \| (secret|variable)s? ", guide.read_text(encoding="utf-8"), re.M
    )
    assert rows
    for names, kind in rows:
        for name in re.findall(r"`([A-Z_]+)`", names):
            assert f"{'secrets' if kind == 'secret' else 'vars'}.{name}" in workflows, name
