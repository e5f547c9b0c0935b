"""What `rookery doctor` concludes from what it was told; no network."""

import time
from threading import Event

import pytest

from rookery.errors import InputError
from rookery.extras import extra_missing, extra_of
from rookery.jobs.doctor.configuration import unknown
from rookery.jobs.doctor.findings import Check, collect, fine
from rookery.jobs.doctor.libraries import against_serving
from rookery.jobs.doctor.machine import left_in_container
from rookery.jobs.doctor.ports import Port, twice
from rookery.jobs.doctor.server import ROUTE, judge_route, versions
from rookery.jobs.doctor.web import Answer, judge_clock

ADDRESS = "http://mlflow:5005"


def answer(status: int, text: str = "", kind: str = "application/json") -> Answer:
    return Answer(ADDRESS + ROUTE, status, text, kind)


def test_a_check_that_hangs_becomes_a_finding_and_holds_nobody_up():
    never = Event()

    def hangs():
        yield fine("half way")
        never.wait()

    started = time.monotonic()
    found = collect([Check("a", "slow", hangs), Check("a", "fast", lambda: [fine("done")])], 1)
    assert time.monotonic() - started < 30
    assert [(one.check, one.level) for one in found] == [
        ("slow", "ok"),
        ("slow", "error"),
        ("fast", "ok"),
    ]
    assert "within 1 s" in found[1].message


def test_a_check_that_fails_is_a_finding_and_hides_no_other():
    def refused():
        raise InputError("no such task", field="TASK", allowed="penguins")

    def away():
        raise OSError(13, "Permission denied", "/data")

    def broken():
        raise ZeroDivisionError("deep inside")

    looks = [refused, away, broken, lambda: [fine("done")]]
    found = collect([Check("a", "b", look) for look in looks])
    assert [one.level for one in found] == ["error", "error", "error", "ok"]
    assert found[0].mend == "TASK: penguins"
    assert "/data" in found[1].message
    assert "ZeroDivisionError: deep inside" in found[2].message
    assert all(one.mend for one in found[:3])


def test_a_misspelt_name_in_the_environment_file_is_told_its_neighbour():
    known = {"MLFLOW_PORT", "HOST_UID"}
    names = ["MLFLOW_PORT", "MLFLOW_PROT", "host_uid", "SOMETHING_ELSE", "COMPOSE_PROJECT_NAME"]
    found = list(unknown(names, known))
    assert [one.message.split()[-1] for one in found] == [
        "MLFLOW_PROT",
        "host_uid",
        "SOMETHING_ELSE",
    ]
    assert found[0].mend == "did you mean MLFLOW_PORT?"
    assert found[1].mend == "did you mean HOST_UID?"
    assert ".env.example" in str(found[2].mend)


@pytest.mark.parametrize(
    ("given", "login", "level", "words"),
    [
        (answer(200), ("ada", "x"), "ok", "MLflow"),
        (answer(401, "who"), None, "ok", "password"),
        (answer(401, "who"), ("ada", "x"), "error", "MLFLOW_TRACKING_USERNAME"),
        (answer(403, "Invalid Host header"), None, "error", "MLFLOW_ALLOWED_HOSTS=mlflow:5005"),
        (answer(403, "not yours"), ("ada", "x"), "error", "ada"),
        (answer(503, "the store is away"), None, "error", "docker compose logs mlflow"),
        (answer(200, "<html>", "text/html"), None, "error", "not MLflow"),
        (answer(0, "no answer within 3 s"), None, "error", "hangs"),
    ],
)
def test_what_answers_at_the_address_of_mlflow_is_told_apart(given, login, level, words):
    found = judge_route(given, login)
    assert found.level == level
    assert words in f"{found.message} {found.mend}"
    assert ROUTE not in found.message


@pytest.mark.parametrize(
    ("said", "levels"),
    [("99.0.0", ["error"]), ("3.99.0", ["warning"]), ("<html>", []), ("", [])],
)
def test_another_version_of_the_server_is_a_finding_where_it_says_one(said, levels):
    found = list(versions(answer(200, said)))
    assert [one.level for one in found] == levels
    assert all(f"mlflow=={said}" in str(one.mend) for one in found)


@pytest.mark.parametrize(
    ("skew", "level", "words"),
    [
        (4.0, "ok", "agree"),
        (-60.0, "warning", "60 s behind"),
        (301.0, "error", "301 s ahead of"),
    ],
)
def test_a_clock_is_judged_by_what_s3_takes(skew, level, words):
    found = judge_clock(Answer(ADDRESS, 200, "", "", skew))
    assert (found.level, words in found.message) == (level, True)


def test_a_library_that_would_make_promotion_refuse_is_an_error_with_both_versions():
    found = list(against_serving({"numpy": "1.0", "scipy": "2"}, {"numpy": "2.4", "scipy": "2"}))
    assert [(one.level, "1.0" in one.message, "2.4" in one.message) for one in found] == [
        ("error", True, True)
    ]
    assert [one.level for one in against_serving({"numpy": "2.4"}, {"numpy": "2.4"})] == ["ok"]


def test_the_limit_of_a_container_counts_and_what_the_kernel_caches_does_not(tmp_path):
    assert left_in_container(tmp_path) == float("inf")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 400\ninactive_file 300\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert left_in_container(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text("1000\n")
    assert left_in_container(tmp_path) == 600


def test_two_servers_on_one_port_are_told_with_a_line_for_the_environment_file():
    (found,) = twice([Port("A_PORT", 24700, "a"), Port("B_PORT", 24700, "b")])
    assert found.level == "error"
    assert "A_PORT and B_PORT are both 24700" in found.message
    assert str(found.mend).startswith("B_PORT=2470")


def test_a_missing_module_is_named_with_its_extra_and_a_place_that_has_it():
    assert [extra_of(name) for name in ("MySQLdb", "psycopg2.extensions", "seaborn")] == [
        "mysql",
        "postgres",
        "notebook",
    ]
    assert extra_of("rookery.nothing") is None
    failed = extra_missing(ModuleNotFoundError(name="pyarrow.parquet"), "rookery ingest")
    assert failed is not None
    assert failed.value == "jobs"
    assert "docker compose exec jupyter rookery ingest" in str(failed.next)
