"""How a refused row is kept."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from rookery.core.rejected import rejected_rows


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1, 1),
        (np.int64(2**60), 2**60),
        (0.5, 0.5),
        (np.inf, "inf"),
        (-np.inf, "-inf"),
        (np.nan, None),
        (None, None),
        (pd.NaT, None),
        ("größe\n'\"", "größe\n'\""),
        (True, True),
        (datetime(2020, 1, 2), "2020-01-02 00:00:00"),
    ],
)
def test_a_cell_of_any_kind_is_json_that_every_reader_takes(value, kept):
    raw = pd.DataFrame({"x": pd.Series([value], dtype=object), "batch_id": ["b"]})
    row = rejected_rows(raw, pd.Series(["why"])).iloc[0]
    assert json.loads(row["row"], parse_constant=lambda name: pytest.fail(name)) == {"x": kept}
    assert (row["reasons"], row["batch_id"]) == ("why", "b")


def test_the_marks_of_the_platform_are_not_part_of_the_row():
    raw = pd.DataFrame({"x": [1], "batch_id": ["b"], "ingested_at": [datetime(2020, 1, 1)]})
    assert json.loads(rejected_rows(raw, pd.Series(["why"]))["row"][0]) == {"x": 1}
