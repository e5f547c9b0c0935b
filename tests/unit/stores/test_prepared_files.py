"""Clean rows through a CSV file: the same rows, to the last bit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.core.cleaning import clean_parts, read_back
from rookery.core.holdout import digest
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.stores.prepared_files import open_prepared, write_prepared

TASK = Task.model_validate(
    {
        "name": "made",
        "source": {"csv": "made.csv"},
        "columns": {
            "number": {"type": "float"},
            "whole": {"type": "integer"},
            "yes": {"type": "boolean"},
            "day": {"type": "date"},
            "note": {"type": "text"},
            "y": {"type": "category", "values": ["p", "q"], "required": True},
        },
        "features": {
            "ratio": {"divide": ["number", "whole"]},
            "year": {"date_part": {"column": "day", "part": "year"}},
        },
        "target": "y",
        "metric": "accuracy",
        "candidates": {"decision_tree": {}},
    }
)
NOTES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip)
ROWS = st.fixed_dictionaries(
    {
        "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "whole": st.none() | st.integers(-(2**53), 2**53),
        "yes": st.none() | st.booleans(),
        "day": st.none() | st.datetimes(pd.Timestamp("1800-01-01"), pd.Timestamp("2200-01-01")),
        "note": st.none() | NOTES.filter(lambda text: text not in TASK.cleaning.missing),
        "y": st.sampled_from(["p", "q"]),
    }
)


def cleaned(parts) -> pd.DataFrame:
    return read_back(pd.concat([part.clean for _, part in clean_parts(parts, TASK)]), TASK)


@given(rows=st.lists(ROWS, min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_both_files_give_the_same_digest(tmp_path_factory, rows):
    raw = pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=object) for name in TASK.columns}
    )
    raw["day"] = pd.to_datetime(raw["day"]).astype("datetime64[us]")
    before = cleaned([raw])
    for path in write_prepared(tmp_path_factory.mktemp("files"), before, TASK):
        after = cleaned(open_prepared(path, TASK).chunks())
        assert digest(after) == digest(before)
        pd.testing.assert_frame_equal(after, before, check_exact=True)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    rows = pd.DataFrame(
        {
            "number": [0.1, np.nan],
            "whole": [3.0, 0.0],
            "yes": [True, False],
            "day": pd.to_datetime(
                ["2020-02-29T00:00:00", "2021-01-01T12:00:00.000001"], format="ISO8601"
            ),
            "note": ['a,"b"\n', None],
            "y": ["p", "q"],
        }
    )
    return write_prepared(tmp_path, read_back(rows, TASK), TASK)


def test_nothing_but_the_two_files_is_left_behind(files, tmp_path):
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert [path.name for path in files] == ["cleaned_made.csv", "featured_made.csv"]


@pytest.mark.parametrize(
    ("cell", "becomes", "message"),
    [
        ("2020.0", "2019.0", "year is not what the rows"),
        ("0.1,3", "0.1.1,3", "holds a value of another type"),
        ("True", "maybe", "holds a value of another type"),
        ("2020-02-29", "2020-02-30", "holds a value of another type"),
        ("whole", "hole", "has no column 'whole'"),
    ],
)
def test_a_file_that_was_changed_is_refused_with_what_is_wrong(files, cell, becomes, message):
    text = files[1].read_text("utf-8")
    assert cell in text
    files[1].write_text(text.replace(cell, becomes), "utf-8")
    with pytest.raises(InputError) as refused:
        open_prepared(files[1], TASK)
    assert message in refused.value.message


def test_what_is_no_csv_is_refused(files):
    files[0].write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError) as refused:
        open_prepared(files[0], TASK)
    assert "cannot be read as CSV" in refused.value.message
