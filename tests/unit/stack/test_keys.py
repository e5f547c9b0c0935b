"""The secrets of the stack: made once, handed out, kept through whatever happens."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url
from xkcdpass import xkcd_password

from rookery.errors import InputError, Unavailable
from rookery.stack import keys
from rookery.stack.keys import hand_out
from rookery.stack.passwords import LONGEST, check_chosen, drawn, four_words
from rookery.stack.readers import READERS, SECRETS, copies, database_url

PRINTABLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=LONGEST
)
EXPECTED = {
    "postgres": {"postgres_password", "mlflow_user_password"},
    "mysql": {"root_password", "my_app_user_password", "rookery_api_password"},
    "minio": {"root_user", "root_password"},
    "minio-setup": {
        "root_user",
        "root_password",
        "mlflow_s3_access_key",
        "mlflow_s3_secret_key",
        "jobs_s3_access_key",
        "jobs_s3_secret_key",
    },
    "mysql-setup": {"database_url"},
    "mlflow": {
        "mlflow_user_password",
        "mlflow_s3_access_key",
        "mlflow_s3_secret_key",
        "flask_secret_key",
        "admin_password",
        "api_password",
    },
    "jupyter": {
        "password",
        "database_url",
        "my_app_user_password",
        "jobs_s3_access_key",
        "jobs_s3_secret_key",
        "s3_credentials",
        "admin_token",
    },
    "fastapi": {"database_url", "mlflow_password", "admin_token"},
    "welcome": {"password"},
}


def held(root: Path) -> dict[str, str]:
    """What every file below the root holds, but for the lock."""
    return {
        str(path.relative_to(root)): path.read_text(encoding="ascii")
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def state(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Identity, mode, time and bytes of every file."""
    return {
        str(path): (
            path.stat().st_ino,
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes(),
        )
        for path in root.rglob("*")
        if path.is_file()
    }


# what is made, and for whom


def test_each_reader_gets_its_own_secrets_and_no_other(volumes):
    hand_out(volumes, {})
    found = {
        folder.name: {path.name for path in folder.iterdir()}
        for folder in volumes.iterdir()
        if folder.name != "all"
    }
    assert found == EXPECTED


def test_every_secret_is_read_by_somebody():
    read = {name for files in READERS.values() for name in files.values()}
    assert set(SECRETS) - read == set()
    assert read - set(SECRETS) == {
        "my_app_user_url",
        "rookery_api_url",
        "jobs_s3_credentials",
    }


def test_what_two_containers_share_is_the_same_for_both(volumes):
    hand_out(volumes, {})
    files = held(volumes)
    shared = [
        ("postgres/mlflow_user_password", "mlflow/mlflow_user_password"),
        ("minio/root_user", "minio-setup/root_user"),
        ("minio/root_password", "minio-setup/root_password"),
        ("minio-setup/mlflow_s3_access_key", "mlflow/mlflow_s3_access_key"),
        ("minio-setup/mlflow_s3_secret_key", "mlflow/mlflow_s3_secret_key"),
        ("minio-setup/jobs_s3_access_key", "jupyter/jobs_s3_access_key"),
        ("minio-setup/jobs_s3_secret_key", "jupyter/jobs_s3_secret_key"),
        ("mlflow/admin_password", "jupyter/password"),
        ("welcome/password", "jupyter/password"),
        ("mlflow/api_password", "fastapi/mlflow_password"),
        ("fastapi/admin_token", "jupyter/admin_token"),
        ("mysql-setup/database_url", "jupyter/database_url"),
    ]
    assert [(one, other) for one, other in shared if files[one] != files[other]] == []
    jobs, api = make_url(files["jupyter/database_url"]), make_url(files["fastapi/database_url"])
    assert (jobs.username, jobs.password) == ("my_app_user", files["mysql/my_app_user_password"])
    assert (api.username, api.password) == ("rookery_api", files["mysql/rookery_api_password"])
    assert {(url.host, url.port, url.database) for url in (jobs, api)} == {
        ("mysql", 3306, "my_app_db")
    }


def test_boto3_finds_the_keys_of_the_jobs_in_their_file(volumes, monkeypatch):
    hand_out(volumes, {})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(volumes / "jupyter" / "s3_credentials"))
    found, files = boto3.Session().get_credentials(), held(volumes)
    assert found.access_key == files["jupyter/jobs_s3_access_key"]
    assert found.secret_key == files["jupyter/jobs_s3_secret_key"]


def test_secrets_fit_their_servers_and_need_no_quoting(volumes):
    hand_out(volumes, {})
    secrets = {
        path.name: path.read_text() for path in (volumes / "all").iterdir() if path.stem[0] != "."
    }
    assert set(secrets) == set(SECRETS)
    assert [
        name for name, value in secrets.items() if not re.fullmatch(r"[A-Za-z0-9-]+", value)
    ] == []
    assert len(set(secrets.values())) == len(secrets)
    users = ("minio_root_user", "mlflow_s3_access_key", "jobs_s3_access_key")
    passwords = ("minio_root_password", "mlflow_s3_secret_key", "jobs_s3_secret_key")
    assert all(3 <= len(secrets[name]) <= 20 for name in users)
    assert all(8 <= len(secrets[name]) <= 40 for name in passwords)
    assert len(secrets["password"]) >= 12


def test_every_file_may_be_read_by_any_user_and_written_by_none(volumes):
    before = os.umask(0o077)
    try:
        hand_out(volumes, {})
    finally:
        os.umask(before)
    modes = {
        path.stat().st_mode & 0o777
        for path in volumes.rglob("*")
        if path.name != ".lock" and path.is_file()
    }
    assert modes == {0o444}


def test_two_stacks_share_no_secret(tmp_path):
    for stack in ("one", "other"):
        for name in ("all", *READERS):
            (tmp_path / stack / name).mkdir(parents=True)
        hand_out(tmp_path / stack, {})
    one, other = held(tmp_path / "one"), held(tmp_path / "other")
    assert set(one.values()) & set(other.values()) == set()


def test_a_password_for_people_is_four_plain_words_of_48_bits():
    words = xkcd_password.generate_wordlist("eff-long", 4, 7, "[a-z]")
    assert len(words) ** 4 > 2**48
    assert re.fullmatch(r"([a-z]{4,7}-){3}[a-z]{4,7}", four_words())
    assert len({four_words() for _ in range(100)}) == 100


@given(st.integers(1, 64))
def test_a_drawn_secret_has_the_length_asked_for(length):
    assert re.fullmatch(rf"[A-Za-z0-9]{{{length}}}", drawn(length))


# again, and after damage


def test_a_second_run_changes_no_byte(volumes):
    assert "15 secrets made, 0 kept" in hand_out(volumes, {})
    before = state(volumes)
    assert hand_out(volumes, {}) == "keys: 0 secrets made, 15 kept; 0 copies written"
    assert state(volumes) == before


@pytest.mark.parametrize("damage", ["gone", "changed", "not text", "unreadable for others"])
def test_a_damaged_copy_is_repaired_from_the_master(damage, volumes):
    hand_out(volumes, {})
    before, copy = held(volumes), volumes / "mlflow" / "admin_password"
    copy.chmod(0o600)
    if damage == "gone":
        copy.unlink()
    elif damage != "unreadable for others":
        copy.write_bytes(b"other" if damage == "changed" else b"\xff\n")
    assert hand_out(volumes, {}) == "keys: 0 secrets made, 15 kept; 1 copies written"
    assert held(volumes) == before
    assert copy.stat().st_mode & 0o777 == 0o444


def test_a_master_that_was_lost_is_made_again_from_the_copies(volumes):
    hand_out(volumes, {})
    before = held(volumes)
    for path in (volumes / "all").iterdir():
        path.unlink()
    assert "0 secrets made, 15 kept; 0 copies" in hand_out(volumes, {})
    assert held(volumes) == before


@pytest.mark.parametrize("content", [b"", b"two\nlines", b"\xff\xfe"])
def test_a_master_file_without_a_secret_is_named_and_left_alone(content, volumes):
    hand_out(volumes, {})
    broken = volumes / "all" / "mysql_root_password"
    broken.chmod(0o600)
    broken.write_bytes(content)
    before = state(volumes)
    with pytest.raises(Unavailable, match="all/mysql_root_password does not hold a secret"):
        hand_out(volumes, {})
    assert state(volumes) == before


def test_an_upgrade_that_needs_one_secret_more_keeps_the_others(volumes):
    hand_out(volumes, {})
    before = held(volumes)
    places = {"all/admin_token", "fastapi/admin_token", "jupyter/admin_token"}
    for place in places:
        (volumes / place).unlink()
    assert "1 secrets made, 14 kept; 2 copies" in hand_out(volumes, {})
    after = held(volumes)
    assert {place for place in before if before[place] != after[place]} == places


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_moment_leaves_what_the_next_run_completes(tmp_path):
    """Killed at every 11th line, from the first to the end."""
    moments = killed = 0
    while killed == moments:
        root = tmp_path / str(moments)
        for name in ("all", *READERS):
            (root / name).mkdir(parents=True)
        killed += killed_at(moments * 11, root)
        moments += 1
        left = {place: value for place, value in held(root).items() if "/." not in place}
        masters = {place for place in left if place.startswith("all/")}
        assert len(masters) == len(SECRETS) or masters == set(left)
        hand_out(root, {})
        whole = held(root)
        assert left.items() <= whole.items()
        assert "" not in whole.values()
        assert len(whole) == len(SECRETS) + sum(map(len, EXPECTED.values()))
    assert killed > 60


def killed_at(moment: int, root: Path) -> bool:
    """Runs it in a process of its own, killed at its `moment`-th line in `keys`."""
    child = os.fork()
    if child == 0:
        left = moment

        def step(frame: FrameType, event: str, arg: object) -> Callable[..., object] | None:
            nonlocal left
            code = frame.f_code
            if code.co_filename != keys.__file__ and code.co_name != "write_text":
                return None
            left -= event == "line"
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return step

        sys.settrace(step)
        hand_out(root, {"ROOKERY_PASSWORD": "no-time-for-words"})
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, -signal.SIGKILL)
    return ended != 0


def test_two_runs_at_once_agree(volumes):
    command = [sys.executable, "-m", "rookery.stack.keys", "--root", str(volumes)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 4
    assert sum("15 secrets made" in line for line in said) == 1
    files = held(volumes)
    secrets = {place[4:]: value for place, value in files.items() if place.startswith("all/")}
    handed = {
        f"{reader}/{file}": value
        for reader, contents in copies(secrets).items()
        for file, value in contents.items()
    }
    assert handed == {
        place: value for place, value in files.items() if not place.startswith("all/")
    }


# chosen by the user


def test_chosen_passwords_reach_their_readers(volumes, one_shot):
    chosen = {"ROOKERY_PASSWORD": "correct horse battery", "MYSQL_PASSWORD": "p@ss/w:rd%#'\"$\\"}
    done = one_shot("keys", "--root", volumes, **chosen)
    assert (done.returncode, done.stderr) == (0, "")
    files = held(volumes)
    for place in ("welcome/password", "jupyter/password", "mlflow/admin_password"):
        assert files[place] == chosen["ROOKERY_PASSWORD"]
    for place in ("mysql/my_app_user_password", "jupyter/my_app_user_password"):
        assert files[place] == chosen["MYSQL_PASSWORD"]
    assert make_url(files["mysql-setup/database_url"]).password == chosen["MYSQL_PASSWORD"]


@given(PRINTABLE)
def test_the_address_gives_back_whatever_mysql_password_is_allowed(password):
    secrets = dict.fromkeys(SECRETS, "x") | {"my_app_user_password": password}
    url = make_url(copies(secrets)["jupyter"]["database_url"])
    assert (url.username, url.password) == ("my_app_user", password)
    assert (url.host, url.port, url.database) == ("mysql", 3306, "my_app_db")


@given(st.text(min_size=1))
def test_an_address_gives_back_any_text_as_password(password):
    assert make_url(database_url("somebody", password)).password == password


@given(PRINTABLE)
def test_a_chosen_password_is_refused_only_for_blanks_at_its_ends(password):
    try:
        check_chosen("MYSQL_PASSWORD", password, shortest=1)
    except InputError:
        assert password != password.strip()
    else:
        assert password == password.strip()


@pytest.mark.parametrize("variable", ["ROOKERY_PASSWORD", "MYSQL_PASSWORD"])
def test_another_password_than_the_stored_one_is_refused(variable, volumes, one_shot):
    assert one_shot("keys", "--root", volumes).returncode == 0
    before = state(volumes)
    done = one_shot("keys", "--root", volumes, **{variable: "another-password"})
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {variable} differs" in done.stderr
    assert "docker compose down -v" in done.stderr
    assert "another-password" not in done.stderr
    assert state(volumes) == before


def test_the_same_password_again_is_no_conflict(volumes, one_shot):
    chosen = {"ROOKERY_PASSWORD": "four-words-in-here", "MYSQL_PASSWORD": "twelve-chars"}
    one_shot("keys", "--root", volumes, **chosen)
    before = state(volumes)
    assert one_shot("keys", "--root", volumes, **chosen).returncode == 0
    assert one_shot("keys", "--root", volumes).returncode == 0
    assert state(volumes) == before


def test_set_but_empty_is_not_chosen(volumes, one_shot):
    done = one_shot("keys", "--root", volumes, ROOKERY_PASSWORD="", MYSQL_PASSWORD="")
    assert done.returncode == 0
    assert len(held(volumes)["welcome/password"]) >= 12


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("ROOKERY_PASSWORD", "eleven-char", "has 11 characters"),
        ("ROOKERY_PASSWORD", "x" * 129, "has 129 characters"),
        ("ROOKERY_PASSWORD", "four words\nand a line", "line break"),
        ("ROOKERY_PASSWORD", "contraseña-larga", "not printable ASCII"),
        ("ROOKERY_PASSWORD", " blank-in-front", "starts or ends with a blank"),
        ("ROOKERY_PASSWORD", "password1234", "everybody knows"),
        ("MYSQL_PASSWORD", "eleven-char", "has 11 characters"),
        ("MYSQL_PASSWORD", "secret of mine\n", "line break"),
        ("MYSQL_PASSWORD", "secret\tof mine", "not printable"),
        ("MYSQL_PASSWORD", "secret of mine ", "starts or ends with a blank"),
    ],
)
def test_a_password_that_cannot_be_used_is_refused_unseen(
    variable, value, fault, volumes, one_shot
):
    done = one_shot("keys", "--root", volumes, **{variable: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {variable} " in done.stderr
    assert fault in done.stderr
    assert "allowed: 12 to 128 printable ASCII characters" in done.stderr
    assert f"next: change {variable} in .env" in done.stderr
    assert value.strip() not in done.stderr
    assert "Traceback" not in done.stderr
    assert held(volumes) == {}


def test_a_short_password_of_an_older_stack_stays_in_use(volumes, one_shot):
    hand_out(volumes, {})
    for place in ("all", "mysql", "jupyter"):
        kept = volumes / place / "my_app_user_password"
        kept.chmod(0o600)
        kept.write_text("short", encoding="ascii")
    assert one_shot("keys", "--root", volumes, MYSQL_PASSWORD="short").returncode == 0
    assert held(volumes)["mysql/my_app_user_password"] == "short"


# the command


def test_the_run_says_one_line_without_a_secret(volumes, one_shot):
    done = one_shot("keys", "--root", volumes)
    assert done.returncode == 0
    assert done.stdout == "keys: 15 secrets made, 0 kept; 31 copies written\n"
    assert done.stderr == ""
    assert [value for value in held(volumes).values() if value in done.stdout] == []


def test_a_folder_that_is_not_there_is_named_before_anything_is_written(volumes, one_shot):
    (volumes / "welcome").rmdir()
    done = one_shot("keys", "--root", volumes)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: there is no folder {volumes / 'welcome'}" in done.stderr
    assert state(volumes) == {}


def test_what_the_system_refuses_ends_in_one_message(volumes, one_shot):
    (volumes / "mysql-setup" / "database_url").mkdir()
    done = one_shot("keys", "--root", volumes)
    assert (done.returncode, done.stdout) == (1, "")
    taken = volumes / "mysql-setup" / "database_url"
    assert done.stderr == f"error: {taken} cannot be written: Is a directory\n"


@pytest.mark.parametrize("name", ["keys", "welcome"])
def test_a_one_shot_imports_no_library_of_the_jobs(name):
    heavy = ("mlflow", "pandas", "numpy", "sklearn", "sqlalchemy", "fastapi", "typer")
    program = f"import sys, rookery.stack.{name}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
