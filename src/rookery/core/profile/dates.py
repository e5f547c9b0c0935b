"""Dates in common forms, and which of day and month stands first."""

import re
from collections.abc import Mapping, Sequence

from rookery.core.profile.numbers import Reading, may_be_refused
from rookery.core.values import read_date

_TIME = r"(?P<time>[T ]\d{1,2}:\d{2}(?::\d{2})?)?"
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_COMPACT = re.compile(r"(?:19|20)\d{6}(?:T\d{6}Z?)?")
_DAYS = re.compile(rf"(\d{{1,2}})(?P<mark>[/.-])(\d{{1,2}})(?P=mark)(\d{{4}}|\d{{2}}){_TIME}")
_YEAR_FIRST = re.compile(rf"\d{{4}}(?P<mark>[/.])\d{{1,2}}(?P=mark)\d{{1,2}}{_TIME}")
_WORDS = (
    (re.compile(r"\d{1,2} [A-Za-z]{3,9} \d{4}"), "%d {month} %Y"),
    (re.compile(r"\d{1,2}-[A-Za-z]{3,9}-\d{4}"), "%d-{month}-%Y"),
    (re.compile(r"[A-Za-z]{3,9} \d{1,2}, \d{4}"), "{month} %d, %Y"),
)


def read_dates(counts: Mapping[str, int]) -> Reading | None:
    """The texts as dates, if nearly all rows are one form; None otherwise.

    Where day and month cannot be told apart the reading is of text, and says so.
    """
    texts = list(counts)
    form, found = None, None
    if _fits(_ISO, counts) or _fits(_COMPACT, counts):
        found = _read(counts, None)
    elif _fits(_YEAR_FIRST, counts):
        form = _with_time("%Y{mark}%m{mark}%d", _matches(_YEAR_FIRST, texts))
        found = _read(counts, form)
    elif _fits(_DAYS, counts):
        return _days_and_months(counts)
    else:
        form, found = _with_words(counts)
    return None if found is None else _dated(found, form)


def _days_and_months(counts: Mapping[str, int]) -> Reading | None:
    parts = _matches(_DAYS, list(counts))
    year = "%Y" if len(parts[0][4]) == 4 else "%y"
    forms = [
        _with_time(first + "{mark}" + second + "{mark}" + year, parts)
        for first, second in (("%d", "%m"), ("%m", "%d"))
    ]
    readings = {form: found for form in forms if form and (found := _read(counts, form))}
    if not readings:
        return None
    form, found = max(readings.items(), key=lambda reading: len(reading[1]))
    if len(readings) == 2 and len(set(map(len, readings.values()))) == 1:
        return _ambiguous(forms, next(iter(counts)))
    return _dated(found, form)


def _ambiguous(forms: Sequence[str | None], shown: str) -> Reading:
    return Reading(
        "text",
        {},
        said=(
            f"looks like dates, such as {shown!r}, but no value tells day from month: left as text",
            f'if you know: type: date, and format: "{forms[0]}" or "{forms[1]}"',
        ),
    )


def _with_words(counts: Mapping[str, int]) -> tuple[str | None, dict[str, object] | None]:
    for pattern, form in _WORDS:
        if _fits(pattern, counts):
            for month in ("%b", "%B"):
                found = _read(counts, form.format(month=month))
                if found:
                    return form.format(month=month), found
    return None, None


def _with_time(form: str, parts: Sequence[re.Match[str]]) -> str | None:
    """The form with the mark between its parts and the time behind it, if all have the same."""
    kinds = {
        (part["mark"], (part["time"] or "").count(":"), (part["time"] or "")[:1]) for part in parts
    }
    if len(kinds) != 1:
        return None
    mark, colons, between = kinds.pop()
    return form.format(mark=mark) + between + ("", "%H:%M", "%H:%M:%S")[colons]


def _matches(pattern: re.Pattern[str], texts: Sequence[str]) -> list[re.Match[str]]:
    return [found for text in texts if (found := pattern.fullmatch(text))]


def _fits(pattern: re.Pattern[str], counts: Mapping[str, int]) -> bool:
    fitting = sum(rows for text, rows in counts.items() if pattern.fullmatch(text))
    rows = sum(counts.values())
    return rows - fitting <= may_be_refused(rows)


def _read(counts: Mapping[str, int], form: str | None) -> dict[str, object] | None:
    found = {text: date for text in counts if (date := read_date(text, form))}
    rows, every = sum(counts[text] for text in found), sum(counts.values())
    return dict(found) if every - rows <= may_be_refused(every) else None


def _dated(found: Mapping[str, object], form: str | None) -> Reading:
    shown = next(iter(found))
    said = f"dates such as {shown!r}" + (
        ", day and month told apart by values above 12" if form and _DAYS.fullmatch(shown) else ""
    )
    return Reading("date", found, {"format": form} if form else {}, said=(said,))
