"""The files of a backup: hashed as they are written, and every change is found."""

import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.errors import InputError
from rookery.stack.maintenance import files
from rookery.stack.maintenance.files import Folder, Manifest, checked


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A whole one, of a few bytes."""
    folder = Folder(tmp_path / "2026-11-21T14-15-00Z")
    folder.path.mkdir()
    for name in files.NAMES:
        with folder.writing(name) as file:
            file.write(name.encode())
    manifest = Manifest(
        format=files.FORMAT,
        at="2026-11-21T14:15:00+00:00",
        versions={"rookery": "0.1.0", "mlflow": "3.17.2"},
        counts={"runs": 1},
        without_files=[],
        files=folder.entries,
    )
    (folder.path / "manifest.json").write_text(manifest.model_dump_json())
    return folder.path


def edit(backup: Path, **changes: object) -> None:
    path = backup / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_whole_backup_is_read(backup):
    assert checked(backup).counts == {"runs": 1}


def test_its_files_are_for_their_owner_only(backup):
    modes = {(backup / name).stat().st_mode & 0o777 for name in files.NAMES}
    assert modes == {0o600}


@pytest.mark.parametrize("name", sorted(files.NAMES))
def test_a_missing_file_is_named(backup, name):
    (backup / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        checked(backup)


@given(place=st.integers(0, 12), bit=st.integers(0, 7))
def test_one_changed_bit_is_found(tmp_path_factory, place, bit):
    folder = Folder(tmp_path_factory.mktemp("changed"))
    with folder.writing("postgres.dump") as file:
        file.write(b"postgres.dump")
    path = folder.path / "postgres.dump"
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)
    assert "hash differs" in files._fault(path, folder.entries["postgres.dump"])


def test_a_cut_file_is_named_with_both_sizes(backup):
    (backup / "mysql.sql.gz").write_bytes(b"mysql")
    with pytest.raises(InputError, match=r"mysql.sql.gz has 5 bytes instead of 12"):
        checked(backup)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"format": "x"}', "\x00"])
def test_a_damaged_manifest_is_refused(backup, text):
    (backup / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json is damaged"):
        checked(backup)


def test_a_folder_without_a_manifest_is_no_backup(tmp_path):
    with pytest.raises(InputError, match=r"it has no manifest.json"):
        checked(tmp_path)


def test_a_format_that_is_not_known_names_the_rookery_that_wrote_it(backup):
    edit(backup, format=2, versions={"rookery": "9.0.0"})
    with pytest.raises(InputError, match="format 2") as caught:
        checked(backup)
    assert "9.0.0" in str(caught.value.next)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "more.txt"])
def test_a_manifest_cannot_name_other_files(backup, name):
    entries = json.loads((backup / "manifest.json").read_text())["files"]
    edit(backup, files=entries | {name: {"size": 1, "sha256": "0"}})
    with pytest.raises(InputError, match="not a whole backup"):
        checked(backup)


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"at": "2026\x1b]0;mine\x07"}, "at"),
        ({"at": "1" * 301}, "at"),
        ({"versions": {"mlflow": "newest"}}, "versions"),
        ({"versions": {"rookery": "0.1\nall is well"}}, "versions.rookery"),
        ({"versions": {"mysql": "8.4\u202egpj.exe"}}, "versions.mysql"),
        ({"counts": {"table \x1b[2J": 1}}, "counts.table ?[2J"),
        ({"counts": {"runs": -1}}, "counts.runs"),
        ({"counts": {"runs": 1.5}}, "counts.runs"),
        ({"counts": {"runs": "1"}}, "counts.runs"),
        ({"counts": {"runs": 2**63}}, "counts.runs"),
        ({"without_files": ["a\rb"]}, "without_files.0"),
    ],
)
def test_what_a_manifest_may_not_say_is_refused_with_its_place(backup, part, named):
    edit(backup, **part)
    with pytest.raises(InputError) as caught:
        checked(backup)
    assert f"manifest.json is damaged at {named}" in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("wrong", [{"size": -1}, {"size": "7"}, {"sha256": "0"}])
def test_a_size_or_hash_that_can_be_none_is_refused(backup, wrong):
    entries = json.loads((backup / "manifest.json").read_text())["files"]
    entries["mysql.sql.gz"] |= wrong
    edit(backup, files=entries)
    with pytest.raises(InputError, match=f"damaged at files.mysql.sql.gz.{next(iter(wrong))}"):
        checked(backup)


def test_a_manifest_of_gigabytes_is_not_read(backup):
    with (backup / "manifest.json").open("r+b") as file:
        file.truncate(1 << 40)  # sparse: it takes no space
    with pytest.raises(InputError, match=r"manifest\.json has more than 4,000,000 bytes"):
        checked(backup)


@pytest.mark.parametrize("name", ["manifest.json", "postgres.dump", "objects/mlflows3.tar"])
def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(backup, name):
    (backup / name).unlink()
    os.mkfifo(backup / name)
    with pytest.raises(InputError, match=f"{name} is not a regular file"):
        checked(backup)


def test_a_link_in_the_place_of_a_file_is_not_followed(backup, tmp_path):
    (backup / "postgres.dump").rename(tmp_path / "elsewhere")
    (backup / "postgres.dump").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"postgres\.dump is not a regular file"):
        checked(backup)


def test_a_tar_file_can_be_written_straight_into_the_hash(tmp_path):
    folder = Folder(tmp_path)
    with folder.writing("objects/a.tar") as file, tarfile.open(fileobj=file, mode="w|") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    with tarfile.open(tmp_path / "objects/a.tar") as tar:
        assert tar.getnames() == ["empty"]
    assert files._fault(tmp_path / "objects/a.tar", folder.entries["objects/a.tar"]) == ""
