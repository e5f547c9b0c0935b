"""From rows to the matrix that the pipeline's transformers would give, in NumPy alone."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

from rookery.core.records import Row
from rookery.serving.predictor.interface import Array, Floats

Value = bool | int | float | str


def _fill(block: Floats, values: Floats) -> Floats:
    return np.where(np.isnan(block), values, block)


# each takes a block of columns and one value a column
STEPS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "fill": _fill,
    "subtract": np.subtract,
    "divide": np.divide,
    "multiply": np.multiply,
    "add": np.add,
    "at_least": np.maximum,
    "at_most": np.minimum,
}
StepName = Literal["fill", "subtract", "divide", "multiply", "add", "at_least", "at_most"]
PARTS: dict[str, Callable[[datetime], int]] = {
    "year": lambda when: when.year,
    "month": lambda when: when.month,
    "day": lambda when: when.day,
    "hour": lambda when: when.hour,
    "weekday": datetime.weekday,
    "day_of_year": lambda when: when.timetuple().tm_yday,
}
ARITHMETIC: dict[str, Callable[..., Floats]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "log": np.log,
}


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Derived(_Data):
    """A column made of others: of number columns, or of one field for `date_part` and `length`."""

    operation: Literal[
        "add", "subtract", "multiply", "divide", "log", "bins", "date_part", "length"
    ]
    inputs: list[NonNegativeInt] = Field(min_length=1, max_length=2)
    edges: list[float] = []
    part: str = ""

    @model_validator(mode="after")
    def possible(self) -> Self:
        pair = self.operation in ("add", "subtract", "multiply", "divide")
        if len(self.inputs) != 1 + pair or (self.operation == "date_part") != (self.part in PARTS):
            raise ValueError(f"{self.operation} of {self.inputs} {self.part}")
        if not np.all(np.diff(self.edges) > 0):
            raise ValueError(f"edges {self.edges} must increase")
        return self

    @property
    def of_numbers(self) -> bool:
        return self.operation not in ("date_part", "length")


class Block(_Data):
    """Neighbouring output columns that are number columns after the same steps."""

    sources: list[NonNegativeInt]
    steps: list[StepName]
    values: list[list[float]]  # of each step, one a column

    @property
    def width(self) -> int:
        return len(self.sources)


class Table(_Data):
    """Neighbouring output columns that a value of one field (or number column) is looked up for.

    Code n stands for the n-th value, and for a row of the table's matrix; `missing` and `unknown`
    are the codes of what their names say, -1 where the pipeline refuses it.
    """

    field: NonNegativeInt | None
    number: NonNegativeInt | None
    values: list[Value]
    missing: int
    unknown: int
    width: NonNegativeInt


class Plan(_Data):
    """What an encoder does: plain data."""

    fields: NonNegativeInt
    numbers: list[NonNegativeInt]  # the fields that are number columns; derived ones follow
    derived: list[Derived]
    output: list[Block | Table]

    @model_validator(mode="after")
    def inside(self) -> Self:
        """Every index is one of something that exists when it is used."""
        _below(self.fields, self.numbers)
        for place, derived in enumerate(self.derived, start=len(self.numbers)):
            _below(place if derived.of_numbers else self.fields, derived.inputs)
        columns = len(self.numbers) + len(self.derived)
        for part in self.output:
            if isinstance(part, Block):
                _below(columns, part.sources)
                if [len(values) for values in part.values] != [part.width] * len(part.steps):
                    raise ValueError("a step has another number of values than its block columns")
            elif (part.field is None) == (part.number is None):
                raise ValueError("a table looks up a field or a number column")
            else:
                _below(self.fields, [part.field or 0])
                _below(columns + 1, [part.number or 0])
        return self

    @property
    def width(self) -> int:
        return sum(part.width for part in self.output)


def _below(limit: int, found: Sequence[int]) -> None:
    if any(index >= limit for index in found):
        raise ValueError(f"index {max(found)} of {limit}")


class Encoder:
    """Encodes rows by a plan; `matrices` has one for every table of the plan, in its order.

    Raises:
        ValueError: the matrices do not fit the plan.
    """

    def __init__(self, plan: Plan, matrices: Sequence[Floats]) -> None:
        self.plan = plan
        self.matrices = list(matrices)
        tables = [part for part in plan.output if isinstance(part, Table)]
        for table, matrix in zip(tables, matrices, strict=True):
            _check_matrix(table, matrix)
        self._row = _RowNumbers(plan.numbers)
        waiting = iter(self.matrices)
        self._parts: list[tuple[slice, Callable[[Sequence[Row], Floats], Floats]]] = []
        self._width, self._derives = plan.width, bool(plan.derived)
        start = 0
        for part in plan.output:
            place = slice(start, start := start + part.width)
            if isinstance(part, Block):
                self._parts.append((place, _block(part)))
            else:
                self._parts.append((place, _lookup(part, next(waiting))))

    def encode(self, rows: Sequence[Row]) -> Floats:
        """The matrix, one row for each of `rows`.

        Raises:
            ValueError: a category that the pipeline refuses.
        """
        numbers = self._row(rows)
        if self._derives:
            numbers = self._derived(rows, numbers)
        encoded = np.empty((len(rows), self._width))
        for place, part in self._parts:
            encoded[:, place] = part(rows, numbers)
        return encoded

    def _derived(self, rows: Sequence[Row], numbers: Floats) -> Floats:
        columns = list(np.ascontiguousarray(numbers.T))
        for derived in self.plan.derived:
            columns.append(_derive(derived, rows, columns))
        return np.stack(columns, axis=1)


class _RowNumbers:
    """Reads the number columns: a missing value is NaN."""

    def __init__(self, fields: Sequence[int]) -> None:
        self._width = len(fields)
        # itemgetter of one index gives the bare value
        self._get = itemgetter(*fields) if len(fields) > 1 else None
        self._one = fields[0] if len(fields) == 1 else None

    def __call__(self, rows: Sequence[Row]) -> Floats:
        if self._get is not None:
            values: Any = map(self._get, rows)
        else:
            values = ((row[self._one],) if self._one is not None else () for row in rows)
        flat = list(chain.from_iterable(values))
        return np.array(flat, dtype=np.float64).reshape(len(rows), self._width)


def _derive(derived: Derived, rows: Sequence[Row], columns: Sequence[Floats]) -> Floats:
    """As `rookery.core.derived.derive`: what cannot be computed is missing."""
    if not derived.of_numbers:
        read: Callable[[Any], int] = len if derived.operation == "length" else PARTS[derived.part]
        given = (row[derived.inputs[0]] for row in rows)
        return np.array([None if v is None else read(v) for v in given], dtype=np.float64)
    inputs = [columns[index] for index in derived.inputs]
    if derived.operation == "bins":
        return np.where(
            np.isnan(inputs[0]), np.nan, np.digitize(inputs[0], derived.edges).astype(np.float64)
        )
    result = ARITHMETIC[derived.operation](*inputs)
    return np.where(np.isfinite(result), result, np.nan)


def _block(block: Block) -> Callable[[Sequence[Row], Floats], Floats]:
    first, width = (block.sources or [0])[0], block.width
    together = block.sources == list(range(first, first + width))
    columns: Any = slice(first, first + width) if together else block.sources
    steps = [
        (STEPS[name], np.array(values, dtype=np.float64))
        for name, values in zip(block.steps, block.values, strict=True)
    ]

    def encode(rows: Sequence[Row], numbers: Floats) -> Floats:
        del rows
        found = numbers[:, columns]
        for step, values in steps:
            found = step(found, values)
        return found

    return encode


def _lookup(table: Table, matrix: Floats) -> Callable[[Sequence[Row], Floats], Floats]:
    known: dict[Value | None, int] = {value: code for code, value in enumerate(table.values)}
    known[None] = table.missing
    field, number, unknown = table.field, table.number, table.unknown

    def encode(rows: Sequence[Row], numbers: Floats) -> Floats:
        if field is not None:
            found = [known.get(row[field], unknown) for row in rows]
        else:
            column = numbers[:, number].tolist()
            found = [known.get(None if v != v else v, unknown) for v in column]
        if -1 in found:
            raise ValueError("a category that the pipeline does not know")
        return matrix.take(found, axis=0)

    return encode


def _check_matrix(table: Table, matrix: Array) -> None:
    if matrix.dtype != np.float64 or matrix.ndim != 2 or matrix.shape[1] != table.width:
        raise ValueError(f"a table of {table.width} columns, with {matrix.dtype} {matrix.shape}")
    codes = [table.missing, table.unknown, len(table.values) - 1]
    if min(codes) < -1 or max(codes) >= len(matrix):
        raise ValueError(f"codes {codes} of a table of {len(matrix)} rows")
