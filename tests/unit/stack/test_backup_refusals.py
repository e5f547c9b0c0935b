"""What backup and restore say before they touch a store."""

from pathlib import Path

import pytest

from rookery.errors import InputError, Unavailable
from rookery.stack.maintenance.contents import without_files
from rookery.stack.maintenance.files import FORMAT, Manifest
from rookery.stack.maintenance.mysql import refuse_programs
from rookery.stack.maintenance.postgres import refuse_foreign
from rookery.stack.maintenance.standstill import _tasks
from rookery.stack.maintenance.terminal import printable
from rookery.stack.restore import (
    check_counts,
    check_versions,
    chosen,
    refuse_filled,
    summary,
)


def manifest(mlflow: str = "3.17.2", **counts: int) -> Manifest:
    return Manifest(
        format=FORMAT,
        at="2026-11-21T14:15:00+00:00",
        versions={"rookery": "0.1.0", "mlflow": mlflow},
        counts=counts,
        without_files=[],
        files={},
    )


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    for name in ("2026-11-20T00-00-00Z", "2026-11-21T00-00-00Z", "2026-11-22T00-00-00Z.partial"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize("before", ["backups/", "./backups/", "", "/home/me/rookery/backups/"])
@pytest.mark.parametrize("behind", ["", "/"])
def test_a_backup_is_found_however_its_path_is_written(backups, before, behind):
    given = f"{before}2026-11-20T00-00-00Z{behind}"
    assert chosen(backups, given) == backups / "2026-11-20T00-00-00Z"


@pytest.mark.parametrize("given", ["", ".", "backups", "2026-11-22T00-00-00Z.partial", "../x"])
def test_what_is_no_whole_backup_is_refused_with_those_that_are(backups, given):
    with pytest.raises(InputError) as caught:
        chosen(backups, given)
    assert caught.value.allowed == "backups/2026-11-20T00-00-00Z, backups/2026-11-21T00-00-00Z"


def test_restore_without_a_name_exits_2_without_a_traceback(backups, one_shot):
    ended = one_shot("restore", "--backups", backups, "")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: which backup? None was named\n")
    assert "Traceback" not in ended.stderr


def test_a_folder_that_cannot_be_written_exits_1_with_its_mend(tmp_path, one_shot):
    (tmp_path / "file").write_text("")
    ended = one_shot("backup", "--backups", tmp_path / "file", "--run", tmp_path)
    assert ended.returncode == 1
    assert "cannot be written to the folder backups/: Not a directory" in ended.stderr
    assert "sudo chown" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_keys_that_are_not_mounted_are_named_and_no_folder_is_left(tmp_path, one_shot):
    (tmp_path / "backups").mkdir()
    ended = one_shot("backup", "--backups", tmp_path / "backups", "--run", tmp_path)
    assert ended.returncode == 1
    assert "the key" in ended.stderr
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.parametrize("mlflow", ["3.17.3", "3.18.0", "4.0"])
def test_a_backup_of_a_newer_mlflow_is_refused(mlflow):
    with pytest.raises(InputError, match=f"MLflow {mlflow}"):
        check_versions("2026", manifest(mlflow))


@pytest.mark.parametrize("mlflow", ["3.17.2", "3.17.0", "3.9.1"])
def test_a_backup_of_the_same_or_an_older_mlflow_is_taken(mlflow):
    check_versions("2026", manifest(mlflow))


def test_all_that_a_stack_holds_is_named():
    with pytest.raises(InputError, match="It holds: 3 runs; tables a_raw") as caught:
        refuse_filled(["3 runs", "tables a_raw"])
    assert "down -v" in str(caught.value.next)
    refuse_filled([])


def test_fewer_rows_than_the_manifest_names_are_found_and_more_are_no_fault():
    kept = manifest(**{"runs": 2, "table predictions": 5, "bucket mlflows3": 9})
    check_counts(kept, {"runs": 2, "table predictions": 6})
    with pytest.raises(Unavailable, match="table predictions: 4 instead of 5"):
        check_counts(kept, {"runs": 2, "table predictions": 4})


def test_a_version_whose_files_are_not_in_the_store_is_named():
    folders = {
        "penguins version 1": "mlflow-artifacts:/1/models/m-1/artifacts",
        "penguins version 2": "mlflow-artifacts:/1/models/m-2/artifacts",
        "houses version 1": "s3://somewhere/else",
    }
    assert without_files(folders, {"artifacts/1/models/m-1/artifacts/MLmodel"}) == [
        "penguins version 2"
    ]


def test_the_tasks_are_those_that_have_tables():
    names = ["penguins_raw", "penguins_clean", "a_clean_rejected", "predictions", "notes"]
    assert _tasks(names) == ["a_clean", "penguins"]


def test_what_a_dump_brings_besides_tables_is_named():
    with pytest.raises(InputError, match=r"mysql\.sql\.gz brings event e, trigger t on u"):
        refuse_programs(["trigger t on u", "event e"])
    with pytest.raises(InputError, match=r"MLflow does not make: function f\?\(\)"):
        refuse_foreign({("function f\n()", "{}")})
    refuse_programs([])
    refuse_foreign(set())


def test_administrators_that_came_along_are_named_so_that_a_lookalike_is_seen():
    said = summary("2026", manifest(runs=1), ["ana", "\u0430dmin", "a\x1b[2Jb"])
    assert "administrators of MLflow that came with the backup: 'ana', '\\u0430dmin'" in said
    assert "\x1b" not in said
    assert "administrators" not in summary("2026", manifest(runs=1), [])


def test_what_others_named_cannot_move_the_cursor_or_fill_the_screen():
    assert printable("größe 🐧") == "größe 🐧"
    assert printable("a\x1b[2J\u202e\r\nb") == "a?[2J???b"
    assert printable("x" * 301) == "x" * 300 + "…"
