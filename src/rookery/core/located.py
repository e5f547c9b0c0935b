"""Where in a task file a mistake is, and how its names are checked and shown."""

from typing import Any

RESERVED_COLUMNS = frozenset({"batch_id", "ingested_at", "row_hash"})


class Located(ValueError):
    """A mistake across several keys, with the place to mend."""

    def __init__(self, loc: tuple[Any, ...], value: Any, allowed: str) -> None:
        super().__init__(f"{value!r} is not allowed here; allowed: {allowed}")
        self.loc = loc
        self.value = value
        self.allowed = allowed


def check_column_name(name: str, folded: dict[str, str]) -> None:
    """MySQL and SQLite fold case and MySQL ends names at 64 characters; `folded` is added to."""
    if not name or len(name) > 64 or name != name.strip() or "\x00" in name:
        raise Located(("columns", name), name, "1 to 64 characters, no space at the ends")
    if name.lower() in RESERVED_COLUMNS:
        raise Located(("columns", name), name, f"any name but {sorted(RESERVED_COLUMNS)}")
    if name.lower() in folded:
        raise Located(
            ("columns", name),
            name,
            "names that differ in more than upper and lower "
            f"case (there is {folded[name.lower()]!r})",
        )
    folded[name.lower()] = name


def brief(names: Any, most: int = 12) -> str:
    """The first names of a long list, and how many more there are."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
