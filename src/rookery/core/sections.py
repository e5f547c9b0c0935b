"""The sections of a task file, each checked by itself."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    model_validator,
)

Address = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sql(Strict):
    """A query on `SOURCE_DATABASE_URL`, or on `url` when it holds no secret."""

    query: str
    url: str | None = None


class WebFile(Strict):
    """One CSV file: a member of the archive, or at an address of its own."""

    name: str = Field(pattern=r"^[^/\\]+$", description="Its name in the archive and on disk.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the unpacked file.")
    url: Address | None = None
    skip_lines: int = Field(default=0, ge=0, description="Lines before the first row or header.")
    add: dict[str, str] = Field(
        default={}, description="Further columns, each the same in all rows of this file."
    )


class Web(Strict):
    """CSV files from the web, kept below `ROOKERY_HOME`; their rows follow one another."""

    archive: Address | None = Field(default=None, description="A zip archive that holds them.")
    files: tuple[WebFile, ...] = Field(min_length=1)
    header: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Column names, where the files have none."
    )

    @model_validator(mode="after")
    def consistent(self) -> Self:
        homeless = [file.name for file in self.files if not (file.url or self.archive)]
        if homeless:
            raise ValueError(f"{homeless[0]} has no url, and there is no archive")
        if len({tuple(file.add) for file in self.files}) > 1:
            raise ValueError("all files add the same columns, in the same order")
        if len({file.name for file in self.files}) < len(self.files):
            raise ValueError("two files have the same name")
        return self


class Source(Strict):
    """Where the raw rows come from: exactly one of the five."""

    package: Literal["palmerpenguins"] | None = None
    csv: str | None = None
    parquet: str | None = None
    sql: Sql | None = None
    web: Web | None = None
    separator: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        kinds = ("package", "csv", "parquet", "sql", "web")
        given = [name for name in kinds if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                f"names {' and '.join(given) or 'no source'}; give exactly one of "
                f"{', '.join(kinds)}"
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


class Cost(Strict):
    """What a wrong answer costs; only their ratio counts."""

    false_positive: FiniteFloat = Field(gt=0)
    false_negative: FiniteFloat = Field(gt=0)


class Threshold(Strict):
    """From which probability on the second class is said: exactly one rule."""

    maximize: Literal["f1", "balanced_accuracy", "accuracy"] | None = None
    cost: Cost | None = None
    minimum_recall: float | None = Field(
        default=None, gt=0, le=1, description="With as few false alarms as this allows."
    )

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("give exactly one of maximize, cost, minimum_recall")
        return self


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
    above_max_rows: Literal["sample", "skip"] = "sample"
