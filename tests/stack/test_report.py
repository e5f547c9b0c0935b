"""The report of a task of the stack: live answers in it, and the page in both stores."""

import json
from typing import Any

import nbformat
import pytest
from tests.stack import faults
from tests.stack.stack import Stack, wait_until
from tests.stack.test_notebooks import Jupyter, streams

KEY = "reports/penguins.html"


@pytest.fixture(scope="module")
def asked(promoted: Stack) -> set[str]:
    """Ids of ten answers that are in MySQL, each with what turned out to be true."""
    wait_until(lambda: promoted.api("GET", "/ready").is_success, "the API is ready")
    ids = {promoted.predict()["id"] for _ in range(10)}
    for one in ids:
        given = {"id": one, "outcome": "Adelie"}
        wait_until(lambda given=given: taken(promoted, given), "the answer is stored")
    return ids


def taken(stack: Stack, feedback: dict[str, str]) -> bool:
    return stack.api("POST", "/feedback", json=feedback).status_code == 201


def page(stack: Stack) -> dict[str, Any]:
    return stack.s3("jobs").get_object(Bucket="api-artifacts", Key=KEY)


def test_the_page_with_live_answers_is_in_the_bucket_of_the_jobs_and_in_mlflow(promoted, asked):
    found = json.loads(promoted.rookery("report", "--json").stdout)
    assert (found["object"], found["missing"]) == (f"s3://api-artifacts/{KEY}", [])
    sections = found["facts"]["sections"]
    assert sections["drift"]["now"] >= len(asked)
    assert sections["live"]["common"] >= len(asked)
    stored = page(promoted)
    assert stored["ContentType"] == "text/html; charset=utf-8"
    text = stored["Body"].read()
    assert text.decode() == promoted.execute("jupyter", "cat", found["file"]).stdout
    (logged,) = [name for name in promoted.artifacts() if f"/{found['run_id']}/" in name]
    body = promoted.s3("mlflow").get_object(Bucket="mlflows3", Key=logged)["Body"].read()
    assert body == text


def test_a_report_in_a_notebook_goes_there_too(promoted, asked):
    promoted.s3("jobs").delete_object(Bucket="api-artifacts", Key=KEY)
    cell = nbformat.v4.new_code_cell("import rookery as rk; print(rk.report('penguins').object)")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    said = streams(Jupyter(promoted).run("notebooks/report.ipynb", notebook))
    assert said == f"s3://api-artifacts/{KEY}\n"
    assert b"</html>" in page(promoted)["Body"].read()


def test_keys_that_the_store_does_not_know_are_an_error_that_names_the_setting(promoted):
    keys = ("-e", "AWS_ACCESS_KEY_ID=nobody", "-e", "AWS_SECRET_ACCESS_KEY=wr0ng-secret")
    command = ("exec", "-T", *keys, "jupyter", "rookery", "report")
    done = promoted.compose(*command, check=False)
    assert done.returncode == 1, done.stdout
    said = faults.told(done.stderr)
    assert "is written, but the object store at http://minio:9000 did not take it" in said
    assert "wr0ng-secret" not in done.stderr
