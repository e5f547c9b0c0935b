"""Backup and restore: everything comes back, on another stack with other keys."""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from tests.stack import hostile
from tests.stack.conftest import give_to
from tests.stack.everything import ANA, Everything, everything, furnish
from tests.stack.maintenance import (
    all_secrets,
    backup_at_work,
    backups,
    container_of_backup,
    dumped_registry,
    engine_of,
    image_of_backup,
    keys_of,
    network,
    restore,
    waiting,
)
from tests.stack.stack import Stack, wait_until

from rookery.stores.locks import alone


@pytest.fixture(scope="module")
def furnished(stack: Stack) -> Stack:
    furnish(stack)
    return stack


@pytest.fixture(scope="module")
def before(furnished: Stack) -> Everything:
    return everything(furnished)


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
    with (
        alone(engine_of(furnished), "penguins", 0),
        furnished.begun("run", "--rm", "-T", "backup") as waiting_one,
    ):
        wait_until(lambda: backups(furnished) > there, "a folder is begun")
        furnished.run("docker", "stop", container_of_backup(furnished))
        ended = waiting_one.wait(30), waiting_one.stderr.read()
    assert ended == (130, "error: stopped by SIGTERM\n")
    assert backups(furnished) == there


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
        *("python", "-m", "rookery.stack.backup"),
        check=False,
    )
    assert failed.returncode == 1
    assert "cannot be written to the folder backups/: No space left on device" in failed.stderr
    assert "Traceback" not in failed.stderr


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
    expected, found = getattr(before, part), getattr(after, part)
    if part == "tables":  # the API logs what it has answered since
        known = [row for row in found["predictions"] if row in expected["predictions"]]
        found = found | {"predictions": known}
    assert found == expected


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


@pytest.fixture(scope="module")
def empty(stack: Stack) -> Stack:
    """A new stack, into which backups of a stranger are restored; one after the other."""
    stack.compose("down", "--volumes")
    stack.up()
    stack.wait_healthy()
    return stack


def test_an_object_that_is_a_link_is_refused_before_anything_is_changed(empty):
    made = hostile.rewritten(hostile.plain(empty), "objects/api-artifacts.tar", hostile.with_link)
    refused = restore(empty, f"backups/{made.name}", check=False)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert "objects/api-artifacts.tar: member b is not a regular file" in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert empty.s3("jobs").list_objects_v2(Bucket="api-artifacts")["KeyCount"] == 0


def test_programs_in_the_tables_are_refused_and_named_and_the_registry_is_not_loaded(empty):
    made = hostile.rewritten(hostile.plain(empty), "mysql.sql.gz", hostile.with_programs)
    before = empty.postgres("SELECT oid FROM pg_class WHERE relname = 'users'")
    refused = restore(empty, f"backups/{made.name}", check=False)
    hostile.drop_programs(empty)
    assert refused.returncode == 2
    assert "event e, function f, procedure p, trigger t on feedback" in refused.stderr
    assert "restore another one" in refused.stderr
    assert empty.postgres("SELECT oid FROM pg_class WHERE relname = 'users'") == before


def test_what_a_dump_does_to_the_accounts_of_the_stack_is_undone_and_strangers_are_named(empty):
    with hostile.planted(empty, hostile.USERS, hostile.NO_USERS):
        made = hostile.rewritten(hostile.plain(empty), "mysql.sql.gz", hostile.with_rights)
    done = restore(empty, f"backups/{made.name}")
    assert "administrators of MLflow that came with the backup: 'stranger'" in done.stdout
    assert hostile.grants(empty) == hostile.OWN_GRANTS
    assert empty.mysql("SELECT 1") == [(1,)]
    accounts = "SELECT username, is_admin FROM users WHERE username <> 'stranger' ORDER BY 1"
    assert empty.postgres(accounts) == [("admin", True), ("rookery_api", False)]
    experiments = {"json": {"max_results": 1}}
    api = ("rookery_api", empty.key("fastapi", "mlflow_password"))
    assert empty.mlflow("experiments/search", **experiments).status_code == 200
    assert empty.mlflow("experiments/search", auth=api, **experiments).status_code == 200
    empty.postgres("DELETE FROM users WHERE username = 'stranger' RETURNING id")


def test_programs_in_the_registry_are_refused_and_what_they_did_to_the_role_is_undone(empty):
    """One of them has run by then: it gave the role another password and another search path."""
    with hostile.planted(empty, hostile.PROGRAMS, hostile.NO_PROGRAMS):
        made = hostile.plain(empty)
    refused = restore(empty, f"backups/{made.name}", check=False)
    assert refused.returncode == 2
    for named in ("function public.act()", "trigger keep on table", "materialized view public.run"):
        assert named in refused.stderr
    assert "prevent_secrets_aad_mutation" not in refused.stderr  # MLflow's own
    assert empty.postgres("SELECT * FROM pg_db_role_setting") == []
    assert empty.postgres("SELECT * FROM pg_tables WHERE schemaname = 'public'") == []
