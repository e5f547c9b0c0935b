"""As whom notebooks are saved: `make up` finds out, and says so in .env only where it must."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ("notebooks", "tasks", "configs", "backups")

# another user than the one who calls can be had, and files given away, as root only
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")


@pytest.fixture
def checkout() -> Iterator[Path]:
    """What the script looks at, where every user may come: pytest's own folders are closed."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        (folder / "scripts").mkdir()
        shutil.copy(ROOT / "scripts" / "host_user.sh", folder / "scripts")
        for name in SHARED:
            (folder / name).mkdir()
            (folder / name / "mine").touch()
        yield folder


def give(folder: Path, uid: int, gid: int) -> None:
    for place in (folder, *folder.rglob("*")):
        os.chown(place, uid, gid)


def owners(folder: Path) -> set[tuple[int, int]]:
    found = [place.stat() for place in (folder, *folder.rglob("*"))]
    return {(one.st_uid, one.st_gid) for one in found}


def call(folder: Path, uid: int | None = None, gid: int | None = None) -> str:
    """What the script says to somebody who calls it from elsewhere."""
    done = subprocess.run(
        [folder / "scripts" / "host_user.sh"],
        cwd="/",
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def settings(folder: Path) -> list[str]:
    """The lines of .env that set something."""
    lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@as_root
def test_a_user_other_than_1000_is_written_for_the_owner_s_eyes_only(checkout):
    give(checkout, 4321, 4322)
    assert call(checkout, 4321, 4322) == "wrote HOST_UID=4321 and HOST_GID=4322 into .env\n"
    assert settings(checkout) == ["HOST_UID=4321", "HOST_GID=4322"]
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


@as_root
def test_1000_with_another_group_is_written(checkout):
    give(checkout, 1000, 100)
    call(checkout, 1000, 100)
    assert settings(checkout) == ["HOST_UID=1000", "HOST_GID=100"]


@as_root
def test_for_1000_nothing_is_written(checkout):
    give(checkout, 1000, 1000)
    assert call(checkout, 1000, 1000) == ""
    assert not (checkout / ".env").exists()


def test_what_is_chosen_already_is_left_alone(checkout):
    chosen = "API_PORT=8001\nHOST_UID=77\nHOST_GID=78\n"
    (checkout / ".env").write_text(chosen, encoding="utf-8")
    before = owners(checkout)
    assert call(checkout) == ""
    assert (checkout / ".env").read_text(encoding="utf-8") == chosen
    assert owners(checkout) == before


@as_root
@pytest.mark.parametrize("before", ["API_PORT=8001\n", "API_PORT=8001", "#HOST_UID=77\n"])
def test_other_lines_of_the_file_stay_as_they_were(checkout, before):
    (checkout / ".env").write_text(before, encoding="utf-8")
    give(checkout, 4321, 4321)
    call(checkout, 4321, 4321)
    after = (checkout / ".env").read_text(encoding="utf-8")
    assert after.splitlines()[0] == before.rstrip("\n")
    assert settings(checkout)[-2:] == ["HOST_UID=4321", "HOST_GID=4321"]


@as_root
def test_a_second_call_adds_nothing(checkout):
    give(checkout, 4321, 4321)
    call(checkout, 4321, 4321)
    once = (checkout / ".env").read_text(encoding="utf-8")
    assert call(checkout, 4321, 4321) == ""
    assert (checkout / ".env").read_text(encoding="utf-8") == once


@as_root
def test_root_takes_the_owner_of_a_checkout_that_is_somebody_else_s(checkout):
    give(checkout, 4321, 4322)
    call(checkout)
    assert settings(checkout) == ["HOST_UID=4321", "HOST_GID=4322"]
    assert {owners(checkout / name) == {(4321, 4322)} for name in SHARED} == {True}


@as_root
def test_root_gives_1000_the_folders_that_containers_write_into_and_nothing_else(checkout):
    give(checkout, 0, 0)
    assert call(checkout) == ""
    assert not (checkout / ".env").exists()
    for name in SHARED:
        assert owners(checkout / name) == {(1000, 1000)}
    assert owners(checkout / "scripts") == {(0, 0)}
