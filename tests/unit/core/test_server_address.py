"""Addresses of MLflow servers, right and mistyped."""

import pytest

from rookery.core.server_address import (
    check_address,
    check_same_server,
    fault_of_address,
    is_same_server,
    without_login,
)
from rookery.errors import InputError


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:5005",
        "https://mlflow.example.org/base/",
        "http://[::1]:5005",
        "sqlite:////tmp/mlflow.db",
        "sqlite:////tmp/a@b/mlflow.db",
        "postgresql+psycopg2://db/mlflow",
    ],
)
def test_the_address_of_a_server_or_database_has_no_fault(uri):
    assert fault_of_address(uri) is None


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("localhost:5005", "did you mean http://localhost:5005?"),
        ("mlflow.example.org", "did you mean http://mlflow.example.org?"),
        ("http://", "no host"),
        ("http:/localhost:5005", "no host"),
        ("http//localhost:5005", "does not begin with http://"),
        ("htp://localhost:5005", "does not begin with http://"),
        ("ftp://localhost/x", "does not begin with http://"),
        ("databricks", "did you mean http://databricks?"),
        ("http://localhost:port", "not an address"),
        ("http://localhost:70000", "not an address"),
        ("http://[::1", "not an address"),
        ("http://local host:5005", "blanks"),
        (" http://localhost:5005", "quotes or blanks around"),
        ("'http://localhost:5005'", "quotes or blanks around"),
        ("http://localhost:5005/#/experiments/1", "the server is http://localhost:5005"),
        ("http://ada:lovelace@localhost:5005", "MLFLOW_TRACKING_PASSWORD"),
        ("http://:lovelace@localhost:5005", "MLFLOW_TRACKING_PASSWORD"),
        ("https://ada:lovelace/x@localhost", "MLFLOW_TRACKING_PASSWORD"),
        ("http://ada:123?lovelace@localhost", "MLFLOW_TRACKING_PASSWORD"),
        ("http://ada:lovelace", "the host or the port is wrong"),
    ],
)
def test_what_is_no_address_is_refused_with_what_is_wrong(uri, words):
    with pytest.raises(InputError) as caught:
        check_address("MLFLOW_URL", uri)
    assert caught.value.message.startswith("MLFLOW_URL cannot be used: ")
    assert words in caught.value.message
    assert caught.value.field == "MLFLOW_URL"
    assert "lovelace" not in str(caught.value.as_dict())


def test_an_empty_address_is_refused_and_none_is_not():
    check_address("MLFLOW_URL", None)
    with pytest.raises(InputError, match="MLFLOW_URL is set but empty"):
        check_address("MLFLOW_URL", "")


def test_two_names_of_one_server_may_differ_in_capitals_and_a_slash():
    assert is_same_server("http://MLflow:5005/", "http://mlflow:5005")
    assert not is_same_server("http://mlflow:5005", "http://mlflow:5006")
    assert not is_same_server("http://mlflow:5005/a", "http://mlflow:5005/A")


def test_two_servers_are_refused_with_both_names():
    with pytest.raises(InputError, match="A='http://a:1' and B='http://b:1' name different"):
        check_same_server({"A": "http://a:1", "B": "http://b:1"})
    check_same_server({"A": "http://a:1", "B": None})


def test_an_address_is_written_down_without_a_login():
    assert without_login("http://ada:pw@host:5005/base?x=1#y") == "http://host:5005/base"
    assert without_login("sqlite:////tmp/mlflow.db") == "sqlite:////tmp/mlflow.db"
