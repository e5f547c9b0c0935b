"""The sections of a task file, each checked by itself."""

from datetime import datetime
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


class Batches(Strict):
    """Rows that arrive in batches: from an HTTP service, or as the files of a folder by name.

    Without a folder it is the service at `url`, or at `SOURCE_BATCHES_URL`.
    """

    folder: str | None = None
    pattern: str = "*.csv"
    url: str | None = Field(default=None, pattern=r"^https?://[^@\s]+$")
    group: int = Field(default=1, ge=0, description="Whose place in the stream it is.")
    day: str | None = None
    columns: tuple[str, ...] = Field(
        default=(), description="Their order, where rows come as lists; else that of the task."
    )
    wait_seconds: float = Field(default=60.0, gt=0, description="Without a byte, then again.")
    attempts: int = Field(default=5, ge=1, le=100)

    @model_validator(mode="after")
    def one_kind(self) -> Self:
        if self.folder and self.url:
            raise ValueError("names a folder and a url; give one of them")
        return self


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
    """Where the raw rows come from: exactly one of the six."""

    package: Literal["palmerpenguins"] | None = None
    csv: str | None = None
    parquet: str | None = None
    sql: Sql | None = None
    batches: Batches | None = None
    web: Web | None = None
    separator: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        kinds = ("package", "csv", "parquet", "sql", "web", "batches")
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
    source_name: str | None = Field(
        default=None, description="What the source calls it, where that is another name."
    )
    missing: tuple[str, ...] = ()
    strip: tuple[str, ...] = Field(
        default=(), description="Texts dropped at both ends of a value: a currency, quotes."
    )
    replace: dict[str, str] = {}
    decimal: Literal[".", ","] = Field(default=".", description="The mark of numbers as text.")
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        default=None, description="The mark between groups of three digits."
    )
    format: str | None = Field(
        default=None, description="How a date is written, in strptime's codes; ISO 8601 without."
    )

    @property
    def number_marks(self) -> tuple[str, str | None]:
        """The marks of decimals and of thousands."""
        return self.decimal, self.thousands

    @model_validator(mode="after")
    def written_as_its_type(self) -> Self:
        if (self.decimal != "." or self.thousands) and self.type not in ("float", "integer"):
            raise ValueError(f"decimal and thousands are for float and integer, not {self.type}")
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        if self.format is not None and self.type != "date":
            raise ValueError(f"format is for date, not for {self.type}")
        if self.format is not None and not _reads_back(self.format):
            raise ValueError(f"format {self.format!r} has no day, month and year of strptime")
        if "" in self.strip:
            raise ValueError("strip has an empty text")
        return self

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


def _reads_back(form: str) -> bool:
    day = datetime(1999, 11, 22)
    try:
        return datetime.strptime(day.strftime(form), form).date() == day.date()
    except ValueError:
        return False


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
    proof: Literal["superior", "non_inferior"] | None = Field(
        default=None, description="What a paired bootstrap must say of the task's metric."
    )
    margin: float = Field(default=0.0, ge=0, description="How much worse is not inferior yet.")
    segments: dict[str, Annotated[FiniteFloat, Field(ge=0)]] = Field(
        default={}, description="By column: how much worse the metric may get in any segment."
    )
    change: dict[str, FiniteFloat] = Field(
        default={}, description="By metric: its change as a share of production's, at the worst."
    )

    @model_validator(mode="after")
    def margin_of_something(self) -> Self:
        if self.margin and self.proof != "non_inferior":
            raise ValueError("margin belongs to proof: non_inferior")
        return self


Share = Annotated[float, Field(ge=0, le=1)]


class Drift(Strict):
    """From which size on a difference between new rows and those learned from counts as drift.

    A size that is left empty (`null`) is not looked at.
    """

    numbers: Share | None = Field(default=0.2, description="Kolmogorov-Smirnov distance.")
    categories: Share | None = Field(default=0.2, description="Total variation distance.")
    new_categories: Share | None = Field(default=0.05, description="Share of rows with one.")
    missing: Share | None = Field(default=0.2, description="Difference of the missing shares.")
    volume: Share = Field(
        default=0.05, description="Fewer new rows than that share decide nothing."
    )
    significance: Share = Field(default=0.01, description="p-value below which a test counts.")


class Retrain(Strict):
    """When a batch is a reason to train again."""

    unseen: Share = Field(default=0.6, description="Share of rows that no version has seen.")
    drift: Drift | None = Drift()


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
