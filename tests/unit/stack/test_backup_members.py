"""Tar files of objects: what a backup writes passes, and nothing else."""

import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.errors import InputError
from rookery.stack.maintenance.members import KEY, TAG, TYPE, check, members


def member(key: str, **changes: object) -> tarfile.TarInfo:
    """As a backup writes it, but for the changes."""
    info = tarfile.TarInfo(key)
    info.pax_headers = {KEY: key, TYPE: "text/csv", f"{TAG}run": "7"}
    for name, changed in changes.items():
        setattr(info, name, changed)
    return info


def packed(folder: Path, *infos: tarfile.TarInfo) -> Path:
    """A tar file of such headers, each followed by as many bytes as it claims, up to 10."""
    path = folder / "2026-11-21T14-15-00Z" / "objects" / "mlflows3.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file, tarfile.open(fileobj=file, mode="w|") as tar:
        for info in infos:
            body = b"x" * min(info.size, 10)
            tar.addfile(info) if info.size > 10 else tar.addfile(info, io.BytesIO(body))
    return path


@pytest.mark.parametrize("key", ["a/b.csv", "größe/ñandú 🐧.csv", "folder/", "..a/b..", "x" * 300])
def test_what_a_backup_writes_passes(tmp_path, key):
    (found,) = [info for info, _ in members(packed(tmp_path, member(key, size=7)))]
    assert (found.pax_headers[KEY], found.size) == (key, 7)


@pytest.mark.parametrize(
    "kind",
    [
        *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE),
        *(tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.CONTTYPE),
    ],
)
def test_links_and_devices_are_refused(tmp_path, kind):
    path = packed(tmp_path, member("fine"), member("odd", type=kind, linkname="/run/keys/password"))
    with pytest.raises(InputError, match=r"mlflows3.tar: member odd is not a regular file"):
        check(path)


def test_a_sparse_member_whose_size_is_made_up_is_refused(tmp_path):
    claims = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,1"}
    claims |= {"GNU.sparse.numblocks": "1", "GNU.sparse.size": "99999999999", KEY: "s"}
    with pytest.raises(InputError, match="member s is not a regular file"):
        check(packed(tmp_path, member("s", pax_headers=claims)))


@pytest.mark.parametrize("key", ["/etc/passwd", "../outside", "a/../../b", "a/.."])
def test_keys_that_lead_elsewhere_are_refused(tmp_path, key):
    with pytest.raises(InputError, match="leads out of its bucket"):
        check(packed(tmp_path, member(key)))


@pytest.mark.parametrize("headers", [{}, {KEY: ""}, {KEY: "other"}, {KEY: "../n"}])
def test_a_key_is_that_of_its_name(tmp_path, headers):
    with pytest.raises(InputError, match="has not the key of its name"):
        check(packed(tmp_path, member("n", pax_headers=headers)))


@pytest.mark.parametrize(
    "headers",
    [{TYPE: "a\r\nX-Evil: 1"}, {f"{TAG}a\nb": "1"}, {f"{TAG}a": "1\n2"}, {f"{TAG}🐧": "1"}],
)
def test_a_tag_that_would_be_a_header_of_its_own_is_refused(tmp_path, headers):
    with pytest.raises(InputError, match="that is no header"):
        check(packed(tmp_path, member("n", pax_headers={KEY: "n"} | headers)))


@pytest.mark.parametrize("size", [20_000, 1 << 40])
def test_a_member_that_claims_more_than_the_file_holds_is_refused(tmp_path, size):
    with pytest.raises(InputError, match=f"claims {size} bytes, where the file has"):
        check(packed(tmp_path, member("fine", size=10), member("vast", size=size)))


@given(noise=st.binary(max_size=2000))
def test_noise_raises_nothing_but_the_one_message(tmp_path_factory, noise):
    path = packed(tmp_path_factory.mktemp("noise"), member("fine", size=10))
    whole = path.read_bytes()
    path.write_bytes(noise + whole[len(noise) :])
    with suppress(InputError):
        check(path)


def test_nothing_of_a_member_is_given_out_before_it_is_checked(tmp_path):
    found = members(packed(tmp_path, member("fine"), member("odd", type=tarfile.SYMTYPE)))
    assert next(found)[0].name == "fine"
    with pytest.raises(InputError):
        next(found)
