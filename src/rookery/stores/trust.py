"""The trust rule: which types a model may hold, by our own list."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import skops.io

from rookery.errors import Refused


@cache
def trusted_types() -> tuple[str, ...]:
    """The types that we allow besides those of skops itself."""
    lines = files("rookery").joinpath("trusted_types.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def untrusted(data: bytes) -> list[str]:
    """Names of the types in a skops file that neither skops nor our list allows."""
    return sorted(set(skops.io.get_untrusted_types(data=data)) - set(trusted_types()))


def untrusted_error(strangers: Sequence[str]) -> Refused:
    return Refused(
        f"the model holds types that are not trusted: {', '.join(strangers)}",
        field="type",
        value=strangers[0],
        allowed="scikit-learn's own types and those in src/rookery/trusted_types.txt",
        next="review the type, then add it to src/rookery/trusted_types.txt",
    )
