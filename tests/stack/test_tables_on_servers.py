"""The integration tests of what reads and writes tables, on the servers of the stack."""

import secrets
from collections.abc import Iterator

import pytest
from tests.stack.stack import ROOT, Stack

FILES = [
    f"tests/integration/{name}"
    for name in (
        "stores",
        "jobs/test_ingest.py",
        "jobs/test_clean.py",
        "jobs/test_interruptions.py",
        "jobs/test_two_at_once.py",
        "jobs/test_report.py",
        "serving/test_shadow.py",
    )
]


@pytest.fixture(scope="module")
def image(stack: Stack) -> Iterator[str]:
    """JupyterLab's image with the tools of the checks."""
    jupyter = stack.containers()["jupyter"]["Config"]["Image"]
    name = f"{jupyter}-tests"
    build = ["docker", "build", "--quiet", "--build-arg", f"IMAGE={jupyter}", "--tag", name]
    stack.run(*build, "--file", str(ROOT / "tests/stack/Dockerfile"), str(ROOT))
    yield name
    stack.run("docker", "rmi", name)


@pytest.fixture(scope="module")
def accounts(stack: Stack) -> Iterator[dict[str, str]]:
    """Accounts that may make databases, for as long as these tests run."""
    password = secrets.token_hex(16)
    as_root = ["mysql", "--user=root", f"--password={stack.key('mysql', 'root_password')}"]
    as_postgres = ["psql", "--username=postgres", "--quiet", "--command"]
    stack.execute(
        "mysql",
        *as_root,
        f"--execute=CREATE USER tester@'%' IDENTIFIED BY '{password}';"
        "GRANT ALL ON *.* TO tester@'%' WITH GRANT OPTION",
    )
    stack.execute(
        "postgres", *as_postgres, f"CREATE ROLE tester LOGIN SUPERUSER PASSWORD '{password}'"
    )
    yield {
        "ROOKERY_TEST_MYSQL_URL": f"mysql://tester:{password}@mysql:3306/",
        "ROOKERY_TEST_POSTGRES_URL": f"postgresql://tester:{password}@postgres:5432/postgres",
    }
    stack.execute("mysql", *as_root, "--execute=DROP USER tester@'%'")
    stack.execute("postgres", *as_postgres, "DROP ROLE tester")


@pytest.mark.parametrize("server", ["mysql", "postgres"])
def test_what_holds_on_sqlite_holds_on(
    server: str, stack: Stack, image: str, accounts: dict[str, str]
) -> None:
    stack.wait_healthy("mysql", "postgres")
    name = f"ROOKERY_TEST_{server.upper()}_URL"
    network = next(iter(stack.containers()["mysql"]["NetworkSettings"]["Networks"]))
    done = stack.run(
        *("docker", "run", "--rm", "--network", network, "--env", name),
        *(
            "--env",
            "PYTHONPATH=/checkout/src",
            "--env",
            "ROOKERY_HOME=",
            "--env",
            "PYTHONDONTWRITEBYTECODE=1",
        ),
        *("--volume", f"{ROOT}:/checkout:ro", "--workdir", "/checkout", image),
        *("python", "-m", "pytest", "-p", "no:cacheprovider", "-k", server, *FILES),
        check=False,
        environment={name: accounts[name]},
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
