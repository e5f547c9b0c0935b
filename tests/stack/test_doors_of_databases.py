"""The doors of both databases, tried with no key, a wrong key, and for what is not one's own."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pymysql
import pytest
from tests.stack.stack import Stack

DENIED = {1044, 1045, 1142, 1227, 1396, 1410}  # MySQL: of access, to a table, of a privilege
API_TABLES = ("predictions", "feedback", "promotions")


@pytest.fixture(scope="module")
def mysql_as(promoted: Stack) -> Iterator[Callable[[str], Any]]:
    """A cursor for a user, of one connection for the module."""
    opened: dict[str, Any] = {}

    def cursor(user: str) -> Any:
        if user not in opened:
            opened[user] = promoted.enter_mysql(user)
        return opened[user].cursor()

    yield cursor
    for connection in opened.values():
        connection.close()


def enter_postgres(stack: Stack, user: str, password: str, database: str = "mlflow_db") -> Any:
    return psycopg2.connect(
        host="127.0.0.1",
        port=stack.ports["POSTGRES_PORT"],
        user=user,
        password=password,
        dbname=database,
    )


def denied(cursor: Any, statement: str) -> bool:
    """Whether MySQL refuses the statement for want of a right; False if it does it."""
    try:
        cursor.execute(statement)
    except pymysql.MySQLError as error:
        if error.args[0] in DENIED:
            return True
        raise
    return False


@pytest.mark.parametrize("user", ["my_app_user", "rookery_api", "root", "nobody"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_mysql_refuses_a_wrong_password_and_an_unknown_user(promoted, user, password):
    with pytest.raises(pymysql.OperationalError) as caught:
        promoted.enter_mysql(user, password)
    assert caught.value.args[0] in DENIED | {1130}  # 1130: root may not come over the network


@pytest.mark.parametrize("user", ["mlflow_user", "postgres", "nobody"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_postgres_refuses_a_wrong_password_and_an_unknown_user(promoted, user, password):
    with pytest.raises(psycopg2.OperationalError, match="password"):
        enter_postgres(promoted, user, password)


def test_the_api_s_user_of_mysql_cannot_touch_the_tables_of_a_task(mysql_as):
    jobs, api = mysql_as("my_app_user"), mysql_as("rookery_api")
    jobs.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
    tables = {name for name, _ in jobs.fetchall()} - set(API_TABLES)
    assert {"penguins_raw", "penguins_clean", "penguins_rejected"} <= tables
    for table in tables:
        for statement in (f"SELECT * FROM `{table}`", *changes(table)):
            assert denied(api, statement), statement
    assert denied(api, "CREATE TABLE penguins_mine (id INT)")


def changes(table: str) -> list[str]:
    return [
        f"INSERT INTO `{table}` VALUES ()",
        f"UPDATE `{table}` SET id = 0",
        f"DELETE FROM `{table}`",
        f"TRUNCATE `{table}`",
        f"ALTER TABLE `{table}` ADD COLUMN mine INT",
        f"DROP TABLE `{table}`",
    ]


@pytest.mark.parametrize("table", API_TABLES)
def test_the_api_s_user_of_mysql_changes_nothing_that_is_written(mysql_as, table):
    api = mysql_as("rookery_api")
    api.execute(f"SELECT COUNT(*) FROM {table}")
    for statement in changes(table)[1:]:
        assert denied(api, statement), statement


def test_the_api_s_user_of_mysql_adds_predictions_and_outcomes_but_no_promotions(mysql_as):
    api, jobs = mysql_as("rookery_api"), mysql_as("my_app_user")
    api.execute(
        "INSERT INTO predictions (id, at, model, version, input, output, latency_seconds) "
        "VALUES ('door', NOW(), 'penguins', '1', '{}', '{}', 0.1)"
    )
    api.execute(
        "INSERT INTO feedback (prediction_id, outcome, at, who) VALUES ('door', '1', NOW(), 'me')"
    )
    api.execute("SELECT COUNT(*) FROM predictions JOIN feedback ON prediction_id = predictions.id")
    assert api.fetchone() == (1,)
    assert jobs.execute("DELETE FROM predictions WHERE id = 'door'") == 1
    assert jobs.execute("DELETE FROM feedback WHERE prediction_id = 'door'") == 1
    assert denied(api, "INSERT INTO promotions (task) VALUES ('penguins')")


@pytest.mark.parametrize("user", ["my_app_user", "rookery_api"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM mysql.user",
        "CREATE DATABASE outside",
        "CREATE DATABASE myXappXdb",  # an underscore in a grant stands for any character
        "CREATE USER mine IDENTIFIED BY 'a-long-password'",
        "SELECT 1 INTO OUTFILE '/tmp/mine'",
        "SET GLOBAL local_infile = ON",
        "GRANT ALL ON *.* TO rookery_api",
        "ALTER USER root@localhost IDENTIFIED BY 'mine'",
    ],
)
def test_no_user_of_mysql_gets_out_of_its_database(mysql_as, user, statement):
    assert denied(mysql_as(user), statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/mine'",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "ALTER ROLE mlflow_user SUPERUSER",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_user_of_postgres_gets_no_further_than_its_database(promoted, statement):
    password = promoted.key("postgres", "mlflow_user_password")
    connection = enter_postgres(promoted, "mlflow_user", password)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
    finally:
        connection.close()


@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_the_user_of_postgres_may_enter_no_other_database(promoted, database):
    password = promoted.key("postgres", "mlflow_user_password")
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        enter_postgres(promoted, "mlflow_user", password, database)
