"""Backup and restore under test: how they are run, stopped and looked into."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import sqlalchemy as sa
from tests.stack.stack import Stack, wait_until

READ_KEYS = """
import json, pathlib
root = pathlib.Path("/keys")
files = [path for path in root.rglob("*") if path.is_file() and path.name != ".lock"]
print(json.dumps({str(path.relative_to(root)): path.read_text() for path in files}))
"""


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


def engine_of(stack: Stack) -> sa.Engine:
    """The tables over the published port."""
    password = stack.key("mysql", "my_app_user_password")
    port = stack.ports["MYSQL_PORT"]
    return sa.create_engine(
        f"mysql+pymysql://my_app_user:{password}@127.0.0.1:{port}/my_app_db", poolclass=sa.NullPool
    )


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
