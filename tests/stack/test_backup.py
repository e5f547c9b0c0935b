"""Backup and restore: everything comes back, on another stack with other keys."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa
from tests.stack.conftest import give_to
from tests.stack.stack import PENGUIN, Stack, wait_until

from rookery.stores.locks import take

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
READ_KEYS = """
import json, pathlib
root = pathlib.Path("/keys")
files = [path for path in root.rglob("*") if path.is_file() and path.name != ".lock"]
print(json.dumps({str(path.relative_to(root)): path.read_text() for path in files}))
"""
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
    """Another candidate that the gate lets pass."""
    search = {
        "experiment_ids": ["1"],
        "filter": "metrics.holdout_accuracy = 1 AND tags.family = 'svc'",
        "max_results": 1,
    }
    (run,) = stack.mlflow("runs/search", json=search).json()["runs"]
    stack.rookery("promote", "--run", run["info"]["run_id"])


@pytest.fixture(scope="module")
def furnished(stack: Stack) -> Stack:
    """The stack with something of everything in it, and nothing of what other tests have left."""
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
    return stack


@pytest.fixture(scope="module")
def before(furnished: Stack) -> Everything:
    return everything(furnished)


def backups(stack: Stack) -> set[Path]:
    return set((stack.folder / "backups").glob("2*"))


@contextmanager
def backup_at_work(stack: Stack) -> Iterator[tuple[subprocess.Popen[str], pymysql.Connection]]:
    """A backup that has closed the ledger and waits for a table, until the connection lets go."""
    with stack.enter_mysql() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES feedback WRITE")
        with stack.begun("run", "--rm", "-T", "backup") as process:
            wait_until(lambda: waiting(stack, "%count(*)%feedback%"), "the backup is at work")
            yield process, connection


def waiting(stack: Stack, statement: str) -> bool:
    """Whether somebody waits for a table with such a statement."""
    query = (
        "SELECT info FROM information_schema.processlist WHERE state LIKE 'Waiting for table%' "
        f"AND info LIKE '{statement}'"
    )
    return bool(stack.mysql(query))


def container_of_backup(stack: Stack) -> str:
    labels = {"service": "backup", "project.working_dir": str(stack.folder)}
    filters = [f"--filter=label=com.docker.compose.{k}={v}" for k, v in labels.items()]
    return str(stack.run("docker", "ps", "--quiet", *filters).stdout.strip())


def restore(stack: Stack, backup: str, check: bool = True) -> Any:
    return stack.compose("run", "--rm", "-T", "restore", backup, check=check)


@pytest.fixture(scope="module")
def backup(furnished: Stack, before: Everything) -> Path:
    """A backup during which somebody asks for version 1 again."""
    stack, there = furnished, backups(furnished)
    with (
        backup_at_work(stack) as (taken, connection),
        stack.begun("exec", "-T", "jupyter", "rookery", "rollback") as asked,
    ):
        wait_until(lambda: waiting(stack, "INSERT INTO promotions%"), "the rollback waits")
        assert stack.production() == "2"
        connection.cursor().execute("UNLOCK TABLES")
        assert taken.wait(120) == 0, taken.stderr.read() if taken.stderr else ""
        assert asked.wait(120) == 0, asked.stderr.read() if asked.stderr else ""
    assert stack.production() == "1"
    (made,) = backups(stack) - there
    return made


def test_a_backup_holds_the_pair_of_alias_and_ledger_from_before_what_was_asked_meanwhile(
    backup, before
):
    counts = json.loads((backup / "manifest.json").read_text())["counts"]
    assert counts["table promotions"] == len(before.tables["promotions"])
    assert counts["versions"] == 2


def test_the_manifest_names_every_file_with_its_size_and_hash(backup):
    files = json.loads((backup / "manifest.json").read_text())["files"]
    there = {str(p.relative_to(backup)) for p in backup.rglob("*") if p.is_file()}
    assert there == {*files, "manifest.json"}
    for name, entry in files.items():
        data = (backup / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["size"], entry["sha256"])


def test_no_secret_is_in_a_backup(backup, furnished):
    """Not in the files as they are, nor in the dumps unpacked, where hashes of passwords are."""
    text = b"".join(path.read_bytes() for path in backup.rglob("*") if path.is_file())
    text += gzip.decompress((backup / "mysql.sql.gz").read_bytes())
    text += dumped_registry(furnished, backup).encode()
    secrets = all_secrets(furnished)
    assert {"keys/password", "keys/admin_token", "mlflow_keys/admin_password"} <= secrets.keys()
    assert [name for name, secret in secrets.items() if secret.encode() in text] == []


def dumped_registry(stack: Stack, backup: Path) -> str:
    """The SQL in Postgres' own format, which is compressed."""
    place = f"--volume={backup}:/backup:ro"
    restorer = ("pg_restore", "--file=-", "/backup/postgres.dump")
    text = in_maintenance(stack, place, command=restorer)
    assert "COPY public.users" in text
    assert "rookery_api" in text
    return text


def all_secrets(stack: Stack) -> dict[str, str]:
    """Every file of every volume of keys, the master's too, by volume and name."""
    project = f"{project_of(stack)}_"
    listed = stack.run("docker", "volume", "ls", "--quiet", f"--filter=name=^{project}.*keys$")
    names = [name.removeprefix(project) for name in listed.stdout.split()]
    assert len(names) == 10
    places = [f"--volume={project}{name}:/keys/{name}:ro" for name in names]
    return dict(json.loads(in_maintenance(stack, *places, command=("python", "-c", READ_KEYS))))


def in_maintenance(stack: Stack, *options: str, command: tuple[str, ...]) -> str:
    run = ("docker", "run", "--rm", "--network=none", *options, image_of_backup(stack), *command)
    return str(stack.run(*run).stdout)


def test_a_killed_backup_leaves_nothing_that_looks_whole_and_holds_nobody_up(furnished, backup):
    there = backups(furnished)
    with backup_at_work(furnished) as (killed, connection):
        furnished.run("docker", "kill", container_of_backup(furnished))
        assert killed.wait(30) == 137
        connection.cursor().execute("UNLOCK TABLES")
    (left,) = backups(furnished) - there
    assert left.name.endswith(".partial")
    refused = restore(furnished, f"backups/{left.name}", check=False)
    assert (refused.returncode, f"no backup backups/{left.name}" in refused.stderr) == (2, True)
    furnished.compose("run", "--rm", "-T", "backup")
    (made,) = backups(furnished) - there
    assert not made.name.endswith(".partial")
    shutil.rmtree(made)


def test_a_backup_that_is_stopped_while_it_waits_for_a_job_leaves_nothing(furnished, backup):
    there = backups(furnished)
    job = take(engine_of(furnished), "penguins")
    assert job is not None
    with furnished.begun("run", "--rm", "-T", "backup") as waiting_one:
        wait_until(lambda: backups(furnished) > there, "a folder is begun")
        furnished.run("docker", "stop", container_of_backup(furnished))
        assert waiting_one.wait(30) == 130
        assert waiting_one.stderr.read() == "error: stopped by SIGTERM\n"
    job()
    assert backups(furnished) == there


def engine_of(stack: Stack) -> sa.Engine:
    """The tables over the published port."""
    password = stack.key("mysql", "my_app_user_password")
    port = stack.ports["MYSQL_PORT"]
    return sa.create_engine(
        f"mysql+pymysql://my_app_user:{password}@127.0.0.1:{port}/my_app_db", poolclass=sa.NullPool
    )


def test_a_second_backup_at_the_same_time_is_refused_and_the_first_goes_on(furnished, backup):
    there = backups(furnished)
    with backup_at_work(furnished) as (first, connection):
        second = furnished.compose("run", "--rm", "-T", "backup", check=False)
        connection.cursor().execute("UNLOCK TABLES")
        assert first.wait(120) == 0
    assert second.returncode == 2
    assert "another backup or restore of this stack is under way" in second.stderr
    (made,) = backups(furnished) - there
    assert json.loads((made / "manifest.json").read_text())["format"] == 1
    shutil.rmtree(made)


@pytest.mark.parametrize(
    ("store", "named"),
    [("mysql", "my_app_db failed"), ("postgres", "mlflow_db failed"), ("minio", "the bucket")],
)
def test_a_store_that_is_away_is_named_and_no_backup_is_left(furnished, backup, store, named):
    there = backups(furnished)
    with furnished.stopped(store):
        failed = furnished.compose("run", "--rm", "-T", "backup", check=False)
    furnished.wait_healthy()
    assert failed.returncode == 1
    assert named in failed.stderr
    assert "Traceback" not in failed.stderr
    assert backups(furnished) == there


def test_a_full_disk_leaves_no_backup_and_says_what_to_do(furnished, backup):
    failed = furnished.run(
        *("docker", "run", "--rm", "--network", network(furnished), "--tmpfs"),
        *("/backups:size=1m,uid=1000", *keys_of(furnished), image_of_backup(furnished)),
        check=False,
    )
    assert failed.returncode == 1
    assert "cannot be written to the folder backups/: No space left on device" in failed.stderr
    assert "Traceback" not in failed.stderr


def network(stack: Stack) -> str:
    return str(next(iter(stack.containers()["mlflow"]["NetworkSettings"]["Networks"])))


def keys_of(stack: Stack) -> list[str]:
    project = project_of(stack)
    return [
        f"--volume={project}_jupyter_keys:/run/keys:ro",
        f"--volume={project}_mlflow_keys:/run/keys-mlflow:ro",
    ]


def project_of(stack: Stack) -> str:
    return str(stack.containers()["mlflow"]["Config"]["Labels"]["com.docker.compose.project"])


def image_of_backup(stack: Stack) -> str:
    config = stack.compose("--profile", "maintenance", "config", "--format", "json").stdout
    return str(json.loads(config)["services"]["backup"]["image"])


def test_a_folder_of_another_user_is_refused_with_the_command_that_mends_it(furnished, backup):
    failed = furnished.compose("run", "--rm", "-T", "--user", "4711:4711", "backup", check=False)
    assert failed.returncode == 1
    assert "backups/: Permission denied" in failed.stderr
    assert "sudo chown 4711:4711 backups" in failed.stderr


def test_a_stack_that_is_not_empty_is_left_alone(furnished, backup):
    refused = restore(furnished, f"backups/{backup.name}", check=False)
    assert refused.returncode == 2
    for held in ("runs", "registered models penguins", "penguins_raw", "objects in mlflows3"):
        assert held in refused.stderr
    assert "down -v" in refused.stderr
    assert furnished.production() == "1"


@pytest.fixture(scope="module")
def restored(furnished: Stack, backup: Path) -> Iterator[Stack]:
    """The backup in a new stack, which has keys of its own."""
    stack, old = furnished, furnished.password
    stack.compose("down", "--volumes")
    stack.up()
    stack.wait_healthy()
    assert stack.password != old
    damaged_is_refused(stack, backup)
    restore(stack, f"./backups/{backup.name}/")
    return stack


def damaged_is_refused(stack: Stack, backup: Path) -> None:
    damaged = backup.with_name("2000-01-01T00-00-00Z")
    shutil.copytree(backup, damaged)
    with (damaged / "objects/mlflows3.tar").open("r+b") as file:
        file.seek(-20_000, 2)
        file.write(b"x")
    give_to(damaged, 4711)
    unreadable = restore(stack, f"backups/{damaged.name}", check=False)
    give_to(damaged, 1000)
    refused = restore(stack, f"backups/{damaged.name}", check=False)
    shutil.rmtree(damaged)
    if os.getuid() == 0:  # anybody else cannot give a folder away
        assert (unreadable.returncode, "sudo chown -R" in unreadable.stderr) == (1, True)
    assert (refused.returncode, "its hash differs" in refused.stderr) == (2, True)
    assert stack.mysql("SELECT * FROM promotions") == []
    assert stack.postgres("SELECT * FROM runs") == []


def test_the_api_serves_the_restored_alias_within_seconds(restored):
    wait_until(lambda: restored.api("GET", "/ready").status_code == 200, "ready", seconds=15)
    assert (restored.predict()["version"], restored.production()) == ("2", "2")


@pytest.fixture(scope="module")
def after(restored: Stack) -> Everything:
    return everything(restored)


@pytest.mark.parametrize("part", Everything.__dataclass_fields__)
def test_everything_is_as_it_was(before, after, part):
    assert getattr(after, part) == getattr(before, part)


def test_people_keep_their_passwords_and_the_stack_has_its_own(restored):
    search = {"json": {"max_results": 1}}
    assert restored.mlflow("experiments/search", auth=ANA, **search).status_code == 200
    wrong = (ANA[0], "not-her-password")
    assert restored.mlflow("experiments/search", auth=wrong, **search).status_code == 401
    assert restored.mlflow("experiments/search", **search).status_code == 200
    api = ("rookery_api", restored.key("fastapi", "mlflow_password"))
    assert restored.mlflow("experiments/search", auth=api, **search).status_code == 200


def test_the_ledger_goes_on_where_it_ended(restored):
    restored.rookery("rollback")
    assert restored.production() == "1"
    last = restored.mysql("SELECT `from`, `to`, outcome FROM promotions ORDER BY id DESC LIMIT 1")
    assert last == [("2", "1", "done")]


def test_the_api_still_may_record_and_nothing_more(restored):
    record = "INSERT INTO feedback (prediction_id, outcome, at, who) VALUES ('p', '1', NOW(), 'x')"
    restored.mysql(record, "rookery_api")
    with pytest.raises(pymysql.err.OperationalError, match="command denied"):
        restored.mysql("DELETE FROM feedback", "rookery_api")
