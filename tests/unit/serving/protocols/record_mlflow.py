"""Records what MLflow answers: `python -m tests.unit.serving.protocols.record_mlflow`.

`mlflow models serve` serves two models, one after the other: a classifier of penguins, and a
regressor that takes every type a signature has. The tests read what was recorded.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import mlflow.sklearn
import palmerpenguins
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

URL = "http://127.0.0.1:24999"
RECORDED = Path(__file__).parent / "recorded_mlflow.json"
NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
PENGUIN = ["Torgersen", 39.1, 18.7, 181.0, 3750.0, "male"]
PENGUINS = [PENGUIN, ["Biscoe", 50.0, 15.2, 218.0, 5700.0, "male"]]
PENGUIN_COLUMNS = ["island", *NUMBERS, "sex"]
FLAT_COLUMNS = ["area_m2", "rooms", "balcony", "built", "district"]
FLATS = [
    [80.5, 3, True, "1987-06-01T00:00:00", "Süd"],
    [40, None, False, "2001-01-01T00:00:00", "Nord"],
]
CHANGES: dict[str, Any] = {
    "an integer for a float": {"body_mass_g": 3750},
    "text for a float": {"body_mass_g": "3750"},
    "null for a float": {"body_mass_g": None},
    "NaN for a float": {"body_mass_g": float("nan")},
    "an unknown category": {"island": "Elba"},
    "null for a category": {"sex": None},
    "NaN for a category": {"sex": float("nan")},
    "another column": {"year": 2007},
}
HEADER = ",".join(PENGUIN_COLUMNS)
SPLIT, RECORDS = "dataframe_split", "dataframe_records"


def rows(columns: list[str], data: list[list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in data]


def by_column(columns: list[str], data: list[list[Any]]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in data] for place, name in enumerate(columns)}


def text(columns: list[str], data: list[list[Any]]) -> str:
    return pd.DataFrame(data, columns=columns).to_csv(index=False)


def forms(columns: list[str], data: list[list[Any]]) -> dict[str, Any]:
    """Every form in which the same rows can be asked, and one row alone."""
    split = {"columns": columns, "data": data}
    return {
        "dataframe_split": {SPLIT: split},
        "dataframe_split with an index": {SPLIT: split | {"index": list(range(len(data)))}},
        "dataframe_split with an index of another length": {SPLIT: split | {"index": [5]}},
        "dataframe_split with no columns": {SPLIT: {"data": data}},
        "dataframe_split with another key": {SPLIT: split | {"dtypes": []}},
        "dataframe_split of no rows": {SPLIT: split | {"data": []}},
        "dataframe_records": {RECORDS: rows(columns, data)},
        "dataframe_records of one row": {RECORDS: rows(columns, data)[:1]},
        "dataframe_records that is an object": {RECORDS: rows(columns, data)[0]},
        "instances as records": {"instances": rows(columns, data)},
        "instances as lists": {"instances": data},
        "instances as columns": {"instances": by_column(columns, data)},
        "inputs as columns": {"inputs": by_column(columns, data)},
        "inputs as records": {"inputs": rows(columns, data)},
        "inputs as one record": {"inputs": rows(columns, data)[0]},
        "inputs as lists": {"inputs": data},
        "text/csv": text(columns, data),
        "text/csv with an index": pd.DataFrame(data, columns=columns).to_csv(),
    }


def penguin_requests() -> dict[str, Any]:
    split = {"columns": PENGUIN_COLUMNS, "data": PENGUINS}
    (penguin,) = rows(PENGUIN_COLUMNS, [PENGUIN])
    records = {name: {RECORDS: [penguin | change]} for name, change in CHANGES.items()}
    return (
        records
        | forms(PENGUIN_COLUMNS, PENGUINS)
        | {
            "empty params": {SPLIT: split, "params": {}},
            "null params": {SPLIT: split, "params": None},
            "params": {SPLIT: split, "params": {"threshold": 0.5}},
            "another key beside": {SPLIT: split, "client_request_id": "7"},
            "another key beside instances": {
                "instances": rows(PENGUIN_COLUMNS, PENGUINS),
                "more": 1,
            },
            "a signature_name": {
                "instances": rows(PENGUIN_COLUMNS, PENGUINS),
                "signature_name": "s",
            },
            "two forms": {SPLIT: split, "inputs": rows(PENGUIN_COLUMNS, PENGUINS)},
            "no form": {"columns": PENGUIN_COLUMNS},
            "a list": PENGUINS,
            "a missing column": {RECORDS: rows(PENGUIN_COLUMNS[:5], [PENGUIN[:5]])},
            "a column twice": {
                SPLIT: {"columns": [*PENGUIN_COLUMNS, "sex"], "data": [[*PENGUIN, "male"]]}
            },
            "a short row": {SPLIT: split | {"data": [PENGUIN, PENGUIN[:3]]}},
            "columns of other lengths": {
                "inputs": by_column(PENGUIN_COLUMNS, PENGUINS) | {"sex": ["male"]}
            },
            "no JSON": "{",
            "text/csv with gaps": f"{HEADER}\nDream,,18,181,3750,\n",
            "text/csv with no header": "Dream,39,18,181,3750,male\n",
            "text/csv with a long row": text(PENGUIN_COLUMNS, PENGUINS)
            + "Dream,39,18,181,3750,male,1\n",
            "text/csv with a short row": text(PENGUIN_COLUMNS, PENGUINS) + "Dream,39\n",
            "text/csv that is empty": "",
            "text/csv of no rows": f"{HEADER}\n",
            "text/csv with quotes": f'{HEADER}\r\n"Dream","39",18,181,3750,"male"\r\n\r\n',
            "text/csv with no number": text(PENGUIN_COLUMNS, PENGUINS)
            + "Dream,long,18,181,3750,male\n",
        }
    )


def flat_requests() -> dict[str, Any]:
    return forms(FLAT_COLUMNS, FLATS)


def classifier() -> tuple[Any, ModelSignature]:
    frame = palmerpenguins.load_penguins().dropna()
    pipeline = make_pipeline(
        make_column_transformer(
            (StandardScaler(), NUMBERS),
            (OneHotEncoder(handle_unknown="ignore"), ["island", "sex"]),
        ),
        LogisticRegression(max_iter=1000),
    )
    types = ["string", *["double"] * 4, "string"]
    inputs = [ColSpec(kind, name) for name, kind in zip(PENGUIN_COLUMNS, types, strict=True)]
    signature = ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec("string")]))
    return pipeline.fit(frame[PENGUIN_COLUMNS], frame["species"]), signature


def regressor() -> tuple[Any, ModelSignature]:
    frame = pd.DataFrame(rows(FLAT_COLUMNS, FLATS)).assign(built=pd.Timestamp("2000-01-01"))
    pipeline = make_pipeline(
        make_column_transformer(
            (FunctionTransformer(pd.DataFrame.fillna, kw_args={"value": 0}), ["area_m2", "rooms"]),
            ("passthrough", ["balcony"]),
            (OneHotEncoder(handle_unknown="ignore"), ["district"]),
        ),
        LinearRegression(),
    )
    types = ["double", "double", "boolean", "datetime", "string"]
    inputs = [
        ColSpec(kind, name, required=name != "rooms")
        for name, kind in zip(FLAT_COLUMNS, types, strict=True)
    ]
    signature = ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec("double")]))
    return pipeline.fit(frame, [400_000.0, 120_000.0]), signature


def ask(model: tuple[Any, ModelSignature], requests: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a server that runs for these questions only."""
    with tempfile.TemporaryDirectory() as place:
        folder = f"{place}/model"
        mlflow.sklearn.save_model(
            model[0],
            folder,
            signature=model[1],
            serialization_format="cloudpickle",
            pip_requirements=["mlflow"],
        )
        command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", folder]
        options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", "24999"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # of its uvicorn
        environment = os.environ | {"PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"}
        with subprocess.Popen([*command, *options], cwd=place, env=environment) as server:
            try:
                wait_for(server)
                plain = [answered("GET", path) for path in ("/ping", "/health", "/version")]
                return plain + [invoked(name, asked) for name, asked in requests.items()]
            finally:
                server.terminate()


def wait_for(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{URL}/ping").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


def invoked(name: str, asked: Any) -> dict[str, Any]:
    """`{` and CSV are sent as they are, everything else as JSON."""
    kind = "text/csv" if name.startswith("text/csv") else "application/json"
    body = asked if isinstance(asked, str) else json.dumps(asked)
    return {"form": name} | answered("POST", "/invocations", kind, body)


def answered(method: str, path: str, kind: str = "", body: str = "") -> dict[str, Any]:
    headers = {"Content-Type": kind} if kind else {}
    answer = httpx.request(method, URL + path, content=body.encode(), headers=headers, timeout=60)
    return {
        "request": {"method": method, "path": path, "content_type": kind, "body": body},
        "answer": {
            "status": answer.status_code,
            "content_type": answer.headers["content-type"],
            "body": without_trace(answer.text),
        },
    }


def without_trace(body: str) -> str:
    """An answer without the stack trace that MLflow sends: it names files of the host."""
    try:
        found = json.loads(body)
    except ValueError:
        return body
    if isinstance(found, dict) and found.pop("stack_trace", None):
        return json.dumps(found)
    return body


def main() -> None:
    found = {
        "mlflow": mlflow.__version__,
        "penguins": ask(classifier(), penguin_requests()),
        "flats": ask(regressor(), flat_requests()),
    }
    RECORDED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
