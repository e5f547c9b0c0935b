"""The table of addresses that ends a start of the stack."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from rookery.stack.settings import StackSettings
from rookery.stack.welcome import addresses, shown_host

PORTS = {
    "POSTGRES_PORT": "25432",
    "MYSQL_PORT": "23306",
    "MINIO_PORT": "29000",
    "MINIO_CONSOLE_PORT": "29001",
    "MLFLOW_PORT": "25005",
    "JUPYTER_PORT": "28888",
    "API_PORT": "28000",
}


@pytest.fixture
def keys(tmp_path):
    (tmp_path / "password").write_text("anchor-velvet-tulip-cabin")
    return tmp_path


@pytest.fixture
def said(keys, one_shot):
    """What the one-shot prints, given some variables."""

    def run(**variables: str) -> str:
        done = one_shot("welcome", "--keys", keys, **variables)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


def link(text: str) -> str:
    return re.search(r"http://\S+token=\S+", text).group()


def test_every_service_has_its_address(said):
    text = said()
    for address in (
        "http://localhost:8888 ",
        "http://localhost:5005 ",
        "http://localhost:8000/docs ",
        "http://localhost:9001 ",
        "http://localhost:9000 ",
        " localhost:3306 ",
        " localhost:5432 ",
    ):
        assert text.count(address) == 1


def test_ports_come_from_the_environment(said):
    text = said(**PORTS)
    assert [name for name, port in PORTS.items() if f":{port}" not in text] == []
    assert urlsplit(link(text)).port == 28888


def test_one_link_opens_the_first_notebook_with_the_token(said):
    found = urlsplit(link(said()))
    assert found.path == "/lab/tree/notebooks/01_ingest.ipynb"
    assert parse_qs(found.query) == {"token": ["anchor-velvet-tulip-cabin"]}


def test_a_password_with_special_characters_survives_the_link(keys, said):
    (keys / "password").write_text("a&b=c d#e/f?g%h+i")
    text = said()
    assert parse_qs(urlsplit(link(text)).query) == {"token": ["a&b=c d#e/f?g%h+i"]}
    assert "password  a&b=c d#e/f?g%h+i\n" in text


def test_the_password_stands_once_beside_its_user_and_in_no_other_link(said):
    text = said()
    assert "  user      admin\n  password  anchor-velvet-tulip-cabin\n" in text
    assert text.count("anchor-velvet-tulip-cabin") == 2
    assert "@" not in text


def test_the_stores_users_are_found_by_one_command(said):
    assert 'docker compose exec minio sh -c "head /run/keys/*"' in said()
    users = {row[0]: row[2:4] for row in addresses(StackSettings(), "localhost")}
    assert users["MySQL"] == ("my_app_user", "in mysql")
    assert users["Postgres"] == ("mlflow_user", "in postgres")
    assert users["MinIO console"] == ("in minio", "in minio")


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "192.168.100.100"])
def test_lines_are_plain_and_leave_room_for_the_prefix_of_compose(address, said):
    text = said(BIND_ADDRESS=address, **PORTS)
    assert text.isascii()
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("bound", "shown"),
    [
        ("127.0.0.1", "localhost"),
        ("0.0.0.0", "localhost"),
        ("::1", "localhost"),
        ("[::]", "localhost"),
        ("192.168.1.7", "192.168.1.7"),
        ("[fd00::7]", "[fd00::7]"),
    ],
)
def test_an_address_is_shown_as_a_browser_calls_it(bound, shown):
    assert shown_host(StackSettings(bind_address=bound)) == shown


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "192.168.1.7"])
def test_ports_that_are_open_to_the_network_are_said_to_be(address, said):
    assert f"BIND_ADDRESS={address.strip('[]')}: the ports are open to the network" in said(
        BIND_ADDRESS=address
    )


@pytest.mark.parametrize("address", ["", "127.0.0.1", "[::1]"])
def test_ports_of_this_machine_alone_need_no_warning(address, said):
    assert "warning" not in said(BIND_ADDRESS=address)


def test_the_last_line_is_the_next_step(said):
    *_, next_step, last = said().splitlines()
    assert next_step.startswith("Next: ")
    assert last.strip() == link(last)


def test_without_a_password_there_is_one_message(tmp_path, one_shot):
    done = one_shot("welcome", "--keys", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: there is no password at {tmp_path / 'password'}\n  next: docker compose up keys\n"
    )


@pytest.mark.parametrize(
    ("variable", "value"), [("MLFLOW_PORT", "70000"), ("BIND_ADDRESS", "localhost")]
)
def test_a_wrong_setting_is_named_with_its_value(variable, value, keys, one_shot):
    done = one_shot("welcome", "--keys", keys, **{variable: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {variable}='{value}': " in done.stderr
    assert "Traceback" not in done.stderr
