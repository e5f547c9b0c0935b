"""From fitted transformers to an encoder's plan; they are told by name, so nothing is imported."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from rookery.core.records import RecordField
from rookery.serving.predictor.columns import Coded, Column, Number, Words
from rookery.serving.predictor.encoding import STEPS, Block, Derived, Encoder, Plan, Table
from rookery.serving.predictor.interface import Floats, NotCompiled
from rookery.serving.predictor.model import kind

MOST_CELLS = 2**22  # of one table: 32 MB
NUMERIC = ("float", "integer", "boolean")


def read_encoder(transformers: Sequence[Any], fields: Sequence[RecordField]) -> Encoder:
    """The encoder that does what `transformers` do, one after the other.

    Raises:
        NotCompiled: one of them has no compiled form.
    """
    reading = _Reading(fields)
    columns = reading.columns()
    for transformer in transformers:
        columns = reading.through(transformer, columns)
    return reading.encoder(columns)


class _Reading:
    """The tables and derived columns found so far."""

    def __init__(self, fields: Sequence[RecordField]) -> None:
        self.fields = fields
        self.numbers = [index for index, field in enumerate(fields) if field.type in NUMERIC]
        self.derived: list[Derived] = []
        self.tables: list[Table] = []

    def columns(self) -> list[Column]:
        source = {field: place for place, field in enumerate(self.numbers)}
        return [
            Number(field.name, source[index]) if index in source else Words(field.name, index)
            for index, field in enumerate(self.fields)
        ]

    def through(self, transformer: Any, columns: list[Column]) -> list[Column]:
        if transformer is None or isinstance(transformer, str):
            return columns if transformer != "drop" else []
        name = kind(transformer)
        if name == "FunctionTransformer" and transformer.func is None:
            return columns
        if name not in READERS:
            raise NotCompiled(f"{name} has no compiled form")
        return READERS[name](self, transformer, columns)

    def encoder(self, columns: list[Column]) -> Encoder:
        output: list[Block | Table] = []
        matrices: list[Floats] = []
        for key, group in groupby(columns, _together):
            if isinstance(key, int):
                matrix = np.array([column.codes for column in group]).T  # type: ignore[union-attr]
                output.append(self.tables[key].model_copy(update={"width": matrix.shape[1]}))
                matrices.append(np.ascontiguousarray(matrix))
            else:
                output.append(_block(list(group)))  # type: ignore[arg-type]
        plan = Plan(
            fields=len(self.fields), numbers=self.numbers, derived=self.derived, output=output
        )
        return Encoder(plan, matrices)

    def table(self, column: Column, categories: Any, unknown: bool) -> None:
        """Adds a table; `unknown` says whether its matrix has a last row for unknown values."""
        values = [v.item() if isinstance(v, np.generic) else v for v in categories]
        known = [v for v in values if not _is_missing(v)]
        if any(not isinstance(v, bool | int | float | str) for v in known):
            raise NotCompiled(f"categories of {column.name} that are no text and no number")
        gap = len(values) - 1 if len(values) > len(known) else None
        other = len(values) if unknown else -1
        field, number, fill = self._looked_up(column)
        code = other if gap is None else gap
        if not _is_missing(fill):
            code = known.index(fill) if fill in known else other
        self.tables.append(
            Table(field=field, number=number, values=known, missing=code, unknown=other, width=0)
        )

    def _looked_up(self, column: Column) -> tuple[int | None, int | None, Any]:
        if isinstance(column, Words):
            return column.field, None, column.fill
        if isinstance(column, Number) and all(step == "fill" for step, _ in column.steps):
            fill = column.steps[0][1] if column.steps else None
            if column.source < len(self.numbers):
                return self.numbers[column.source], None, fill
            return None, column.source, fill
        raise NotCompiled(f"categories of a column that was changed before: {column.name}")


def _together(column: Column) -> Any:
    """What neighbouring columns must share to be encoded at once."""
    if isinstance(column, Words):
        raise NotCompiled(f"{column.name} is no number and reaches the estimator")
    if isinstance(column, Coded):
        return column.table
    return tuple(step for step, _ in column.steps)


def _block(columns: list[Number]) -> Block:
    values = zip(*([value for _, value in column.steps] for column in columns), strict=True)
    return Block(
        sources=[column.source for column in columns],
        steps=[step for step, _ in columns[0].steps],  # type: ignore[misc]
        values=[list(found) for found in values],
    )


def _is_missing(value: Any) -> bool:
    return value is None or value != value


def _do(columns: list[Column], name: str, values: Any) -> list[Column]:
    """One step on every column, with one value a column."""
    values = np.broadcast_to(np.asarray(values, dtype=np.float64), len(columns)).tolist()
    done: list[Column] = []
    for column, value in zip(columns, values, strict=True):
        if isinstance(column, Number):
            done.append(replace(column, steps=(*column.steps, (name, value))))
        elif isinstance(column, Coded):
            with np.errstate(all="ignore"):
                codes = STEPS[name](np.array(column.codes), np.array(value))
            done.append(replace(column, codes=tuple(codes.tolist())))
        else:
            raise NotCompiled(f"arithmetic on {column.name}, which is no number")
    return done


def _derive(reading: _Reading, transformer: Any, columns: list[Column]) -> list[Column]:
    sources = {column.name: column for column in columns}
    found = list(columns)
    for name, spec in transformer.specs.items():
        ((operation, argument),) = spec.items()
        nested = isinstance(argument, dict)
        names = argument["column"] if nested else argument
        inputs = [sources.get(n) for n in ([names] if isinstance(names, str) else names)]
        derived = Derived(
            operation=operation,
            inputs=[_input(column, operation) for column in inputs],
            edges=[float(edge) for edge in argument.get("edges", [])] if nested else [],
            part=argument.get("part", "") if nested else "",
        )
        reading.derived.append(derived)
        found.append(Number(name, len(reading.numbers) + len(reading.derived) - 1))
    return found


def _input(column: Column | None, operation: str) -> int:
    of_words = operation in ("date_part", "length")
    if of_words and isinstance(column, Words):
        return column.field
    if not of_words and isinstance(column, Number) and not column.steps:
        return column.source
    raise NotCompiled(f"{operation} of what is no column of the rows")


def _pipeline(reading: _Reading, transformer: Any, columns: list[Column]) -> list[Column]:
    for _, step in transformer.steps:
        columns = reading.through(step, columns)
    return columns


def _column_transformer(reading: _Reading, found: Any, columns: list[Column]) -> list[Column]:
    named = {column.name: column for column in columns}
    names = getattr(found, "feature_names_in_", None)
    weights = found.transformer_weights or {}
    output: list[Column] = []
    for name, transformer, _ in found.transformers_:
        indices = found._transformer_to_input_indices[name]
        if len(indices) == 0 or (isinstance(transformer, str) and transformer == "drop"):
            continue
        try:
            chosen = [columns[i] if names is None else named[str(names[i])] for i in indices]
        except (KeyError, IndexError) as error:
            raise NotCompiled(f"a ColumnTransformer of columns by other names: {error}") from error
        changed = reading.through(transformer, chosen)
        output += _do(changed, "multiply", weights[name]) if name in weights else changed
    return output


def _simple_imputer(_: _Reading, imputer: Any, columns: list[Column]) -> list[Column]:
    if imputer.add_indicator or not _is_missing(imputer.missing_values):
        raise NotCompiled("SimpleImputer with an indicator or a sign of its own for missing")
    filled: list[Column] = []
    for column, value in zip(columns, imputer.statistics_.tolist(), strict=True):
        if _is_missing(value) and not imputer.keep_empty_features:
            continue  # scikit-learn drops a column without any value
        if isinstance(column, Words):
            filled.append(column if column.fill is not None else replace(column, fill=value))
        else:
            filled += _do([column], "fill", value)
    return filled


def _scaled(columns: list[Column], center: Any, scale: Any) -> list[Column]:
    columns = columns if center is None else _do(columns, "subtract", center)
    return columns if scale is None else _do(columns, "divide", scale)


def _standard(_: _Reading, scaler: Any, columns: list[Column]) -> list[Column]:
    return _scaled(columns, scaler.mean_ if scaler.with_mean else None, scaler.scale_)


def _robust(_: _Reading, scaler: Any, columns: list[Column]) -> list[Column]:
    return _scaled(columns, scaler.center_, scaler.scale_)


def _max_abs(_: _Reading, scaler: Any, columns: list[Column]) -> list[Column]:
    return _clip(_scaled(columns, None, scaler.scale_), scaler.clip, -1.0, 1.0)


def _min_max(_: _Reading, scaler: Any, columns: list[Column]) -> list[Column]:
    columns = _do(_do(columns, "multiply", scaler.scale_), "add", scaler.min_)
    return _clip(columns, scaler.clip, *scaler.feature_range)


def _clip(columns: list[Column], wanted: bool, low: float, high: float) -> list[Column]:
    return _do(_do(columns, "at_least", low), "at_most", high) if wanted else columns


def _one_hot(reading: _Reading, encoder: Any, columns: list[Column]) -> list[Column]:
    if getattr(encoder, "_infrequent_enabled", False):
        raise NotCompiled("OneHotEncoder with infrequent categories has no compiled form")
    drops = encoder.drop_idx_ if encoder.drop_idx_ is not None else [None] * len(columns)
    output: list[Column] = []
    for column, categories, drop in zip(columns, encoder.categories_, drops, strict=True):
        if len(categories) ** 2 > MOST_CELLS:
            raise NotCompiled(f"{column.name} has {len(categories)} categories: too many")
        reading.table(column, categories, encoder.handle_unknown != "error")
        number = len(reading.tables) - 1
        cells = np.vstack([np.eye(len(categories)), np.zeros(len(categories))])
        output += [
            Coded("", number, tuple(cells[:, place]))
            for place in range(len(categories))
            if place != drop
        ]
    return output


def _ordinal(reading: _Reading, encoder: Any, columns: list[Column]) -> list[Column]:
    if getattr(encoder, "_infrequent_enabled", False):
        raise NotCompiled("OrdinalEncoder with infrequent categories has no compiled form")
    output: list[Column] = []
    for column, categories in zip(columns, encoder.categories_, strict=True):
        reading.table(column, categories, encoder.handle_unknown != "error")
        codes = [
            float(encoder.encoded_missing_value if _is_missing(value) else code)
            for code, value in enumerate(categories)
        ]
        other = math.nan if encoder.unknown_value is None else float(encoder.unknown_value)
        output.append(Coded("", len(reading.tables) - 1, (*codes, other)))
    return output


READERS: dict[str, Callable[[_Reading, Any, list[Column]], list[Column]]] = {
    "DerivedFeatures": _derive,
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "SimpleImputer": _simple_imputer,
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
}
