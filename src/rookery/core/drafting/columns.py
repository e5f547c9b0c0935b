"""The columns of a drafted task: what each is, and what was seen of it."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rookery.core.drafting.skewness import why_transformed
from rookery.core.located import brief
from rookery.core.profile import Profile, Seen
from rookery.core.profile.words import ALWAYS_MISSING

MOST_CATEGORIES = 100  # each becomes a column for the model
FEWEST_REPEATS = 3  # rows a value, on average: else text is no category
PROSE, PROSE_REPEATS = 3, 20  # blanks in a text on average, and rows a value it then needs
LONGEST_CATEGORY = 200
MOST_SPAN = 1e300  # of a range that can be widened
RARE = 10  # rows of a category, below which little can be learnt of it
CODED = re.compile(r"(^|[_\s.-])(zip|zipcode|zip_code|postcode|postal|plz|cp$)", re.IGNORECASE)


@dataclass(frozen=True)
class Drafted:
    """One column of the file: its keys in their order, and the lines above it."""

    keys: dict[str, Any]
    said: list[str] = field(default_factory=list)


def drafted_columns(found: Profile) -> dict[str, Drafted]:
    """Every column of the table, in its order."""
    return {seen.name: _drafted(seen, found) for seen in found.columns}


def _drafted(seen: Seen, found: Profile) -> Drafted:
    if seen.name == found.answer.seen.name:
        return _target(seen, found)
    reason = found.left_out.get(seen.name)
    if reason:
        return _left_out(seen, reason)
    keys, chosen = _typed(seen)
    required = seen.missing == 0 and "feature" not in keys
    keys |= {"required": True} if required else {}
    said = [_seen(seen), *chosen]
    if seen.name in found.warnings:
        said.append(f"SUSPICIOUS: {found.warnings[seen.name]}. Is it known before the answer is?")
        said.append("if not: feature: false")
    return Drafted(_named(seen) | keys, said)


def _target(seen: Seen, found: Profile) -> Drafted:
    answer = found.answer
    keys: dict[str, Any] = {"type": answer.type} | _written(seen)
    said = [f"the target, {answer.problem}", _seen(seen)]
    if answer.type == "category":
        keys |= _values([str(name) for name in answer.classes], seen)
    if answer.problem == "regression":
        keys |= _range(seen)
        if why_transformed(seen, answer.problem):
            keys["range"] = [_half(float(seen.values.min())), keys["range"][1]]
    elif seen.is_number and answer.type == "category":
        said.append(f"{seen.distinct} whole numbers that come often: taken for classes")
        said.append("to predict a number: type: integer, metric: rmse, and families of regressors")
    said += [
        f"class {name}: {_rows(n, seen.rows)}" for name, n in list(answer.classes.items())[:12]
    ]
    if answer.rare:
        shown = brief(f"{name} ({n})" for name, n in answer.rare.items())
        said.append(f"left out, so that their rows are refused, because too few to judge: {shown}")
    if seen.missing:
        said.append(f"{_rows(seen.missing, seen.rows)} without it: refused when cleaned")
    return Drafted(_named(seen) | keys | {"required": True}, said)


def _left_out(seen: Seen, reason: str) -> Drafted:
    """A column that is kept from the model: no value of it costs a row."""
    readable = seen.type in ("float", "integer", "boolean", "date") and not seen.refused
    keys: dict[str, Any] = {"type": seen.type if readable else "text"}
    keys |= _written(seen) if readable else {}
    return Drafted(_named(seen) | keys | {"feature": False}, [_seen(seen), f"left out: {reason}"])


def _typed(seen: Seen) -> tuple[dict[str, Any], list[str]]:
    """Type and what belongs to it, and what is to be said of the choice."""
    if seen.type == "text":
        return _category_or_text(seen)
    coded = seen.type == "integer" and CODED.search(seen.source_name)
    if coded and seen.distinct <= MOST_CATEGORIES and not seen.refused:
        values = [str(int(value)) for value in _frequent(seen)]
        chosen = ["a number by its form and a place by its name: a category"]
        return {"type": "category"} | _values(values, seen) | _written(seen), chosen
    return {"type": seen.type} | _range(seen) | _written(seen), []


def _category_or_text(seen: Seen) -> tuple[dict[str, Any], list[str]]:
    present = seen.rows - seen.missing
    texts = seen.values.dropna().str
    longest, prose = int(texts.len().max()), texts.count(" ").mean() >= PROSE
    repeats = PROSE_REPEATS if prose else FEWEST_REPEATS
    if seen.distinct > MOST_CATEGORIES or longest > LONGEST_CATEGORY:
        kind = f"{seen.distinct:,} different texts, more than {MOST_CATEGORIES}"
    elif seen.distinct > 2 and present < repeats * seen.distinct:
        kind = f"{seen.distinct:,} different texts in {present:,} rows"
    else:
        return _category(seen)
    said = f"{kind}: too many to be a category, so no model sees it as it is"
    return {"type": "text"} | _written(seen) | {"feature": False}, [said]


def _category(seen: Seen) -> tuple[dict[str, Any], list[str]]:
    counts = seen.values.value_counts()
    rare = counts[counts < RARE]
    said = []
    if len(rare) and seen.rows > RARE * len(counts):
        shown = brief(f"{name} ({n})" for name, n in rare.items())
        said.append(f"rare: {shown}: a model learns little of them")
    return {"type": "category"} | _values([str(v) for v in _frequent(seen)], seen) | _written(
        seen
    ), said


def _frequent(seen: Seen) -> list[Any]:
    return list(seen.values.value_counts().index)


def _values(names: list[str], seen: Seen) -> dict[str, Any]:
    """The values in a stable order, and the spellings of numbers that stand for them."""
    spelled = {
        text: str(int(value))
        for text, value in seen.spellings.items()
        if isinstance(value, float) and text != str(int(value))
    }
    ordered = sorted(names, key=_by_number)
    return {"values": ordered} | ({"replace": spelled} if spelled else {})


def _by_number(name: str) -> tuple[float, str]:
    return (float(name) if re.fullmatch(r"-?\d{1,15}", name, re.ASCII) else math.inf, name)


def _named(seen: Seen) -> dict[str, Any]:
    """The name in the source, if it is another one than blanks at its ends make it."""
    return {} if seen.source_name.strip() == seen.name else {"source_name": seen.source_name}


def _written(seen: Seen) -> dict[str, Any]:
    """How its values are written, and which of them are none."""
    keys = dict(seen.keys)
    markers = [text for text in seen.markers if text not in ALWAYS_MISSING]
    if markers:
        keys["missing"] = sorted({*markers, *keys.get("missing", ())})
    return keys | ({"unit": seen.unit} if seen.unit else {})


def _range(seen: Seen) -> dict[str, Any]:
    """Half the span more on each side, so that what is only new is not refused."""
    if seen.type not in ("float", "integer"):
        return {}
    low, high = float(seen.values.min()), float(seen.values.max())
    if seen.unit == "%" and low >= 0 and high <= 100:
        return {"range": [0, 100]}
    half = high / 2 - low / 2
    if not 0 < half < MOST_SPAN:
        return {}
    digits = 1 - math.floor(math.log10(half))
    if seen.type == "integer":
        digits = min(digits, 0)
    wider = [_rounded(low - half, digits, math.floor), _rounded(high + half, digits, math.ceil)]
    return {"range": [max(0, wider[0]) if low >= 0 else wider[0], wider[1]]}


def _half(low: float) -> int | float:
    """Of a number above 0, rounded, and still above 0."""
    half = low / 2 or low
    return _rounded(half, 1 - math.floor(math.log10(half)), math.floor)


def _rounded(bound: float, digits: int, towards: Callable[[Decimal], int]) -> int | float:
    """To so many digits behind the point, or before it where there are fewer than none."""
    scale = Decimal(10) ** digits
    found = towards(Decimal(bound) * scale) / scale
    return int(found) if found == int(found) else float(found)


def _seen(seen: Seen) -> str:
    """What the values are, their gaps, and how they are written."""
    said = [_about(seen), *seen.said]
    if seen.missing:
        shown = ", ".join(f"{name!r} {count:,}" for name, count in [*seen.markers.items()][:5])
        gaps = f"missing in {_rows(seen.missing, seen.rows)}"
        said.append(f"{gaps} ({shown})" if shown else gaps)
    if seen.refused:
        said.append(f"{_rows(seen.refused, seen.rows)} cannot be read: refused when cleaned")
    return "; ".join(said)


def _about(seen: Seen) -> str:
    values = seen.values.dropna()
    if values.empty:
        return "empty"
    if seen.type == "text":
        return f"text, {seen.distinct:,} different"
    if seen.type == "date":
        return f"{values.min():%Y-%m-%d} to {values.max():%Y-%m-%d}, {seen.distinct:,} different"
    if seen.type == "boolean":
        return f"true in {values.mean():.1%}"
    low, middle, high = map(_figure, (values.min(), values.median(), values.max()))
    return f"{low} to {high}, median {middle}, {seen.distinct:,} different"


def _figure(value: float) -> str:
    large = 1000 <= abs(value) < 1e15
    return f"{value:,.0f}" if large or (value == int(value) and abs(value) < 1e15) else f"{value:g}"


def _rows(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} rows ({count / rows:.1%})"
