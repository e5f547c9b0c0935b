"""Parquet files."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from rookery.errors import InputError
from rookery.stores.batches import Batch, file_digest
from rookery.stores.tables import CHUNK

NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


def open_parquet(path: Path) -> Batch:
    """The rows of a Parquet file.

    Raises:
        InputError: it is not one, or has a column of lists, bytes or the like.
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path} is not a Parquet file: {str(error).splitlines()[0]}",
            field="source.parquet",
            value=str(path),
            allowed="a Parquet file",
        ) from error
    for field in schema:
        if not _fits_a_table(field.type):
            raise InputError(
                f"{path} has a column that no table can hold: {field.name}: {field.type}",
                field=field.name,
                value=str(field.type),
                allowed="numbers, text, booleans, dates and times",
            )
    # pandas stores an index without a name as a column, and takes it for the index again
    columns = [name for name in schema.names if not re.fullmatch(r"__index_level_\d+__", name)]
    return Batch(file_digest(path), path.name, columns, lambda: parquet_chunks([path]))


def _fits_a_table(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    unfit = (
        pa.types.is_nested,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_duration,
        pa.types.is_interval,
    )
    return not any(is_one(kind) for is_one in unfit)


def parquet_chunks(paths: list[Path]) -> Iterator[pd.DataFrame]:
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                for part in file.iter_batches(batch_size=CHUNK):
                    yield frame_of(part)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{path} cannot be read to its end: {str(error).splitlines()[0]}",
                field="source.parquet",
                value=str(path),
                allowed="a whole Parquet file",
            ) from error


def frame_of(part: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """Rows as the jobs take them: integers with gaps stay integers."""
    return storable(part.to_pandas(types_mapper=NULLABLE.get, date_as_object=False))


def storable(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed values (decimals, bytes, times) as text, which every store can hold."""
    mixed = [name for name in frame.columns if frame[name].dtype == object]
    return frame.assign(
        **{
            name: frame[name].where(frame[name].isna(), frame[name].astype(str)).astype("str")
            for name in mixed
        }
    )
