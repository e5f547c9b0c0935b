"""Features worth computing: parts of dates, logarithms of what is skewed, lengths of texts."""

from typing import Any

from rookery.core.drafting.columns import Drafted
from rookery.core.drafting.skewness import why_logarithm
from rookery.core.profile import Profile, Seen

WORDS = 20  # characters on average of a text worth its length
MOST_LOGS = 10
PARTS = ("year", "month", "weekday", "hour")


def drafted_features(
    found: Profile, columns: dict[str, Drafted]
) -> dict[str, tuple[dict[str, Any], str]]:
    """Each feature's operation, by its name, and why it is there."""
    features: dict[str, tuple[dict[str, Any], str]] = {}
    logs = 0
    for seen in found.features:
        kind = columns[seen.name].keys["type"]
        if kind == "date":
            made = _date_parts(seen)
        elif kind == "text":
            made = _length(seen)
        else:
            made = _log(seen) if kind in ("float", "integer") and logs < MOST_LOGS else {}
            logs += len(made)
        for name, feature in made.items():
            features[_free(name, {*columns, *features})] = feature
    return features


def _date_parts(seen: Seen) -> dict[str, tuple[dict[str, Any], str]]:
    dates = seen.values.dropna().dt
    taken = {
        "year": dates.year,
        "month": dates.month,
        "weekday": dates.dayofweek,
        "hour": dates.hour,
    }
    return {
        f"{seen.name}_{part}": (
            {"date_part": {"column": seen.name, "part": part}},
            f"{taken[part].nunique()} different",
        )
        for part in PARTS
        if taken[part].nunique() > 1
    }


def _length(seen: Seen) -> dict[str, tuple[dict[str, Any], str]]:
    lengths = seen.values.dropna().str.len()
    if lengths.mean() < WORDS or lengths.nunique() < 2:
        return {}
    said = f"{lengths.mean():.0f} characters on average; what the text says is not used"
    return {f"{seen.name}_length": ({"length": seen.name}, said)}


def _log(seen: Seen) -> dict[str, tuple[dict[str, Any], str]]:
    said = why_logarithm(seen)
    return {f"log_{seen.name}": ({"log": seen.name}, said)} if said else {}


def _free(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
