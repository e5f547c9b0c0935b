"""The sections of a task file, each checked by itself."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sql(Strict):
    """A query on `SOURCE_DATABASE_URL`, or on `url` when it holds no secret."""

    query: str
    url: str | None = None


class Source(Strict):
    """Where the raw rows come from: exactly one of the four."""

    package: Literal["palmerpenguins"] | None = None
    csv: str | None = None
    parquet: str | None = None
    sql: Sql | None = None
    separator: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        given = [name for name in ("package", "csv", "parquet", "sql") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                f"names {' and '.join(given) or 'no source'}; give exactly one of "
                "package, csv, parquet, sql"
            )
        return self


class Column(Strict):
    """One column of the raw table, and what a valid value of it is."""

    type: Literal["float", "integer", "category", "text", "boolean", "date"]
    description: str = ""
    unit: str | None = None
    range: tuple[FiniteFloat, FiniteFloat] | None = Field(
        default=None, description="Inclusive bounds."
    )
    values: tuple[str, ...] | None = Field(default=None, min_length=1)
    required: bool = False
    feature: bool = True
    missing: tuple[str, ...] = ()
    replace: dict[str, str] = {}

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if self.range and self.type not in ("float", "integer"):
            raise ValueError(f"range is for float and integer, not for {self.type}")
        if self.range and self.range[0] > self.range[1]:
            raise ValueError(f"range {list(self.range)} has its bounds the wrong way round")
        if self.type == "category" and not self.values:
            raise ValueError("a category lists its values")
        if self.values and self.type != "category":
            raise ValueError(f"values are for category, not for {self.type}")
        if self.values and len(set(self.values)) != len(self.values):
            raise ValueError("values has a value twice")
        return self


class Rule(Strict):
    """A row is refused unless `left` compares so with `right`: numbers, dates or texts, both."""

    left: str
    is_: Literal["<", "<=", ">", ">=", "==", "!="] = Field(alias="is")
    right: str


class Cleaning(Strict):
    """What counts as missing, and which rows are refused for how their columns stand together."""

    missing: tuple[str, ...] = ("", "NA", "NaN", "nan", "null", "None")
    rules: tuple[Rule, ...] = ()


class Split(Strict):
    """The hold-out: a share chosen by a hash of each row's content, or a column of the source."""

    holdout: float = Field(default=0.2, gt=0, lt=1)
    seed: int = 42
    column: str | None = Field(default=None, description="Rows where it says `test` are held out.")
    folds: int = Field(default=5, ge=2, le=20, description="Folds of the cross-validation.")


class Gate(Strict):
    """What a version must meet, on the hold-out, before it is registered or promoted."""

    minimum: dict[str, FiniteFloat] = Field(
        default={}, description="Bound per metric, in its direction."
    )
    not_worse_than_production: bool = True
    tolerance: float = Field(default=0.0, ge=0)


class Candidates(Strict):
    """One family and its parameter sets; each set is a candidate."""

    estimator: str | None = Field(
        default=None, description="A scikit-learn class for a family we have no name for."
    )
    fixed: dict[str, Any] = Field(default={}, description="Parameters shared by all sets.")
    sets: tuple[dict[str, Any], ...] = Field(default=({},), min_length=1)
    max_rows: int | None = Field(
        default=None, gt=0, description="Above it, fitted on a stratified sample of so many rows."
    )
