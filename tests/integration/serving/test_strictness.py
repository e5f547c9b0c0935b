"""Each kind of value has one behaviour, whatever protocol brings it; docs/serving.md has the table.

CSV cells and BYTES tensors carry no types: they are read by the signature first, and then checked.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.serving.conftest import JSON, Served, serving

Record = dict[str, Any]
ABSENT = object()
WHOLE = {"area_m2": 80.5, "rooms": 3, "balcony": True, "built": "1987-06-01", "district": "Süd"}
NAN, INF = float("nan"), float("inf")


DOCUMENT = Path(__file__).parents[3] / "docs" / "serving.md"


@dataclass(frozen=True)
class Kind:
    """One field of a valid record replaced.

    `strict` and `lenient` are what it is read as by the protocols with types, `gaps` where those
    of MLflow and KServe differ, `parsed` by those without types. None: refused, with the field.
    """

    field: str
    value: Any
    strict: Any
    lenient: Any
    parsed: Any
    gaps: Any = ...


NO = None  # refused
GAP = "gap"  # read as missing
KINDS = {
    "a required one missing": Kind("district", ABSENT, NO, NO, NO),
    "an optional one missing": Kind("rooms", ABSENT, GAP, GAP, GAP),
    "null for a required one": Kind("district", None, NO, NO, NO),
    "null for an optional one": Kind("rooms", None, GAP, GAP, GAP),
    "an integer for a float": Kind("area_m2", 80, 80.0, 80.0, 80.0),
    "2.0 for an integer": Kind("rooms", 2.0, 2, 2, 2),
    "2.5 for an integer": Kind("rooms", 2.5, NO, NO, NO),
    "a numeric text for a float": Kind("area_m2", "80.5", NO, 80.5, 80.5),
    "a numeric text for an integer": Kind("rooms", "3", NO, 3, 3),
    "the text 2.0 for an integer": Kind("rooms", "2.0", NO, 2, 2),
    "the text 2.5 for an integer": Kind("rooms", "2.5", NO, NO, NO),
    "another text for a number": Kind("area_m2", "large", NO, NO, NO),
    "a boolean for a number": Kind("rooms", True, NO, 1, NO),
    "1 for a boolean": Kind("balcony", 1, NO, True, True),
    "the text yes for a boolean": Kind("balcony", "yes", NO, True, True),
    "a number for a category": Kind("district", 1, NO, NO, NO),
    "a number for a date": Kind("built", 19870601, NO, NO, "1987-06-01"),  # ISO 8601 without dashes
    "an unknown category": Kind("district", "Mitte", NO, NO, NO),
    "a number out of range": Kind("area_m2", 500.5, NO, NO, NO),
    "an extra field": Kind("garden", "yes", NO, NO, NO),
    "the target": Kind("price_eur", 200000.0, NO, NO, NO),
    "a field that is not used": Kind("remark", "a lake", "a lake", "a lake", "a lake"),
    "NaN for a required one": Kind("area_m2", NAN, NO, NO, NO),
    "NaN for an optional one": Kind("rooms", NAN, NO, NO, GAP, gaps=GAP),
    "NaN for one that is not used": Kind("remark", NAN, NO, NO, GAP, gaps=GAP),
    "Infinity": Kind("rooms", -INF, NO, NO, NO),
}


def changed(field: str, value: Any) -> Record:
    record = WHOLE | {field: value}
    return {name: value for name, value in record.items() if value is not ABSENT}


def asked_in_json(api: httpx.Client, record: Record) -> dict[str, httpx.Response]:
    """The answer of every form with types; Python writes NaN and Infinity as pandas does."""
    place, row = "/models/flats", [list(record.values())]
    forms: Record = {
        "dataframe_split": {"columns": list(record), "data": row},
        "dataframe_records": [record],
        "instances": [record],
        "inputs": {name: [value] for name, value in record.items()},
    }
    bodies = {form: (f"{place}/invocations", {form: body}) for form, body in forms.items()}
    bodies |= {
        "one": (f"{place}/predict", record),
        "many": (f"{place}/predict/batch", [record]),
        "20 rows": (f"{place}/invocations", {"dataframe_records": [record] * 20}),
    }
    return {
        name: api.post(path, content=json.dumps(body), headers=JSON)
        for name, (path, body) in bodies.items()
    }


def tensor(name: str, value: Any) -> Record:
    kinds = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
    # a gap has the type of its column
    kind = kinds[type(WHOLE[name] if value is None else value)]
    return {"name": name, "shape": [1], "datatype": kind, "data": [value]}


def asked_in_tensors(api: httpx.Client, record: Record) -> httpx.Response:
    body = {"inputs": [tensor(name, value) for name, value in record.items()]}
    return api.post("/v2/models/flats/infer", content=json.dumps(body), headers=JSON)


def asked_in_csv(api: httpx.Client, record: Record) -> httpx.Response:
    text = io.StringIO()
    csv.writer(text).writerows([record, record.values()])
    headers = {"Content-Type": "text/csv"}
    return api.post("/models/flats/invocations", content=text.getvalue(), headers=headers)


def price(answer: httpx.Response) -> Any:
    """What was predicted, in any of the protocols."""
    assert answer.status_code == 200, answer.text
    found = answer.json()
    if "outputs" in found:
        return found["outputs"][0]["data"][0]
    first = found["predictions"][0] if "predictions" in found else found
    return first["prediction"] if isinstance(first, dict) else first


def check(answer: httpx.Response, expected: Any, field: str, api: httpx.Client) -> None:
    """Refused by that field, or answered as the record with the value that is expected."""
    if expected is NO:
        assert answer.status_code == 422, answer.text
        (place,) = {error["field"].rpartition(".")[2] for error in answer.json()["errors"]}
        assert place == field
        return
    record = changed(field, ABSENT if expected == GAP else expected)
    assert price(answer) == price(api.post("/models/flats/predict", json=record))


@pytest.fixture(scope="module")
def lenient(served: Served) -> Iterator[httpx.Client]:
    update = {"api_strict": False, "model_names": ["flats"]}
    with serving(served.settings.model_copy(update=update)) as running:
        yield running.client


@pytest.fixture(params=["strict", "lenient"])
def server(request: pytest.FixtureRequest) -> tuple[str, httpx.Client]:
    name = "api" if request.param == "strict" else "lenient"
    return request.param, request.getfixturevalue(name)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_value_is_read_alike_in_every_form_that_carries_types(
    server: tuple[str, httpx.Client], kind: Kind
) -> None:
    mode, api = server
    expected = getattr(kind, mode)
    of_others = expected if kind.gaps is ... else kind.gaps
    for form, answer in asked_in_json(api, changed(kind.field, kind.value)).items():
        check(answer, expected if form in ("one", "many") else of_others, kind.field, api)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_tensor_is_read_as_its_datatype_says(
    server: tuple[str, httpx.Client], kind: Kind
) -> None:
    mode, api = server
    answer = asked_in_tensors(api, changed(kind.field, kind.value))
    expected = getattr(kind, mode) if kind.gaps is ... else kind.gaps
    check(answer, kind.parsed if isinstance(kind.value, str) else expected, kind.field, api)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_cell_is_read_by_the_signature(server: tuple[str, httpx.Client], kind: Kind) -> None:
    _, api = server
    check(asked_in_csv(api, changed(kind.field, kind.value)), kind.parsed, kind.field, api)


def told(kind: Kind, expected: Any) -> str:
    """In the words of the table."""
    word = "refused" if expected is NO else "missing" if expected == GAP else "taken"
    return f"{word}; missing in `/invocations`, `/v2`" if kind.gaps == GAP else word


def test_the_table_in_the_documentation_is_this_one() -> None:
    section = DOCUMENT.read_text().partition("## What a value may be")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    found = {name.strip(): [cell.strip() for cell in cells] for name, *cells in rows[2:]}
    assert found == {
        name: [
            told(kind, kind.strict),
            told(kind, kind.lenient),
            "refused" if kind.parsed is NO else "missing" if kind.parsed == GAP else "taken",
        ]
        for name, kind in KINDS.items()
    }
