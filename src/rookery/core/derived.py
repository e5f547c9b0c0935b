"""Derived features: columns computed inside the pipeline, so the same code trains and serves."""

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

NUMERIC = ("float", "integer", "boolean")
DatePart = Literal["year", "month", "day", "weekday", "day_of_year", "hour"]
PARTS = {"weekday": "dayofweek", "day_of_year": "dayofyear"}


class DatePartOf(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    column: str
    part: DatePart


class BinsOf(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    column: str
    edges: tuple[FiniteFloat, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def increasing(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"edges {list(self.edges)} must increase")
        return self


Pair = tuple[str, str]


class Derived(BaseModel):
    """One derived feature; exactly one of its keys is given. What cannot be computed is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    add: Pair | None = None
    subtract: Pair | None = None
    multiply: Pair | None = None
    divide: Pair | None = Field(default=None, description="By zero: missing.")
    log: str | None = Field(default=None, description="Natural logarithm; at or below 0: missing.")
    date_part: DatePartOf | None = None
    bins: BinsOf | None = Field(default=None, description="Index of the bin: how many edges ≤ x.")
    length: str | None = Field(default=None, description="Characters of a text.")

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        if len(self._given) != 1:
            raise ValueError(
                f"give exactly one of {', '.join(type(self).model_fields)}; "
                f"there are {len(self._given)}"
            )
        return self

    @property
    def _given(self) -> list[str]:
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    @property
    def operation(self) -> str:
        return self._given[0]

    @property
    def argument(self) -> Any:
        return getattr(self, self.operation)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The raw columns that it is made of."""
        if isinstance(self.argument, DatePartOf | BinsOf):
            return (self.argument.column,)
        return (self.argument,) if isinstance(self.argument, str) else self.argument

    @property
    def accepts(self) -> tuple[str, ...]:
        """The column types that it can be made of."""
        return {"date_part": ("date",), "length": ("text", "category")}.get(self.operation, NUMERIC)


def derive(frame: pd.DataFrame, spec: dict[str, Any]) -> "np.ndarray[Any, Any]":
    """One feature as float64, shape (rows,); `spec` is `Derived` as plain values."""
    ((operation, argument),) = spec.items()
    if operation == "date_part":
        dates = pd.to_datetime(frame[argument["column"]]).dt
        name = PARTS.get(argument["part"], argument["part"])
        return _floats(getattr(dates, name))
    if operation == "length":
        return _floats(frame[argument].str.len())
    names = argument["column"] if operation == "bins" else argument
    values = frame[[names] if isinstance(names, str) else list(names)]
    columns = _floats(values).T
    with np.errstate(all="ignore"):
        result = _ARITHMETIC[operation](columns, argument)
    return np.where(np.isfinite(result), result, np.nan)


def _floats(values: Any) -> "np.ndarray[Any, Any]":
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _bins(columns: Any, argument: Any) -> Any:
    index = np.digitize(columns[0], argument["edges"]).astype(np.float64)
    return np.where(np.isnan(columns[0]), np.nan, index)


_ARITHMETIC: dict[str, Any] = {
    "add": lambda c, _: c[0] + c[1],
    "subtract": lambda c, _: c[0] - c[1],
    "multiply": lambda c, _: c[0] * c[1],
    "divide": lambda c, _: c[0] / c[1],
    "log": lambda c, _: np.log(c[0]),
    "bins": _bins,
}


class DerivedFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Appends derived features to a frame of raw columns.

    Parameters are plain values (`{name: {operation: argument}}`), so that skops stores them as
    data. Input: a DataFrame with the raw columns. Output: a new one with float64 columns added.
    """

    def __init__(self, specs: dict[str, dict[str, Any]]) -> None:
        self.specs = specs

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Remembers the input's columns; nothing is learnt."""
        del y
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        check_is_fitted(self)
        return X.assign(**{name: derive(X, spec) for name, spec in self.specs.items()})

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        del input_features
        return np.asarray([*self.feature_names_in_, *self.specs], dtype=object)
