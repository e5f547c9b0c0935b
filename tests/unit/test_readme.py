"""Both READMEs say the same, and nothing that is not there."""

import re
from pathlib import Path

import pytest
import typer

from rookery.cli import app
from rookery.core.taskfile import parse_task

ROOT = Path(__file__).parents[2]
ENGLISH, SPANISH = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.es.md")
)
both = pytest.mark.parametrize("text", [ENGLISH, SPANISH], ids=["English", "Spanish"])
COMMANDS = typer.main.get_command(app).commands


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of the fenced blocks."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)


def prose(text: str) -> str:
    return re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.M | re.S)


def without_comments(block: str) -> str:
    return re.sub(r" +#.*", "", block)


@both
def test_it_is_shorter_than_150_lines(text: str) -> None:
    assert len(text.splitlines()) < 150


def test_headings_and_tables_are_in_step() -> None:
    english, spanish = (
        [re.match(r"#+|\|", line)[0] for line in prose(text).splitlines() if line[:1] in ("#", "|")]
        for text in (ENGLISH, SPANISH)
    )
    assert english == spanish


def test_code_blocks_are_the_same_but_for_words() -> None:
    english, spanish = blocks(ENGLISH), blocks(SPANISH)
    assert [language for language, _ in english] == [language for language, _ in spanish]
    for (language, block), (_, twin) in zip(english, spanish, strict=True):
        assert len(block.splitlines()) == len(twin.splitlines())
        if language:
            assert without_comments(block) == without_comments(twin)


def test_both_name_the_same_commands_links_and_figures() -> None:
    for pattern in (r"`[^`]*`", r"\]\((?!README)[^)]*\)", r"<http[^>]*>", r"\d[\d.]*"):
        english, spanish = (sorted(re.findall(pattern, prose(text))) for text in (ENGLISH, SPANISH))
        assert english == spanish, pattern


@both
def test_every_rookery_command_with_its_options_exists(text: str) -> None:
    named = re.findall(r"rookery ([a-z]+)([^`\n]*)", text)
    found = [(command, rest) for command, rest in named if command in COMMANDS]
    # prose may say "rookery" too; code may not
    in_code = re.findall(r"`(?:\.venv/bin/)?rookery ([a-z]+)|^\.venv/bin/rookery (\w+)", text, re.M)
    assert {left or right for left, right in in_code} <= set(COMMANDS)
    assert {command for command, _ in found} >= set(COMMANDS) - {"clean", "sweep"}
    for command, rest in found:
        known = {option for parameter in COMMANDS[command].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


@both
def test_every_make_target_and_file_exists(text: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert {"demo", "local", "test"} <= set(re.findall(r"`make ([a-z-]+)`", text)) <= targets
    for path in re.findall(r"(?:scripts|requirements|tasks)/[\w.]+\.(?:py|txt|yaml)", text):
        assert (ROOT / path).is_file() or path == "tasks/flats.yaml", path
    script = (ROOT / "scripts" / "local.py").read_text(encoding="utf-8")
    for option in re.findall(r"--(?:mlflow|jupyter)-port", text):
        assert f'"{option}"' in script


@both
def test_every_relative_link_leads_to_something(text: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) >= 8
    for link in links:
        assert (ROOT / link).exists(), link


@both
def test_every_address_is_on_this_machine(text: str) -> None:
    assert set(re.findall(r"https?://([\w.-]+)", text)) == {"localhost"}


@both
def test_the_task_shown_is_a_valid_one(text: str) -> None:
    example = next(block for language, block in blocks(text) if language == "yaml")
    task = parse_task(example, "tasks/flats.yaml")
    assert f"rookery run {task.name}" in text
    assert task.kind == "regressor"


@both
def test_the_tree_names_folders_that_exist(text: str) -> None:
    tree = next(block for _, block in blocks(text) if block.startswith("tasks/"))
    for line in tree.splitlines():
        left, right = re.match(r"(\S+)", line)[1], re.search(r"\s(\S+[/y])  ", line[40:])[1]
        assert (ROOT / left).is_dir(), left
        inside = right if right.startswith("src/") else f"src/rookery/{right}"
        assert (ROOT / inside).exists(), right
