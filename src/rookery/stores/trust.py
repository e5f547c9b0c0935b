"""The trust rule: which types a model may hold, by our own list."""

import io
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from zipfile import ZipFile

import skops.io

from rookery.errors import Refused

MOST_BYTES = 2 * 2**30  # unpacked
MOST_ENTRIES = 100_000
MOST_SCHEMA_BYTES = 64 * 2**20
# skops trusts every estimator of scikit-learn; no pipeline on a table needs these
DENIED = {
    "sklearn.feature_extraction": "a text vectorizer opens the files its rows name, and calls any "
    "analyzer",
    "sklearn.datasets": "it reads files and fetches from the network",
    "sklearn.externals": "code of others, which no list of ours reviews",
    "sklearn.ensemble._iforest": "it walks its trees without a look at the width of the row, "
    "and predicts no target",
}
# with another loader skops would call the constructor of these on the file's own arguments
LOADERS = {"numpy.dtype": "DTypeNode", "sklearn.tree._tree.Tree": "TreeNode"}
LOSSES = ("sklearn._loss.", "sklearn.linear_model._sgd_fast.")


@cache
def trusted_types() -> tuple[str, ...]:
    """The types that we allow besides those of skops itself."""
    lines = files("rookery").joinpath("trusted_types.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def untrusted(data: bytes) -> list[str]:
    """Names of the types in a skops file that neither skops nor our list allows."""
    return sorted(set(skops.io.get_untrusted_types(data=data)) - set(trusted_types()))


def check_file(data: bytes) -> None:
    """Looks through a skops file before anything in it is built.

    Raises:
        Refused: too large when unpacked, or it holds a type or a loader that is not allowed.
    """
    with ZipFile(io.BytesIO(data)) as archive:
        sizes = {item.filename: item.file_size for item in archive.infolist()}
        total = sum(item.file_size for item in archive.infolist())
        _check_size("bytes", total, MOST_BYTES)
        _check_size("entries", len(archive.infolist()), MOST_ENTRIES)
        _check_size("bytes of schema", sizes.get("schema.json", 0), MOST_SCHEMA_BYTES)
        nodes = list(_nodes(json.loads(archive.read("schema.json"))))
    # one entry can be named by many nodes, and is unpacked for each
    _check_size("bytes", sum(sizes.get(str(node.get("file")), 0) for node in nodes), MOST_BYTES)
    for node in nodes:
        _check_node(node)
    strangers = untrusted(data)
    if strangers:
        raise untrusted_error(strangers)


def classes_of(data: bytes) -> set[str]:
    """The dotted names of all that a skops file says it holds."""
    with ZipFile(io.BytesIO(data)) as archive:
        nodes = _nodes(json.loads(archive.read("schema.json")))
        return {f"{node.get('__module__')}.{node.get('__class__')}" for node in nodes}


def untrusted_error(strangers: Sequence[str]) -> Refused:
    return Refused(
        f"the model holds types that are not trusted: {', '.join(strangers)}",
        field="type",
        value=strangers[0],
        allowed="scikit-learn's own types and those in src/rookery/trusted_types.txt",
        next="review the type, then add it to src/rookery/trusted_types.txt",
    )


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a schema; no recursion, because a hostile one nests as it likes."""
    waiting = [schema]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield found
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)


def _check_node(node: dict[str, Any]) -> None:
    name = f"{node.get('__module__')}.{node.get('__class__')}"
    # a function's place stands in its content
    for module in (str(node.get("__module__")), str(node.get("module_path"))):
        for denied, reason in DENIED.items():
            if f"{module}.".startswith(f"{denied}."):
                raise Refused(
                    f"the model holds {name}, which is not served: {reason}",
                    field="type",
                    value=name,
                    allowed=f"estimators outside {', '.join(DENIED)}",
                )
    loader = node.get("__loader__")
    allowed = LOADERS.get(name)
    if (allowed and loader != allowed) or (loader == "LossNode" and not name.startswith(LOSSES)):
        raise Refused(
            f"the model file wants {name} built by {loader}",
            field="type",
            value=name,
            allowed=allowed or f"{loader} for a loss function only",
        )


def _check_size(what: str, found: int, most: int) -> None:
    if found > most:
        raise Refused(
            f"the model file unpacks to {found} {what}; {most} are allowed",
            field="model",
            value=found,
            allowed=most,
        )
