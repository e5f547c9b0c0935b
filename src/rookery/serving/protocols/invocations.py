"""MLflow's scoring protocol, as `mlflow models serve` 3.17 speaks it.

Source: mlflow.pyfunc.scoring_server; its answers are recorded in tests/unit/serving/protocols.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic_core import to_json

from rookery.core.records import RecordField
from rookery.serving.bodies import read_json
from rookery.serving.problems import Problem
from rookery.serving.protocols.rows import (
    Columns,
    Given,
    Records,
    check_count,
    check_encoding,
    check_names,
    check_width,
    place_of,
    refused,
    unparsable,
    unsupported,
    without_gaps,
)
from rookery.serving.protocols.texts import read_texts

PROTOCOL_VERSION = "3.17.2"  # of MLflow: what GET /version answers
PING = b"\n"  # what GET /ping answers
JSON, CSV = "application/json", "text/csv"
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
ERROR_CODES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}


def parse_invocations(
    body: bytes,
    headers: Mapping[str, str],
    fields: Sequence[RecordField],
    ignored: Sequence[str],
    most_rows: int,
) -> Given:
    """The rows of a request, to be validated; `headers` are found by lower-case names.

    Raises:
        Problem: 400 for what is neither JSON nor CSV, 413 for more than `most_rows`, 415 for
            another content type, 422 for another shape.
    """
    read = _from_csv if _media_type(headers) == CSV else _from_json
    given = read(body, fields, len(fields) + len(ignored), most_rows)
    return without_gaps(given, fields, ignored)


def render_predictions(labels: Sequence[Any]) -> bytes:
    """The answer to a request, as `application/json`."""
    return to_json({"predictions": labels})


def problem_body(problem: Problem) -> bytes:
    """A problem with the two members that MLflow's users look for."""
    code = ERROR_CODES.get(problem.details.status, "BAD_REQUEST")
    return problem.body(error_code=code, message=problem.details.detail)


def _media_type(headers: Mapping[str, str]) -> str:
    given = headers.get("content-type", "")
    kind, *parameters = (part.strip().lower() for part in given.split(";"))
    if kind not in (JSON, CSV) or any(item != "charset=utf-8" for item in parameters if item):
        raise unsupported("content-type", given, f"{JSON} or {CSV}, in UTF-8")
    check_encoding(headers)
    return kind


def _from_json(body: bytes, fields: Sequence[RecordField], known: int, most: int) -> Given:
    found = read_json(body, known, most)
    forms = [form for form in FORMS if form in found] if isinstance(found, dict) else []
    if len(forms) != 1:
        what = f"an object with {' and '.join(forms)}" if forms else found
        raise refused("body", what, f"an object with exactly one of {', '.join(FORMS)}")
    if found.get("params") not in (None, {}):
        raise refused("params", found["params"], "nothing: this model takes none")
    (form,) = forms
    if form == "dataframe_split":
        return _split(found[form], known, most)
    if form == "dataframe_records":
        return _listed(found[form], form, most)
    return _tensors(found[form], form, fields, known, most)


def _split(data: Any, known: int, most: int) -> Columns:
    place = "dataframe_split"
    if not isinstance(data, dict) or set(data) - {"index"} != {"columns", "data"}:
        raise refused(place, data, "an object of columns, data and, if need be, index")
    columns, rows, index = data["columns"], data["data"], data.get("index")
    if not isinstance(columns, list):
        raise refused(f"{place}.columns", columns, "the list of the columns' names")
    if not isinstance(rows, list):
        raise refused(f"{place}.data", rows, "a list of rows")
    check_width(len(columns), known)
    check_names(columns, f"{place}.columns")
    check_count(len(rows), most)
    if index is not None and (not isinstance(index, list) or len(index) != len(rows)):
        raise refused(f"{place}.index", index, "a list of one label a row")
    _check_rows(rows, len(columns), f"{place}.data")
    return Columns(dict(zip(columns, zip(*rows, strict=True), strict=True)), len(rows))


def _check_rows(rows: list[Any], width: int, place: str) -> None:
    """Each row a list of `width` values."""
    if set(map(type, rows)) == {list} and set(map(len, rows)) == {width}:
        return
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            what = f"{len(row)} values" if isinstance(row, list) else row
            named = place_of(place, number, len(rows))
            raise refused(named, what, f"a list of {width} values, one a column")


def _listed(data: Any, form: str, most: int) -> Records:
    if not isinstance(data, list):
        raise refused(form, data, "a list of records")
    check_count(len(data), most)
    return data


def _tensors(data: Any, form: str, fields: Sequence[RecordField], known: int, most: int) -> Given:
    """`instances` and `inputs`: records, columns, one record, or the values of an only column."""
    if isinstance(data, list):
        if not data or any(isinstance(item, dict) for item in data):
            return _listed(data, form, most)
        if len(fields) == 1:
            data = {fields[0].name: data}
    if not isinstance(data, dict):
        raise refused(form, data, "columns by name: a list of records, or an object of lists")
    check_width(len(data), known)
    if not any(isinstance(values, list) for values in data.values()):
        return [data]
    lengths = {len(values) if isinstance(values, list) else -1 for values in data.values()}
    if len(lengths) != 1:
        raise refused(form, "columns of different lengths", "one value a row in every column")
    (count,) = lengths
    check_count(count, most)
    return Columns(data, count)


def _from_csv(body: bytes, fields: Sequence[RecordField], known: int, most: int) -> Columns:
    try:
        text = io.StringIO(body.decode("utf-8-sig").strip("\r\n"), newline="")
        lines = csv.reader(text, strict=True)
        names = next(lines, [])
        check_width(len(names), known)
        rows = list(islice(lines, most + 1))
    except (ValueError, csv.Error) as error:  # UnicodeError is a ValueError
        allowed = "CSV in UTF-8: a header, then rows of as many cells"
        raise unparsable(f"the body is not CSV: {error}", allowed) from None
    check_names(names, "header")
    if len(rows) <= most:  # where there are more, more may follow
        rows = [row for row in rows if row]
    check_count(len(rows), most)
    _check_rows(rows, len(names), "row")
    types = {field.name: field for field in fields}
    columns = {
        name: read_texts(cells, types.get(name))
        for name, cells in zip(names, zip(*rows, strict=True), strict=True)
    }
    if names[0] == "":  # how pandas writes its index
        del columns[""]
    return Columns(columns, len(rows))
