"""The text of a drafted task file."""

import io
import textwrap
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from rookery.core.drafting.columns import Drafted, drafted_columns
from rookery.core.drafting.features import drafted_features
from rookery.core.drafting.learning import choices_for, folds_for, goal_for, not_installed
from rookery.core.drafting.skewness import why_transformed
from rookery.core.profile import Profile
from rookery.core.taskfile import MOST_CHARACTERS
from rookery.errors import InputError

WIDTH = 110
LINE = 105  # of a comment
FIRST_LINE = "# yaml-language-server: $schema=task.schema.json\n"


def draft_task(name: str, source: dict[str, Any], found: Profile, origin: str) -> str:
    """The text of `tasks/NAME.yaml`; `source` is its section of that name.

    Raises:
        InputError: nothing is left to learn from, or there are too many columns for a task file.
    """
    columns = drafted_columns(found)
    features = drafted_features(found, columns)
    if not _learns(found, columns) and not features:
        raise _nothing_left(found, origin)
    tree = CommentedMap()
    tree["name"] = name
    tree["title"] = f"{found.answer.seen.name} of {origin}"
    tree["source"] = _plain(source)
    tree["columns"] = _columns(columns)
    tree["target"] = found.answer.seen.name
    if features:
        tree["features"] = _features(features)
    _add_learning(tree, found)
    text = FIRST_LINE + _comments(_about(found, origin)) + _dumped(tree)
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"{origin} has {len(columns)} columns: their description is longer than a task file "
            "may be",
            field="--from",
            value=len(columns),
            allowed=f"a task file of {MOST_CHARACTERS:,} characters",
            next="keep the columns that matter, for example in a file of their own",
        )
    return text


def _learns(found: Profile, columns: dict[str, Drafted]) -> list[str]:
    usable = ("float", "integer", "boolean", "category")
    return [
        seen.name
        for seen in found.features
        if columns[seen.name].keys["type"] in usable
        and columns[seen.name].keys.get("feature", True)
    ]


def _nothing_left(found: Profile, origin: str) -> InputError:
    reasons = [f"{name}: {reason}" for name, reason in found.left_out.items()]
    more = f" ({'; '.join(reasons[:3])}{' …' if len(reasons) > 3 else ''})" if reasons else ""
    return InputError(
        f"{origin} has no column to learn {found.answer.seen.name} from{more}",
        field="--from",
        value=origin,
        allowed="numbers, categories, yes and no or dates besides the target",
    )


def _about(found: Profile, origin: str) -> list[str]:
    answer = found.answer
    if found.looked_at < found.rows:
        rows = (
            f"{found.looked_at:,} of the {found.rows:,} rows of {origin}, drawn at random, were "
            "looked at: a category that is not among them is missing below, and its rows will be "
            "refused"
        )
    else:
        rows = f"all {found.rows:,} rows of {origin} were looked at"
    said = [
        f"Drafted by `rookery new`: {rows}. Every choice is a suggestion: read the comments and "
        "change what you know better; `rookery tasks` checks the file, docs/tasks.md has all keys."
    ]
    if answer.problem != "regression" and answer.smallest_share < 0.5 / len(answer.classes):
        said.append(
            f"Imbalanced: the largest class has {answer.largest_share:.1%} of the rows, the "
            f"smallest {answer.smallest_share:.1%}. Accuracy alone would say little."
        )
    if found.duplicates:
        said.append(
            f"{found.duplicates:,} of them are exact copies of others, and left out when cleaned."
        )
    return said


def _columns(columns: dict[str, Drafted]) -> CommentedMap:
    tree = CommentedMap()
    for name, drafted in columns.items():
        tree[name] = _plain(drafted.keys)
        _comment(tree, name, drafted.said, indent=2)
    return tree


def _features(features: dict[str, tuple[dict[str, Any], str]]) -> CommentedMap:
    tree = CommentedMap()
    for name, (operation, why) in features.items():
        tree[name] = _flow(operation)
        _comment(tree, name, [why], indent=2)
    return tree


def _add_learning(tree: CommentedMap, found: Profile) -> None:
    goal, folds = goal_for(found.answer), folds_for(found.rows)
    skewed = why_transformed(found.answer.seen, found.answer.problem)
    if skewed:
        tree["target_transform"] = "log"
        _comment(tree, "target_transform", [f"{skewed}; what is learnt is the logarithm"])
    if folds:
        tree["split"] = _plain({"folds": folds[0]})
        _comment(tree, "split", [folds[1]])
    tree["metric"] = goal.metric
    _comment(tree, "metric", [goal.why_metric])
    tree["direction"] = goal.direction
    tree["gate"] = _plain({"minimum": goal.minimum, "not_worse_than_production": True})
    _comment(tree, "gate", [goal.why_minimum])
    candidates = CommentedMap()
    for choice in choices_for(found.answer, found.rows):
        keys: dict[str, Any] = {"fixed": choice.fixed} if choice.fixed else {}
        keys["sets"] = list(choice.sets)
        keys |= {"max_rows": choice.max_rows} if choice.max_rows else {}
        candidates[choice.family] = _plain(keys)
        _comment(candidates, choice.family, [choice.why], indent=2)
    tree["candidates"] = candidates
    absent = not_installed(found.answer, found.rows)
    if absent:
        install = f".venv/bin/pip install --editable '.[{','.join(absent)}]'"
        said = f"{' and '.join(absent)} would be tried, too, but not installed here: {install}"
        _comment(tree, "candidates", [said])


def _plain(value: dict[str, Any]) -> CommentedMap:
    """A mapping a line a key, what is in it in one line; but a line for each parameter set."""
    tree = CommentedMap()
    for key, inner in value.items():
        tree[key] = CommentedSeq(map(_flow, inner)) if key == "sets" else _flow(inner)
    return tree


def _flow(value: Any) -> Any:
    if isinstance(value, dict):
        tree = CommentedMap({key: _flow(inner) for key, inner in value.items()})
        tree.fa.set_flow_style()
        return tree
    if isinstance(value, list | tuple):
        listed = CommentedSeq([_flow(inner) for inner in value])
        listed.fa.set_flow_style()
        return listed
    return value


def _comment(tree: CommentedMap, key: str, said: Sequence[str], indent: int = 0) -> None:
    lines = [line for one in said for line in _wrapped(one, LINE - indent)]
    if lines:
        tree.yaml_set_comment_before_after_key(key, before="\n".join(lines), indent=indent)


def _comments(said: Sequence[str]) -> str:
    return "".join(f"# {line}\n" for one in said for line in _wrapped(one, LINE))


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of what can be read: values of the table may hold anything."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return textwrap.wrap(shown, width, subsequent_indent="  ", max_lines=6, placeholder=" …")


def _dumped(tree: CommentedMap) -> str:
    yaml = YAML()
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()
