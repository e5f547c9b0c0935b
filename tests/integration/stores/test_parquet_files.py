"""Parquet files: types and gaps are kept, and what is broken is refused by name."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rookery.errors import InputError


def test_parquet_keeps_types_and_gaps(tmp_path, opened):
    table = pa.table(
        {
            "whole": pa.array([1, None, 2**53]),
            "small": pa.array([1, None, 3], pa.int8()),
            "share": pa.array([0.5, None, 1.5]),
            "flag": pa.array([True, None, False]),
            "word": pa.array(["a", None, "ñ"]),
            "kind": pa.array(["x", None, "y"]).dictionary_encode(),
            "day": pa.array([18262, None, 18263], pa.date32()),
            "exact": pa.array([Decimal("1.10"), None, Decimal("2.20")]),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    (rows,) = opened(parquet="x.parquet").chunks()
    assert str(rows["whole"].dtype) == "Int64"
    assert rows["whole"].tolist() == [1, pd.NA, 2**53]
    assert rows["small"].dropna().tolist() == [1, 3]
    assert rows["flag"].dropna().tolist() == [True, False]
    assert rows["day"].dropna().tolist() == [pd.Timestamp(2020, 1, 1), pd.Timestamp(2020, 1, 2)]
    assert rows["exact"].dropna().tolist() == ["1.10", "2.20"]
    assert rows["word"].dropna().tolist() == ["a", "ñ"]
    assert rows["kind"].dropna().tolist() == ["x", "y"]
    assert (rows.isna().sum() == 1).all()


def test_a_csv_file_named_parquet_is_refused(tmp_path, opened):
    (tmp_path / "x.parquet").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.parquet is not a Parquet file"):
        opened(parquet="x.parquet")


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_parquet_file_is_refused(tmp_path, opened, kept):
    pd.DataFrame({"a": np.arange(10_000)}).to_parquet(tmp_path / "x.parquet")
    whole = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match=r"x\.parquet is not a Parquet file"):
        opened(parquet="x.parquet")


def test_a_parquet_file_with_a_damaged_middle_is_refused_while_it_is_read(tmp_path, opened):
    pd.DataFrame({"a": np.arange(10_000)}).to_parquet(tmp_path / "x.parquet")
    damaged = bytearray((tmp_path / "x.parquet").read_bytes())
    damaged[4:400] = bytes(396)
    (tmp_path / "x.parquet").write_bytes(damaged)
    with pytest.raises(InputError, match="cannot be read to its end"):
        list(opened(parquet="x.parquet").chunks())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([[1], [2]]), "list"),
        (pa.array([{"a": 1}, {"a": 2}]), "struct"),
        (pa.array([b"\xff", b"\xfe"]), "binary"),
        (pa.array([1, 2], pa.duration("s")), "duration"),
    ],
)
def test_a_parquet_column_that_no_table_can_hold_is_named(tmp_path, opened, values, kind):
    pq.write_table(pa.table({"fine": [1, 2], "odd one": values}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=f"odd one: {kind}"):
        opened(parquet="x.parquet")
