"""Names of columns that every table can have, for whatever a source calls them."""

from collections.abc import Sequence

from rookery.core.located import RESERVED_COLUMNS, brief
from rookery.core.onehot import LONGEST, fits, folded
from rookery.errors import InputError

MOST_COLUMNS = 1000


def column_names(given: Sequence[str], origin: str) -> list[str]:
    """One name a column, told apart by more than case and accents.

    Raises:
        InputError: the source has the very same name twice, or too many columns.
    """
    if len(given) > MOST_COLUMNS:
        raise InputError(
            f"{origin} has {len(given):,} columns",
            field="--from",
            value=len(given),
            allowed=f"at most {MOST_COLUMNS:,}: each has its lines in the task file",
            next="keep the columns that matter, for example in a file of their own",
        )
    twice = sorted({name for name in given if list(given).count(name) > 1})
    if twice == [""]:
        raise InputError(
            f"the first line of {origin} leaves {list(given).count('')} of {len(given)} columns "
            "without a name",
            field="--from",
            value=origin,
            allowed="a first line with the names of the columns, at most one of them empty",
            next="remove the lines above the names, and columns without a name",
        )
    if twice:
        raise InputError(
            f"{origin} has more than one column {brief(map(repr, twice), 6)}",
            field="--from",
            value=twice[0],
            allowed="columns of different names",
            next="rename or remove one of them in the source",
        )
    taken = {folded(name) for name in RESERVED_COLUMNS}
    # who has a usable name keeps it: others must not take it away
    usable = {name: _usable(name, at) for at, name in enumerate(given, start=1)}
    kept: dict[str, str] = {}
    for name in sorted(given, key=lambda one: usable[one] != one):
        kept[name] = _free(usable[name], taken)
        taken.add(folded(kept[name]))
    return [kept[name] for name in given]


def _usable(name: str, position: int) -> str:
    plain = "".join(letter if letter <= "\uffff" else "_" for letter in name)
    plain = " ".join(plain.replace("\x00", " ").split()) or f"column_{position}"
    return plain if fits(plain) else _cut(plain, LONGEST)


def _cut(name: str, most: int) -> str:
    return name.encode()[:most].decode(errors="ignore").rstrip()


def _free(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while folded(found) in taken:
        found = f"{_cut(name, LONGEST - 6)}_{number}"
        number += 1
    return found
