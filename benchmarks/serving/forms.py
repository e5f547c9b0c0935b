"""How rows are sent to each kind of server, and where its answer has the labels."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """One kind of request; without `labels` the answer is the request again."""

    path: str
    body: Callable[[Sequence[Row]], Any]
    labels: Callable[[Any], list[Any]] | None

    def encode(self, rows: Sequence[Row]) -> str:
        """One line of JSON."""
        return json.dumps(self.body(rows), separators=(",", ":"))


def _only(rows: Sequence[Row]) -> Row:
    (row,) = rows
    return row


def _split(rows: Sequence[Row]) -> Any:
    data = [list(row.values()) for row in rows]
    return {"dataframe_split": {"columns": list(rows[0]), "data": data}}


def _inference(rows: Sequence[Row]) -> Any:
    return {"parameters": {"content_type": "pd"}, "inputs": [_tensor(n, rows) for n in rows[0]]}


def _tensor(name: str, rows: Sequence[Row]) -> Any:
    values = [row[name] for row in rows]
    tensor: dict[str, Any] = {
        "name": name,
        "shape": [len(values), 1],
        "datatype": "FP64",
        "data": values,
    }
    if isinstance(values[0], str):
        tensor |= {"datatype": "BYTES", "parameters": {"content_type": "str"}}
    return tensor


RECORD = Form("/predict", _only, lambda answer: [answer["prediction"]])
RECORDS = Form(
    "/predict/batch", list, lambda answer: [one["prediction"] for one in answer["predictions"]]
)
INVOCATIONS = Form("/invocations", _split, lambda answer: list(answer["predictions"]))
INFERENCE = Form(
    "/v2/models/penguins/infer", _inference, lambda answer: list(answer["outputs"][0]["data"])
)
LISTED = Form("/predict", lambda rows: {"rows": list(rows)}, list)
ECHO = Form("/", _only, None)
