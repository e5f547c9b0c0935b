"""Two processes promote at the same time: one after the other, and the ledger says how."""

import json

import mlflow
import pytest
from ruamel.yaml import YAML

import rookery as rk
from rookery.jobs.project import open_project


@pytest.fixture
def project(home_copy):
    """Three versions, all of which the gate lets pass."""
    path = home_copy.parent / "tasks" / "penguins.yaml"
    gate = {"minimum": {"accuracy": 0.1}, "not_worse_than_production": False}
    path.write_text(json.dumps(YAML().load(path) | {"gate": gate}), "utf-8")
    found = open_project("penguins")
    best = found.tracking.version("penguins", "1").run_id
    uri = f"models:/{found.tracking.model_of_run(best)}"
    for _ in range(2):
        mlflow.register_model(uri, "penguins")
    return found


def test_promotions_at_the_same_time_are_one_chain_in_the_ledger(project, forks):
    children = [
        forks.start("promote", task="penguins", version="2", repeat=4),
        forks.start("promote", task="penguins", version="3", repeat=4),
        forks.start("status", task="penguins", repeat=15),
    ]
    most = 0
    while any(child.lives() for child in children):
        rows = project.ledger.entries("penguins")
        most = max(most, sum(row.outcome == "pending" for row in rows))
    assert most == 1
    for child in children:
        child.result()

    rows = project.ledger.entries("penguins")
    assert {row.outcome for row in rows} == {"done"}
    assert [row.from_version for row in rows[1:]] == [row.to_version for row in rows[:-1]]
    assert {row.to_version for row in rows} == {"1", "2", "3"}
    last = rows[-1].to_version
    assert project.tracking.aliases("penguins") == {"production": last}
    stages = {str(v.version): v.current_stage for v in project.tracking.versions("penguins")}
    assert [number for number, stage in stages.items() if stage == "Production"] == [last]


def test_an_external_promotion_is_recorded_once_by_many_at_the_same_time(project, forks):
    project.tracking.client.set_registered_model_alias("penguins", "production", "3")
    children = [forks.start("status", task="penguins", repeat=3) for _ in range(4)]
    for child in children:
        assert child.result()["production"]["version"] == "3"
    rows = [
        (row.from_version, row.to_version, row.outcome)
        for row in project.ledger.entries("penguins")
    ]
    assert rows == [(None, "1", "done"), ("1", "3", "external")]


def test_two_sweeps_at_the_same_time_both_end_whole(project, forks):
    children = [forks.start("sweep", task="penguins", cross_validate=False) for _ in range(2)]
    answers = [child.result() for child in children]
    assert {answer["version"] for answer in answers} == {"4", "5"}
    for answer in answers:
        assert [row["error"] for row in answer["rows"]] == [None] * len(answer["rows"])
        assert project.tracking.run(answer["run_id"]).info.status == "FINISHED"


def test_jobs_on_one_task_at_the_same_time_leave_whole_tables(shop, forks):
    shop.rows(*(f"{n % 1000},{n},red,n{n},good" for n in range(20_000)), "x,1,red,,good")
    rk.ingest("shop")
    other = shop.place / "other.csv"
    other.write_text("price,pieces,colour,note,sold\n1,1,red,,good\n", encoding="utf-8")
    children = [
        forks.start("ingest", task="shop", source=str(source), repeat=2)
        for source in (other, shop.csv)
    ]
    children += [forks.start("clean", task="shop", repeat=2) for _ in range(2)]
    ingested = [child.result() for child in children[:2]]
    assert [done["rows"] for done in ingested] == [1, 20_001]
    for child in children[2:]:
        found = child.result()
        counts = (found["raw"], found["clean"], found["rejected"])
        assert counts in [(1, 1, 0), (20_001, 20_000, 1)]
    rk.clean("shop")
    assert shop.names() == {"shop_raw", "shop_clean", "shop_rejected"}
    found = rk.status("shop")["tables"]
    assert found["raw"] == found["clean"] + found["rejected"]


def test_an_ingest_and_a_clean_at_the_same_time_leave_whole_tables(project, forks):
    with rk.connect().begin() as connection:
        connection.exec_driver_sql("UPDATE penguins_raw SET batch_id = 'of yesterday'")
    children = [
        forks.start("ingest", task="penguins", repeat=3),
        forks.start("clean", task="penguins", repeat=3),
        forks.start("clean", task="penguins", repeat=3),
    ]
    ingested, *cleaned = [child.result() for child in children]
    assert ingested["rows"] == 344
    for found in cleaned:
        assert (found["clean"], found["rejected"]) == (333, 11)
    whole = {"raw": 344, "clean": 333, "rejected": 11, "duplicates": 0}
    none = {"clean": None, "rejected": None, "duplicates": None}  # the ingest was the last
    assert rk.status("penguins")["tables"] in (whole, whole | none)
    rk.clean("penguins")
    assert rk.status("penguins")["tables"] == whole
