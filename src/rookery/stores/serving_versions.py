"""The library versions that the API answers with; `make lock` writes the list from its lock."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from rookery.errors import Refused


@cache
def serving_versions() -> dict[str, str]:
    """Versions by library, as the image of the API has them."""
    text = files("rookery").joinpath("serving_versions.txt").read_text(encoding="utf-8")
    return dict(line.split("==") for line in text.split())


def require_serving_versions(name: str, libraries: Mapping[str, str]) -> None:
    """Lets a model pass that was made with what will answer for it.

    Another version of one of them may load the same file into an estimator that answers
    differently. A library that the model does not pin is not compared.

    Raises:
        Refused: naming each library with both versions.
    """
    other = {
        library: libraries[library]
        for library, version in serving_versions().items()
        if libraries.get(library, version) != version
    }
    if not other:
        return
    named = ", ".join(
        f"{library} {version} (the API has {serving_versions()[library]})"
        for library, version in other.items()
    )
    raise Refused(
        f"{name} was made with other libraries than it would be served with: {named}",
        field="requirements.txt",
        value=other,
        allowed=", ".join(f"{library}=={serving_versions()[library]}" for library in other),
        next="train again with the locked libraries: make setup, or the JupyterLab of the stack",
    )
