"""The tables and pictures that notebooks show, on real stores."""

import json

import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from tests.conftest import point_at, write_task

import rookery as rk
from rookery import notebook as nb
from rookery.errors import InputError


class _Broken(ClassifierMixin, BaseEstimator):
    """A candidate that cannot be fitted."""

    def fit(self, *_: object) -> None:
        raise RuntimeError("gave <b>up</b>")


COLUMNS = {
    "note": {"type": "text"},
    "seen": {"type": "date"},
    "warm": {"type": "boolean"},
    "depth_m": {"type": "float", "unit": "m", "missing": ["?"]},
    "count": {"type": "integer", "required": True},
}


@pytest.fixture
def counts(tmp_path, monkeypatch):
    """A task that predicts a number, ingested and cleaned; one row has text for a number."""
    rows = pd.DataFrame(
        {
            "note": "x",
            "seen": "2024-05-01",
            "warm": ["yes", "no"] * 20,
            "depth_m": range(40),
            "count": range(100, 140),
        }
    ).astype(object)
    rows.loc[3, "depth_m"] = "?"
    rows.loc[4, "depth_m"] = "deep"
    rows.to_csv(tmp_path / "counts.csv", index=False)
    write_task(
        tmp_path / "tasks",
        name="counts",
        source={"csv": str(tmp_path / "counts.csv")},
        columns=COLUMNS,
        target="count",
        metric="rmse",
        direction="minimize",
        cleaning={},
        gate={},
        candidates={"linear_regression": {}},
    )
    point_at(monkeypatch, tmp_path)
    rk.ingest("counts")
    rk.clean("counts")
    return "counts"


def test_the_columns_table_says_what_a_column_is_for(home):
    columns = nb.columns()
    assert columns.loc["species", "role"] == "target"
    assert columns.loc["year", "role"] == "not used"
    assert columns.loc["bill_depth_mm", ["role", "unit", "allowed"]].tolist() == [
        "feature",
        "mm",
        "8 to 30",
    ]


def test_rows_are_shown_as_the_task_reads_them(counts):
    rows = nb.arrived(counts)
    assert rows["depth_m"].isna().tolist() == [place in (3, 4) for place in range(40)]
    assert rows["warm"].unique().tolist() == ["True", "False"]


def test_a_refused_row_is_shown_as_it_came(counts):
    refused = nb.rejected(counts)
    assert refused["depth_m"].tolist() == ["deep"]
    assert nb.reasons(counts)["rows"].tolist() == [1]


def test_nothing_refused_is_an_empty_table(counts, tmp_path):
    (tmp_path / "counts.csv").write_text("note,seen,warm,depth_m,count\nx,,yes,1,2\n")
    rk.ingest(counts)
    rk.clean(counts)
    assert nb.rejected(counts).empty
    assert nb.reasons(counts).empty


def test_the_sides_of_a_number_are_described(counts):
    sides = nb.sides(counts)
    assert sides.loc["count"].sum() == 39
    assert sides.loc["max"].max() == 139


def test_a_number_stands_against_ranges_of_a_number(counts):
    assert nb.clue(counts) == "warm"
    assert nb.against(counts, "warm")["count"].sum() == 39
    grouped = nb.against(counts, "depth_m")
    assert len(grouped) == 8
    assert grouped["mean"].is_monotonic_increasing


def test_the_clue_of_the_penguins_is_the_island(home):
    assert nb.clue() == "island"
    assert nb.against(None, "island").loc["Torgersen"].to_dict() == {
        "Adelie": 47,
        "Chinstrap": 0,
        "Gentoo": 0,
    }


def test_an_example_is_what_the_api_takes_and_was_held_out(home):
    record, truth = nb.example()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert rk.predict(record)[0]["prediction"] in ("Adelie", "Chinstrap", "Gentoo")
    assert truth in ("Adelie", "Chinstrap", "Gentoo")


@pytest.mark.parametrize("draw", [nb.missing, nb.distributions, nb.pairs])
def test_pictures_of_rows_are_drawn_for_a_regressor_too(counts, draw):
    assert draw(counts).get_axes()


def test_a_task_without_numbers_has_no_pairs(home_copy):
    columns = {
        "island": {"type": "category", "values": ["Biscoe"]},
        "species": {"type": "category", "values": ["Adelie", "Gentoo"], "required": True},
    }
    place = home_copy.parent
    (place / "few.csv").write_text("island,species\nBiscoe,Adelie\n")
    write_task(
        place / "tasks",
        name="few",
        source={"csv": str(place / "few.csv")},
        columns=columns,
        cleaning={},
    )
    rk.ingest("few")
    assert "no two numbers" in nb.pairs("few").get_suptitle()


def test_the_last_sweep_is_read_back_as_it_was(home_copy):
    broken = rk.Candidate("broken", _Broken())
    found = rk.sweep(extra=[broken], cross_validate=False)
    again = nb.last_sweep()
    assert [row.name for row in again.rows] == [row.name for row in found.rows]
    assert again.rows[-1].error == found.rows[-1].error
    assert [row.metrics for row in again.rows] == [row.metrics for row in found.rows]
    assert (again.version, again.versions) == (found.version, found.versions)
    assert (again.run_id, again.digest, again.link) == (found.run_id, found.digest, found.link)


def test_without_a_sweep_the_error_says_what_to_do(empty_home):
    with pytest.raises(InputError) as refused:
        nb.last_sweep()
    assert refused.value.next == "rookery sweep penguins"


def test_ties_and_the_weakest_are_by_the_hold_out(home):
    last = nb.last_sweep()
    values = {row.name: row.holdout["accuracy"] for row in last.rows}
    best = max(values.values())
    assert nb.tied(last)["name"].tolist() == [
        row.name for row in last.rows if values[row.name] == best
    ]
    assert values[nb.weakest(last).name] == min(values.values()) < best


def test_a_failed_candidate_is_on_the_leaderboard_with_its_reason(home_copy, capsys):
    found = rk.sweep(extra=[rk.Candidate("broken", _Broken())], cross_validate=False)
    nb.leaderboard(found)
    assert nb.spread(found).get_suptitle().startswith("accuracy of 4 ")
    assert "gave &lt;b&gt;up" in capsys.readouterr().out


def test_the_ledger_shows_the_last_attempt_first(home_copy):
    rk.sweep(cross_validate=False)
    rk.promote()
    assert nb.ledger().index.is_monotonic_decreasing
    assert nb.versions().loc["2", "aliases"] == "production"
    assert nb.versions().loc["1", "aliases"] == ""


def test_an_empty_project_has_no_versions_and_no_attempts(empty_home):
    assert nb.versions().empty
    assert nb.ledger().empty
