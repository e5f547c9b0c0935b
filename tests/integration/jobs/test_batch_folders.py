"""Files of a folder as batches: cleaning, the audit, and the decision to train."""

import csv
import random
from collections.abc import Callable
from os import environ
from pathlib import Path

import pandas as pd
import pytest
from tests.integration.jobs.conftest import Shop

import rookery as rk
from rookery.errors import InputError
from rookery.jobs import run_batches
from rookery.jobs.project import open_project

HEADER = "price,pieces,colour,note,sold\n"


@pytest.fixture
def folder(shop):
    """A shop whose rows come as files, and a function that writes one."""
    return files_of(shop)


@pytest.fixture
def trained(home_copy):
    """A shop beside a promoted model, so that MLflow's tables are there already."""
    return Shop(home_copy.parent, f"sqlite:///{home_copy / 'tables.db'}")


@pytest.fixture
def months(trained):
    """As `folder`, for what trains."""
    return files_of(trained)


def files_of(shop: Shop) -> Callable[..., Path]:
    place = shop.place / "months"
    place.mkdir()
    shop.task(source={"batches": {"folder": str(place)}}, retrain={"drift": None})

    def write(name: str, *lines: str) -> Path:
        path = place / f"{name}.csv"
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines), "utf-8")
        return path

    (place / "notes.txt").write_text("not a batch")
    return write


def counts() -> dict[str, int | None]:
    with rk.connect().connect() as connection:
        raw, clean, rejected = (
            connection.exec_driver_sql(f"SELECT count(*) FROM shop_{name}").scalar_one()
            for name in ("raw", "clean", "rejected")
        )
    duplicates = int(audit()["duplicates"].sum())
    assert raw == clean + rejected + duplicates
    return {"raw": raw, "clean": clean, "rejected": rejected, "duplicates": duplicates}


def audit() -> pd.DataFrame:
    return pd.read_sql("SELECT * FROM shop_batches ORDER BY position", rk.connect())


def ingest_and_clean() -> None:
    rk.ingest("shop")
    rk.clean("shop")


MAY = ("1,1,red,a,good", "x,1,red,b,good", "2,1,blue,c,bad", "1,1,red,a,good")
JUNE = ("3,1,red,a,good", "1,1,red,a,good", "4,1,green,c,bad", "2,1,blue,c,bad")


def test_raw_is_clean_and_rejected_and_duplicates_over_all_batches(folder):
    folder("2014-05", *MAY)
    ingest_and_clean()
    folder("2014-06", *JUNE)
    ingest_and_clean()
    assert counts() == {"raw": 8, "clean": 3, "rejected": 2, "duplicates": 3}
    found = audit()
    assert found["rejected"].tolist() == [1, 1]
    assert found["duplicates"].tolist() == [1, 2]
    assert found["origin"].tolist() == ["2014-05.csv", "2014-06.csv"]
    assert found["state"].tolist() == ["cleaned", "cleaned"]
    rejected = pd.read_sql("SELECT * FROM shop_rejected", rk.connect())
    assert rejected["batch_id"].tolist() == found["batch_id"].tolist()


BOTH = ("SELECT * FROM shop_clean", "SELECT * FROM shop_rejected")


def test_cleaning_bit_by_bit_gives_what_cleaning_at_once_gives(folder):
    folder("1", *MAY)
    ingest_and_clean()
    folder("2", *JUNE)
    ingest_and_clean()
    bit_by_bit = [
        pd.read_sql(f"SELECT * FROM shop_{t}", rk.connect()) for t in ("clean", "rejected")
    ]
    by_audit = audit().drop(columns=["at", "state"])
    with rk.connect().begin() as connection:
        connection.exec_driver_sql("DROP TABLE shop_clean")
    rk.clean("shop")
    again = [pd.read_sql(query, rk.connect()) for query in BOTH]
    for one, other in zip(bit_by_bit, again, strict=True):
        pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(by_audit, audit().drop(columns=["at", "state"]))


def test_a_changed_rule_cleans_all_batches_again(folder, shop):
    folder("1", *MAY)
    ingest_and_clean()
    assert counts()["clean"] == 2
    source = {"batches": {"folder": str(shop.place / "months")}}
    shop.task(source=source, cleaning={"missing": ["", "x"]})
    assert rk.clean("shop").rejected == 1
    columns = {
        "price": {"type": "text"},
        "pieces": {"type": "integer"},
        "colour": {"type": "category", "values": ["red", "blue"], "required": True},
        "note": {"type": "text"},
        "sold": {"type": "category", "values": ["good", "bad"], "required": True},
    }
    shop.task(source=source, columns=columns)
    assert rk.clean("shop").clean == 3
    assert audit()["rejected"].tolist() == [0]


def test_clean_again_changes_nothing(folder):
    folder("1", *MAY)
    ingest_and_clean()
    before = pd.read_sql("SELECT * FROM shop_clean", rk.connect())
    assert rk.clean("shop").clean == 2
    pd.testing.assert_frame_equal(before, pd.read_sql("SELECT * FROM shop_clean", rk.connect()))


def test_files_are_taken_in_the_order_of_their_names_and_late_ones_too(folder):
    folder("2014-06", *JUNE)
    folder("2014-05", *MAY)
    assert rk.ingest("shop").source == "2014-05.csv"
    assert rk.ingest("shop").source == "2014-06.csv"
    folder("2014-04", "9,9,red,late,good")
    late = rk.ingest("shop")
    assert (late.source, late.number, late.rows) == ("2014-04.csv", 2, 1)
    assert "is loaded" in rk.ingest("shop").ended


def test_a_file_with_the_rows_of_another_adds_none(folder):
    folder("1", *MAY)
    folder("2", *MAY)
    rk.ingest("shop")
    again = rk.ingest("shop")
    assert (again.rows, again.unchanged) == (0, True)
    assert rk.clean("shop").raw == 4


def test_a_file_that_has_changed_since_is_refused(folder):
    folder("1", *MAY)
    rk.ingest("shop")
    folder("1", *JUNE)
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert "has changed since it was loaded as batch 0" in caught.value.message


def test_parquet_files_are_batches_too(folder, shop):
    place = shop.place / "months"
    shop.task(source={"batches": {"folder": str(place), "pattern": "*.parquet"}})
    frame = pd.DataFrame(
        {"price": [1.5, None], "pieces": [1, 2], "colour": ["red", "blue"], "note": "n",
         "sold": ["good", "bad"]}
    )  # fmt: skip
    frame.to_parquet(place / "1.parquet")
    ingest_and_clean()
    assert counts() == {"raw": 2, "clean": 1, "rejected": 1, "duplicates": 0}


@pytest.mark.parametrize("pattern", ["*.parquet", "nothing/*"])
def test_a_folder_without_such_a_file_is_named(folder, shop, pattern):
    source = {"batches": {"folder": str(shop.place / "months"), "pattern": pattern}}
    shop.task(source=source)
    with pytest.raises(InputError) as caught:
        rk.ingest("shop")
    assert "there is no file" in caught.value.message


def test_clean_before_the_first_batch_says_what_to_do(folder):
    with pytest.raises(InputError) as caught:
        rk.clean("shop")
    assert caught.value.next == "rookery ingest shop"


# the decision to train, on real sweeps and versions


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
    monkeypatch.setattr(run_batches, "promote", _away)
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
