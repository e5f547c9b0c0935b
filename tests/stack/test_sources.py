"""Each kind of source in the stack, from its rows to a promoted model.

The package is the first run of the stack; without Docker the same is tested in
tests/integration/jobs.
"""

import csv
import io
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from tests.stack.conftest import give_to
from tests.stack.stack import Stack, free_ports, wait_until

QUICK = "candidates:\n  linear_regression: {}\n"
SHARE = 0.002  # of the rows of each batch of houses
SALES = {
    "name": "sales",
    "source": {"batches": {"folder": "notebooks/sales"}},
    "columns": {
        "area": {"type": "float", "required": True},
        "district": {"type": "category", "values": ["north", "south"], "required": True},
        "price": {"type": "float", "required": True},
    },
    "target": "price",
    "metric": "rmse",
    "gate": {"minimum": {"r2": 0.5}, "not_worse_than_production": False},
    "split": {"folds": 2},
    "retrain": {"drift": None},
    "candidates": {"linear_regression": {}},
}


def rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Flats whose price follows from area and district, with some noise."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        area, south = round(draw.uniform(20, 200), 1), draw.random() < 0.5
        price = round(3000 * area + 40_000 * south + draw.gauss(0, 10_000))
        found.append({"area": area, "district": "south" if south else "north", "price": price})
    return found


def text(count: int, seed: int = 1) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ["area", "district", "price"])
    writer.writeheader()
    writer.writerows(rows(count, seed))
    return buffer.getvalue()


@pytest.fixture
def place(promoted: Stack) -> Iterator[Stack]:
    """The stack; the task files and files that a test adds are taken away again."""
    folders = [promoted.folder / name for name in ("tasks", "notebooks", "configs")]
    before = {path for folder in folders for path in folder.rglob("*")}
    yield promoted
    added = {path for folder in folders for path in folder.rglob("*")} - before
    for path in sorted(added, reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def with_few_candidates(stack: Stack, name: str) -> None:
    """The drafted file but for its candidates, which are many."""
    path = stack.folder / "tasks" / f"{name}.yaml"
    drafted = path.read_text(encoding="utf-8")
    path.unlink()  # of the containers' user, and perhaps not ours to write
    path.write_text(drafted[: drafted.index("candidates:")] + QUICK, encoding="utf-8")


def assert_promoted(stack: Stack, name: str, count: int) -> None:
    state = json.loads(stack.rookery("status", name, "--json").stdout)
    assert state["tables"]["raw"] == count
    assert stack.mysql(f"SELECT COUNT(*) FROM {name}_raw") == [(count,)]
    assert stack.production(name) is not None


def test_a_file_below_the_notebooks_becomes_a_task_and_a_promoted_model(place):
    (place.folder / "notebooks" / "flats.csv").write_text(text(200), encoding="utf-8")
    drafted = place.rookery(
        "new", "from_file", "--from", "notebooks/flats.csv", "--target", "price", "--json"
    )
    assert json.loads(drafted.stdout)["next"] == "rookery run from_file"
    with_few_candidates(place, "from_file")
    place.rookery("run", "from_file")
    assert_promoted(place, "from_file", 200)


def test_a_table_of_mysql_becomes_a_task_and_a_promoted_model_without_its_password_in_a_file(place):
    password = place.key("jupyter", "my_app_user_password")
    place.mysql("CREATE TABLE offers (area DOUBLE, district VARCHAR(8), price DOUBLE)")
    try:
        values = ", ".join(str(tuple(row.values())) for row in rows(200, 1))
        place.mysql(f"INSERT INTO offers VALUES {values}")
        address = f"mysql://my_app_user:{password}@mysql:3306/my_app_db#offers"
        place.rookery("new", "from_table", "--from", address, "--target", "price")
        drafted = (place.folder / "tasks" / "from_table.yaml").read_text(encoding="utf-8")
        assert password not in drafted
        with_few_candidates(place, "from_table")
        place.rookery("run", "from_table")
        assert_promoted(place, "from_table", 200)
    finally:
        place.mysql("DROP TABLE offers")


def test_files_of_a_folder_are_batches_and_the_end_is_a_normal_end(place):
    folder = place.folder / "notebooks" / "sales"
    folder.mkdir()
    for month, count in enumerate((120, 60, 400), 1):
        (folder / f"2026-{month:02}.csv").write_text(text(count, month), encoding="utf-8")
    give_to(folder, 1000)
    (place.folder / "tasks" / "sales.yaml").write_text(json.dumps(SALES), encoding="utf-8")
    done = json.loads(place.rookery("run", "sales", "--all", "--json").stdout)
    assert [one["entry"]["decision"] for one in done["batches"]] == ["train", "wait", "train"]
    assert done["ended"]
    assert_promoted(place, "sales", 580)


@pytest.fixture
def service(place: Stack) -> Iterator[Stack]:
    """The stack with the data service of profile batches beside it."""
    given = {
        "DATA_API_PORT": str(free_ports()["API_PORT"]),
        "DATA_API_SHARE": str(SHARE),
        "DATA_API_FAULTS": "error@1,cut@2,repeat@3",
    }
    batches = Stack(place.folder, place.ports, given)
    profile = ("--profile", "batches")
    batches.compose(*profile, "up", "--detach", "--no-deps", "data-api")
    try:
        wait_until(lambda: batches.health()["data-api"] == "healthy", "the data service is healthy")
        yield batches
    finally:
        batches.compose(*profile, "rm", "--stop", "--force", "data-api")


def test_houses_of_the_data_service_go_through_all_six_batches(service):
    done = json.loads(service.rookery("run", "houses", "--all", "--json", timeout=600).stdout)
    entries = [one["entry"] for one in done["batches"]]
    assert [one["number"] for one in entries] == list(range(6))
    assert {one["state"] for one in entries} == {"used"}
    assert entries[0]["decision"] == "train"
    assert done["ended"]
    state = json.loads(service.rookery("status", "houses", "--json").stdout)
    counts = state["tables"]
    assert counts["raw"] == counts["clean"] + counts["rejected"] + counts["duplicates"]
    assert_promoted(service, "houses", sum(one["rows"] for one in entries))
    # nothing is left to take, and nothing is taken twice
    again = json.loads(service.rookery("run", "houses", "--all", "--json").stdout)
    assert again["batches"] == []
    assert_promoted(service, "houses", counts["raw"])
