"""Something of everything that a stack can hold, put in and read by its own interfaces."""

import hashlib
from dataclasses import dataclass
from typing import Any

from tests.penguins import PENGUIN
from tests.stack.stack import Stack, wait_until

ANA = ("ana", "words-of-her-own-42")
# what a dump could lose: precision, characters, bytes, ends of lines, zero rows, other collations
ODD_TABLES = """
CREATE TABLE `odd values` (
    id INT PRIMARY KEY AUTO_INCREMENT,
    exact DOUBLE, amount DECIMAL(30, 10), moment DATETIME(6), day DATE, flag BIT(3), data LONGBLOB,
    note LONGTEXT COLLATE utf8mb4_0900_ai_ci, code VARCHAR(20) COLLATE utf8mb4_bin, json JSON
);
INSERT INTO `odd values` (exact, amount, moment, day, flag, data, note, code, json) VALUES
    (0.1 + 0.2e0, 12345678901234567890.0123456789, '2026-11-21 14:15:16.123456', '1000-01-01',
     b'101', x'00FF0A0D1A275C', 'a 🐧 of the Nuñez\\r\\nfamily\\t\\\\ '' " \\0 end', 'Ä',
     '{"a": 0.1}'),
    (5e-324, 0, '9999-12-31 23:59:59.999999', '9999-12-31', b'000', '', '', 'ä', '[]'),
    (1.7976931348623157e308, -1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (-0.0e0, NULL, NULL, NULL, NULL, REPEAT(x'FF00', 3000000), REPEAT('🐧', 500000), NULL, NULL);
CREATE TABLE `no rows` (id INT PRIMARY KEY);
CREATE VIEW seen AS SELECT note FROM `odd values` WHERE note LIKE '%🐧%'
"""
RECORDS = """
INSERT INTO predictions VALUES
    ('p-1', '2026-11-21 10:00:00.000001', 'penguins', '1', '{"note": "🐧"}', '{}', 0.1),
    ('p-2', '2026-11-21 10:00:00.000002', 'penguins', '2', '{}', '{}', 0.30000000000000004);
INSERT INTO feedback (prediction_id, outcome, at, who) VALUES
    ('p-1', '"Adelie"', '2026-11-21 11:00:00', 'Zoë 🐧')
"""
OBJECTS = {
    "größe/ñandú 🐧.csv": b"1,2\r\n",
    "folder/": b"",
    "folder": b"of the same name",
    "of 20 MB": b"rook" * 5_000_000,
}
TAGS = {"ContentType": "text/csv", "Metadata": {"run": "7"}}


@dataclass
class Everything:
    """What a stack holds, as its own interfaces say."""

    registry: dict[str, Any]
    metadata: dict[str, list[tuple[Any, ...]]]
    tables: dict[str, list[tuple[Any, ...]]]
    objects: dict[str, tuple[Any, ...]]
    answers: list[dict[str, Any]]


def everything(stack: Stack) -> Everything:
    return Everything(
        registry(stack), metadata(stack), all_tables(stack), objects(stack), answers(stack)
    )


def registry(stack: Stack) -> dict[str, Any]:
    experiments = stack.mlflow("experiments/search", json={"max_results": 100}).json()
    ids = [one["experiment_id"] for one in experiments["experiments"]]
    runs = stack.mlflow("runs/search", json={"experiment_ids": ids, "max_results": 1000}).json()
    versions = stack.mlflow("model-versions/search", params={"max_results": 100}).json()
    models = stack.mlflow("registered-models/search", params={"max_results": 100}).json()
    assert len(runs["runs"]) > 20
    assert len(versions["model_versions"]) == 2
    return {**experiments, **runs, **versions, **models}


def metadata(stack: Stack) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of MLflow's database but the accounts, whose passwords are those of each stack."""
    listed = stack.postgres("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    names = {name for (name,) in listed} - {"users"}
    rows = {
        name: stack.postgres(f'SELECT t::text FROM "{name}" t ORDER BY 1') for name in sorted(names)
    }
    return rows | {"users": stack.postgres("SELECT id, username, is_admin FROM users ORDER BY 1")}


def all_tables(stack: Stack) -> dict[str, list[tuple[Any, ...]]]:
    names = [name for (name,) in stack.mysql("SHOW TABLES")]
    found = {name: sorted(stack.mysql(f"SELECT * FROM `{name}`"), key=repr) for name in names}
    return found | {f"{name} as made": as_made(stack, name) for name in names}


def as_made(stack: Stack, name: str) -> list[tuple[str, ...]]:
    """A dump spells the character set out where its collation implies it."""
    shown = stack.mysql(f"SHOW CREATE TABLE `{name}`")
    return [tuple(str(cell).replace(" CHARACTER SET utf8mb4", "") for cell in row) for row in shown]


def objects(stack: Stack) -> dict[str, tuple[Any, ...]]:
    found = {}
    for owner, bucket in (("mlflow", "mlflows3"), ("jobs", "api-artifacts")):
        client = stack.s3(owner)
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for listed in page.get("Contents", []):
                one = client.get_object(Bucket=bucket, Key=listed["Key"])
                digest = hashlib.sha256(one["Body"].read()).hexdigest()
                found[f"{bucket}/{listed['Key']}"] = (digest, one["ContentType"], one["Metadata"])
    return found


def answers(stack: Stack) -> list[dict[str, Any]]:
    """Of fifty penguins, without the ids, which are new for each answer."""
    rows = stack.mysql(f"SELECT {', '.join(PENGUIN)} FROM penguins_clean LIMIT 50")
    asked = [dict(zip(PENGUIN, row, strict=True)) for row in rows]
    answer = stack.api("POST", "/predict/batch", json=asked)
    assert answer.status_code == 200, answer.text
    given = answer.json()["predictions"]
    assert len(given) == 50
    return [{name: value for name, value in one.items() if name != "id"} for one in given]


def statements(stack: Stack, script: str, user: str = "my_app_user") -> None:
    for statement in script.split(";\n"):
        stack.mysql(statement, user)


def second_version(stack: Stack) -> None:
    """Another candidate that the gate and the checks of the task let pass."""
    search = {
        "experiment_ids": ["1"],
        "filter": "attributes.run_name = 'logistic_regression-2'",
        "max_results": 1,
    }
    (run,) = stack.mlflow("runs/search", json=search).json()["runs"]
    stack.rookery("promote", "--run", run["info"]["run_id"])


def furnish(stack: Stack) -> None:
    """Something of everything in the stack, and nothing of what other tests have left."""
    stack.wait_healthy()
    if "odd values" not in {name for (name,) in stack.mysql("SHOW TABLES")}:
        stack.compose("down", "--volumes")
        stack.up()
        stack.wait_healthy()
        stack.rookery("run")
        statements(stack, ODD_TABLES)
        statements(stack, RECORDS, "rookery_api")
        second_version(stack)
        stack.mlflow("users/create", json={"username": ANA[0], "password": ANA[1]})
    if stack.production() != "2":  # a stack that was kept
        stack.rookery("promote", "--version", "2")
    for key, body in OBJECTS.items():
        stack.s3("jobs").put_object(Bucket="api-artifacts", Key=key, Body=body, **TAGS)
    wait_until(lambda: stack.predict()["version"] == "2", "the API serves version 2")
