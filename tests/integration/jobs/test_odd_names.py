"""Column names and values that would break an SQL text go through the whole way."""

import json

import pandas as pd
import pytest

import rookery as rk
from rookery.settings import get_settings

NAMES = {
    'x"; DROP TABLE penguins_raw; --': {"type": "float", "required": True},
    "50%": {"type": "integer"},
    "50% 'off' (now)": {
        "type": "category",
        "values": ["it's", 'a "b" %s', "größe :x"],
        "required": True,
    },
    "select": {"type": "boolean"},
    "größe ✓": {"type": "text"},
    "day:time": {"type": "date"},
    "?": {"type": "category", "values": ["%(a)s", ":b", "?"], "required": True},
}
SQL = 'x"; DROP TABLE penguins_raw; --'


@pytest.fixture
def odd(home_copy, monkeypatch):
    """A promoted project of penguins, and beside it a task of odd names with 60 rows."""
    place = home_copy.parent
    task = {
        "name": "odd",
        "source": {"csv": str(place / "odd.csv")},
        "columns": NAMES,
        "target": "?",
        "metric": "accuracy",
        "gate": {"minimum": {"accuracy": 0.9}},
        "features": {
            "x:log %": {"log": SQL},
            'l"en': {"length": "größe ✓"},
            "hour": {"date_part": {"column": "day:time", "part": "hour"}},
        },
        "candidates": {"decision_tree": {"fixed": {"max_depth": 4}}},
    }
    (place / "tasks" / "odd.yaml").write_text(json.dumps(task), "utf-8")
    labels, kinds = ["%(a)s", ":b", "?"], ["it's", 'a "b" %s', "größe :x"]
    pd.DataFrame(
        {
            SQL: [1.0 + n % 3 for n in range(60)],
            "50%": [n if n % 5 else None for n in range(60)],
            "50% 'off' (now)": [kinds[n % 3] for n in range(60)],
            "select": ["yes" if n % 2 else "no" for n in range(60)],
            "größe ✓": ["ñ" * (n % 7) + "'\";%" for n in range(60)],
            "day:time": [f"2020-01-01T{n % 24:02}:00:00" for n in range(60)],
            "?": [labels[n % 3] for n in range(60)],
        }
    ).to_csv(place / "odd.csv", index=False)
    get_settings.cache_clear()
    return place


def test_odd_names_go_through_ingest_clean_view_sweep_promote_and_predict(odd, tables_of):
    penguins = [line for line in tables_of(odd / "home") if '"penguins_raw"' in line]
    rk.ingest("odd")
    done = rk.clean("odd")
    assert (done.raw, done.clean) == (60, 60)
    view = pd.read_sql("SELECT * FROM odd_onehot", rk.connect())
    for value in NAMES["50% 'off' (now)"]["values"]:
        assert view[f"50% 'off' (now)_{value}"].sum() == 20
    assert view["?"].value_counts().to_dict() == {1: 20, 2: 20, 3: 20}
    swept = rk.sweep("odd", cross_validate=False)
    assert swept.best.error is None
    promoted = rk.promote("odd")
    assert promoted.version == swept.version == "1"
    row = {
        SQL: 2.0,
        "50%": None,
        "50% 'off' (now)": 'a "b" %s',
        "select": True,
        "größe ✓": "x",
        "day:time": "2020-01-01T05:00:00",
    }
    (answer,) = rk.predict(row, "odd")
    assert answer["prediction"] == ":b"
    assert len(penguins) == 345
    assert [line for line in tables_of(odd / "home") if '"penguins_raw"' in line] == penguins
