"""Reads the text of a task file: a mistake comes with file, line, key path and what is allowed."""

import math
import re
from itertools import count
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.reader import ReaderError

from rookery.core.located import Located
from rookery.core.task import Task
from rookery.errors import InputError

MOST_CHARACTERS = 256_000
MOST_VALUES = 100_000  # with every alias written out
Model = TypeVar("Model", bound=BaseModel)


def parse_task(text: str, filename: str) -> Task:
    """The task that the text describes.

    Raises:
        InputError: with every mistake found, each on a line `file:line: key.path: …`.
    """
    tree, plain = read_mapping(text, filename)
    return validated(Task, plain, tree, filename, next="rookery tasks")


def read_mapping(text: str, filename: str) -> tuple[Any, dict[str, Any]]:
    """A YAML mapping twice: as ruamel annotates it with lines, and as plain values.

    Raises:
        InputError: it is not one, or too large.
    """
    try:
        tree = _read_yaml(text, filename)
        return tree, _plain(tree, count())
    except (RecursionError, OverflowError):  # nested without end, or an alias in itself
        raise _too_large(filename) from None


def validated(
    model: type[Model],
    plain: dict[str, Any],
    tree: Any,
    filename: str,
    *,
    next: str,  # noqa: A002 - the contract's word
) -> Model:
    """A model of plain values; `tree` says on which lines they stand.

    Raises:
        InputError: with every mistake found; `next` is the command to call after mending.
    """
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        mistakes = [
            _mistake(found, tree, filename)
            for found in error.errors()
            if found["type"] != "too_short" or not found["input"]
        ]  # follows from others
        first = mistakes[0]
        raise InputError(
            "\n".join(str(mistake["message"]) for mistake in mistakes),
            field=first["field"],
            value=first["value"],
            allowed=first["allowed"],
            next=f"mend {filename}, then: {next}",
        ) from None


def task_schema() -> dict[str, Any]:
    """The JSON Schema by which editors complete and check task files."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Task.model_json_schema()


def _too_large(filename: str) -> InputError:
    return InputError(
        f"{filename}:1: it is too large, or its aliases make it so",
        field=filename,
        allowed=f"at most {MOST_CHARACTERS} characters and {MOST_VALUES} values, aliases "
        "written out",
        next=f"mend {filename}, then: rookery tasks",
    )


def _read_yaml(text: str, filename: str) -> Any:
    if len(text) > MOST_CHARACTERS:
        raise _too_large(filename)
    try:
        tree = YAML(typ="rt").load(text)
    except YAMLError as error:
        raise InputError(
            f"{filename}:{_line_of(error, text)}: not valid YAML: "
            f"{getattr(error, 'problem', None) or str(error).splitlines()[0]}",
            field=filename,
            allowed="YAML 1.2",
            next=f"mend {filename}, then: rookery tasks",
        ) from None
    if not isinstance(tree, dict):
        found = "nothing" if tree is None else "a list" if isinstance(tree, list) else "a value"
        raise InputError(
            f"{filename}:1: a task file is a mapping with name, source, columns, target …; "
            f"there is {found}",
            field=filename,
            allowed="see tasks/penguins.yaml",
        )
    return tree


def _line_of(error: YAMLError, text: str) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if isinstance(error, ReaderError):
        return text.count("\n", 0, error.position) + 1
    return mark.line + 1 if mark else 1


def _plain(node: Any, seen: "count[int]") -> Any:
    """ruamel's annotated containers and scalars as plain Python values.

    Raises:
        OverflowError: more than MOST_VALUES: an alias of aliases grows tenfold with each line.
    """
    if next(seen) > MOST_VALUES:
        raise OverflowError
    if isinstance(node, dict):
        return {_plain(key, seen): _plain(value, seen) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, seen) for value in node]
    for plain in (bool, int, float, str):
        if isinstance(node, plain):
            return plain(node)
    return node


def _mistake(found: Any, tree: Any, filename: str) -> dict[str, Any]:
    cause = found.get("ctx", {}).get("error")
    if isinstance(cause, Located):
        loc, value, allowed = tuple(cause.loc), cause.value, cause.allowed
        text = f"{value!r} is not allowed; allowed: {allowed}"
    else:
        loc, value = tuple(found["loc"]), found["input"]
        allowed = _allowed(found, loc)
        text = f"{_shown(value)} is not allowed; allowed: {allowed}"
        if found["type"] == "missing":
            value, text = None, "this key is missing"
        elif found["type"] == "extra_forbidden":
            text = f"there is no such key; allowed: {allowed}"
        elif found["type"] == "value_error":
            text = allowed
    path, line = _place(tree, loc)
    return {
        "message": f"{filename}:{line}: {'.'.join(path)}: {text}",
        "field": ".".join(path),
        "value": _jsonable(value),
        "allowed": allowed,
    }


_ALLOWED = {
    "missing": "a value",
    "string_type": "text, in quotes where it looks like something else",
    "string_pattern_mismatch": "lower-case letters, digits and _, a letter first, 41 at most",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
}


def _allowed(found: Any, loc: tuple[Any, ...]) -> str:
    """What pydantic would have taken, in the words of a task file."""
    kind = found["type"]
    if kind == "extra_forbidden":
        return f"one of {', '.join(_keys_at(loc[:-1]))}"
    if kind == "model_type":
        return f"a mapping with some of {', '.join(_keys_at(loc))}"
    message = re.sub(r"^Value error, |^Input should be |, unable to .*$", "", found["msg"])
    return _ALLOWED.get(kind, message)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else repr(value)


def _jsonable(value: Any) -> str | int | float | None:
    """One value as `--json` can print it; what holds several is not shown."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float) else None


def _keys_at(loc: tuple[Any, ...]) -> list[str]:
    """The keys that the mapping at this path may have, read off the JSON Schema."""
    schema = Task.model_json_schema()
    node: Any = schema
    for part in loc:
        below = node.get("properties", {}).get(part) or node.get("additionalProperties")
        node = node.get("items", {}) if isinstance(part, int) else below or {}
        node = next((option for option in node.get("anyOf", []) if "$ref" in option), node)
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return list(node.get("properties", {}))


def _place(tree: Any, loc: tuple[Any, ...]) -> tuple[list[str], int]:
    """The key path as it stands in the file, and the line (from 1) of its deepest known key."""
    node, line, path = tree, 1, []
    for part in loc:
        path.append(str(part))
        here = (
            part in node
            if isinstance(node, dict)
            else (isinstance(node, list) and isinstance(part, int) and part < len(node))
        )
        if here:
            # a key merged in with << has no place of its own
            line = (node.lc.data or {}).get(part, [line - 1])[0] + 1
            node = node[part]
    return path, line
