"""Files of a folder as batches: the decision to train, on real sweeps and versions."""

import csv
import random
from os import environ
from pathlib import Path

import pytest
from tests.integration.jobs.batch_files import audit, files_of, ingest_and_clean
from tests.integration.jobs.conftest import Shop

import rookery as rk
from rookery.jobs.batches import running
from rookery.jobs.project import open_project


@pytest.fixture
def trained(home_copy):
    """A shop beside a promoted model, so that MLflow's tables are there already."""
    return Shop(home_copy.parent, f"sqlite:///{home_copy / 'tables.db'}")


@pytest.fixture
def months(trained):
    """A function that writes a file of rows."""
    return files_of(trained)


def many(count: int, start: int = 0) -> list[str]:
    drawn = random.Random(start)
    lines = []
    for number in range(start, start + count):
        red = drawn.random() < 0.5
        sold = "good" if red else "bad"
        lines.append(f"{number % 999},{number},{'red' if red else 'blue'},n,{sold}")
    return lines


def decisions() -> list[str]:
    return audit()["decision"].tolist()


def test_versions_know_their_batches_and_one_from_elsewhere_knows_none(months):
    months("1", *many(60))
    first = rk.run("shop", jobs=1)
    assert [one.entry.decision for one in first.batches] == ["train"]
    assert first.batches[0].promoted.version == "1"
    months("2", *many(30, 60))
    waited = rk.run("shop", jobs=1).batches[0]
    assert (waited.entry.decision, waited.swept, waited.promoted) == ("wait", None, None)
    assert round(waited.entry.unseen_share, 4) == 0.3333
    # a model that somebody registers without saying what it has seen
    project = open_project("shop")
    model = project.tracking.model_of_run(first.batches[0].swept.best.run_id)
    project.tracking.register("shop", model, None, {})
    months("3", *many(120, 90))
    third = rk.run("shop", jobs=1).batches[0]
    assert (third.entry.decision, third.promoted.version) == ("train", "3")
    assert round(third.entry.unseen_share, 4) == round(150 / 210, 4)
    # a sweep by hand has seen all that is clean
    months("4", *many(20, 210))
    ingest_and_clean()
    rk.sweep("shop", cross_validate=False, jobs=1)
    assert rk.run("shop", jobs=1).batches[0].entry.reason == "no row is unseen"
    assert decisions() == ["train", "wait", "train", "wait"]
    assert audit()["model_version"].fillna("").tolist() == ["1", "", "3", ""]
    shown = rk.status("shop")["batches"]
    assert [batch["state"] for batch in shown] == ["used"] * 4


def test_what_the_gate_refuses_leaves_the_rows_unseen_and_the_batch_used(months, trained):
    source = {"batches": {"folder": str(trained.place / "months")}}
    trained.task(source=source, gate={"minimum": {"accuracy": 1.5}}, retrain={"drift": None})
    months("1", *many(60))
    done = rk.run("shop", jobs=1).batches[0]
    assert "misses the gate's 1.5" in done.refused
    assert (done.entry.state, done.entry.model_version) == ("used", None)
    assert "not promoted" in done.entry.reason
    trained.task(source=source, retrain={"drift": None})
    months("2", *many(5, 60))
    assert rk.run("shop", jobs=1).batches[0].promoted.version == "1"
    assert rk.run("shop", jobs=1).ended


def test_a_batch_counts_as_used_only_when_its_promotion_is_done(months, monkeypatch):
    months("1", *many(60))
    monkeypatch.setattr(running, "promote", _away)
    with pytest.raises(OSError, match="away"):
        rk.run("shop", jobs=1)
    assert audit()["state"].tolist() == ["decided"]
    monkeypatch.undo()
    months("2", *many(60, 60))
    done = rk.run("shop", jobs=1).batches[0]
    assert (done.swept, done.promoted.version, done.entry.number) == (None, "1", 0)
    assert rk.run("shop", jobs=1).batches[0].entry.number == 1


def _away(*_: object, **__: object) -> None:
    raise OSError("away")


def test_drift_decides_where_the_share_does_not(months, trained):
    source = {"batches": {"folder": str(trained.place / "months")}}
    trained.task(source=source)
    months("1", *many(300))
    rk.run("shop", jobs=1)
    months("2", *(line.replace("blue", "red") for line in many(60, 300)))
    done = rk.run("shop", jobs=1).batches[0]
    assert done.entry.decision == "train"
    assert "drift: colour: total variation distance" in done.entry.reason


# real sales in the order of time

KC = {
    "name": "sales",
    "columns": {
        "id": {"type": "text"},
        "date": {"type": "text"},
        "price": {"type": "float", "range": [10_000, 1e8], "required": True},
        "bedrooms": {"type": "integer", "range": [0, 20]},
        "sqft_living": {"type": "float", "range": [100, 20_000]},
        "grade": {"type": "integer", "range": [1, 13]},
    },
    "target": "price",
    "metric": "rmse",
    "gate": {"minimum": {"r2": 0.1}, "not_worse_than_production": False},
    "split": {"folds": 2},
    "retrain": {"drift": None},
    "candidates": {"linear_regression": {}},
}
MONTHS = ("201405", "201406", "201407", "201408")


def sales(place: Path) -> dict[str, int]:
    """Sales by month as files; those of King County, or where they are not given, made-up ones."""
    data = environ.get("ROOKERY_TEST_DATA")
    rows = _real(Path(data)) if data else _made()
    sizes = {}
    for month in MONTHS:
        mine = [row for row in rows if row["date"].startswith(month)]
        with (place / f"{month}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(KC["columns"]))
            writer.writeheader()
            writer.writerows(mine)
        sizes[month] = len(mine)
    return sizes


def _real(data: Path) -> list[dict[str, str]]:
    with (data / "houses" / "kc_house_data.csv").open(encoding="utf-8", newline="") as file:
        return [{name: row[name] for name in KC["columns"]} for row in csv.DictReader(file)]


def _made() -> list[dict[str, str]]:
    drawn = random.Random(7)
    rows = []
    for month, count in zip(MONTHS, (177, 218, 221, 194), strict=True):
        for number in range(count):
            size, grade = drawn.randint(500, 4000), drawn.randint(4, 12)
            price = 100 * size + 30_000 * grade + drawn.gauss(0, 40_000) + 50_000
            rows.append(
                {"id": f"{month}{number}", "date": f"{month}01T000000", "price": f"{price:.0f}",
                 "bedrooms": "3", "sqft_living": f"{size}", "grade": f"{grade}"}
            )  # fmt: skip
    return rows


def test_sales_by_month_are_trained_on_when_most_of_them_are_new(trained):
    place = trained.place / "sales"
    place.mkdir()
    sizes = sales(place)
    trained.task(**KC | {"source": {"batches": {"folder": str(place)}}})
    done = rk.run("sales", jobs=1, all_batches=True)
    assert [one.entry.decision for one in done.batches] == ["train", "wait", "train", "wait"]
    assert [one.entry.rows for one in done.batches] == list(sizes.values())
    assert [one.entry.model_version for one in done.batches] == ["1", None, "2", None]
    found = rk.status("sales")["tables"]
    assert found["raw"] == sum(sizes.values())
    assert found["raw"] == found["clean"] + found["rejected"] + found["duplicates"]
    assert done.ended
