"""Records: what a prediction is asked with, typed by the model's signature and its task."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
)

from rookery.core.located import brief
from rookery.core.values import LARGEST_WHOLE, as_whole, read_date

SLICE = 50  # records
ENOUGH_FAULTS = 100
FieldType = Literal["float", "integer", "category", "text", "boolean", "date"]
Row = tuple[Any, ...]  # the values of a record in the order of the fields, None where missing


def _as_date(value: Any) -> datetime:
    """As cleaning reads it; pydantic itself would take a number for seconds since 1970."""
    text = value.isoformat() if isinstance(value, date) else value
    found = read_date(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("not a date in ISO 8601 form")
    return found


def _as_text(value: str) -> str:
    value.encode()  # half of a surrogate pair can come in JSON: UnicodeError is a ValueError
    return value


PYTHON: dict[str, Any] = {
    "float": float,
    "integer": int,
    "boolean": bool,
    "text": Annotated[str, AfterValidator(_as_text)],
    "category": Annotated[str, AfterValidator(_as_text)],
    "date": Annotated[datetime, BeforeValidator(_as_date)],
}


@dataclass(frozen=True)
class RecordField:
    """One input of a model."""

    name: str
    type: FieldType
    required: bool = True
    values: tuple[str, ...] | None = None
    range: tuple[float, float] | None = None
    unit: str | None = None
    description: str = ""
    example: Any = None


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one field of one record."""

    field: str
    value: Any
    allowed: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "field": self.field,
            "value": self.value,
            "allowed": self.allowed,
            "message": self.message,
        }


class InvalidRecords(ValueError):
    """Records that the model cannot be asked with, and what is wrong.

    `complete` is false where records were left unread, because enough was wrong already.
    """

    def __init__(self, faults: list[Fault], *, complete: bool = True) -> None:
        super().__init__("; ".join(fault.message for fault in faults[:3]))
        self.faults = faults
        self.complete = complete


class RecordReader:
    """Validates the records of one model and turns them into rows of plain values.

    `ignored` are columns of the task that the model does not use: a raw row may carry them.
    `strict` refuses text where a number belongs; otherwise numeric text is converted.
    """

    def __init__(
        self, fields: Sequence[RecordField], *, ignored: Sequence[str] = (), strict: bool = True
    ) -> None:
        self.fields = tuple(fields)
        self.ignored = tuple(ignored)
        self.model = _record_model(self.fields, self.ignored, strict=strict)
        self._many = TypeAdapter(list[self.model])  # type: ignore[name-defined]
        self._one = self.model.__pydantic_validator__
        self._row = _values_of([f"f{index}" for index in range(len(self.fields))])
        self._rest = _values_of([f"x{index}" for index in range(len(self.ignored))])

    def schema(self) -> dict[str, Any]:
        """JSON Schema of one record."""
        return self.model.model_json_schema(by_alias=True)

    def row(self, body: bytes) -> Row | None:
        """The row of a valid record in JSON, quickly; None where it has to be looked at closely."""
        try:
            record = self._one.validate_json(body)
        except ValueError:
            return None
        for value in self._rest(record):
            if type(value) is float and not math.isfinite(value):
                return None
        return self._row(record)

    def rows(self, records: Sequence[Any]) -> list[Row]:
        """One row a record.

        Raises:
            InvalidRecords: with every fault of the records up to where there are ENOUGH_FAULTS.
        """
        return list(map(self._row, self._validated(records)))

    def _validated(self, records: Sequence[Any]) -> list[Any]:
        """Slice by slice: a fault for every cell of a large request would cost far more than it."""
        valid: list[Any] = []
        faults: list[Fault] = []
        for start in range(0, len(records), SLICE):
            try:
                valid += self._many.validate_python(list(records[start : start + SLICE]))
            except ValidationError as error:
                found = error.errors(include_url=False)
                faults += [self._fault(item, len(records), start) for item in found]
            if len(faults) >= ENOUGH_FAULTS and start + SLICE < len(records):
                raise InvalidRecords(faults, complete=False)
        if faults:
            raise InvalidRecords(faults)
        return valid

    def _fault(self, found: Any, count: int, start: int) -> Fault:
        row, *path = found["loc"]
        row += start
        name = str(path[0]) if path else "record"
        place = name if count == 1 else f"{row}.{name}"
        field = next((field for field in self.fields if field.name == name), None)
        value = found["input"]
        if found["type"] == "missing":
            value = None
        allowed = _allowed(field) if field else f"the fields {brief(f.name for f in self.fields)}"
        return Fault(place, _jsonable(value), allowed, _message(place, found, value, allowed))


def _record_model(
    fields: Sequence[RecordField], ignored: Sequence[str], *, strict: bool
) -> type[BaseModel]:
    definitions: dict[str, Any] = {
        f"f{index}": _definition(field) for index, field in enumerate(fields)
    }
    for index, name in enumerate(ignored):
        text = "Not used by the model; accepted so that a raw row can be sent as it is."
        definitions[f"x{index}"] = (Any, Field(default=None, alias=name, description=text))
    config = ConfigDict(extra="forbid", strict=strict, frozen=True)
    return create_model("Record", __config__=config, **definitions)


def _definition(field: RecordField) -> tuple[Any, Any]:
    bounds: dict[str, Any] = {}
    if field.range:
        bounds = {"ge": field.range[0], "le": field.range[1]}
    if field.type == "float":
        bounds["allow_inf_nan"] = False
    if field.type == "integer":
        low, high = field.range or (-LARGEST_WHOLE, LARGEST_WHOLE)
        bounds = {
            "ge": math.ceil(max(low, -LARGEST_WHOLE)),
            "le": math.floor(min(high, LARGEST_WHOLE)),
        }
    python = Literal[field.values] if field.values else PYTHON[field.type]
    extra = {"unit": field.unit} if field.unit else None
    unit = f" [{field.unit}]" if field.unit else ""
    info: dict[str, Any] = {
        "alias": field.name,
        "description": f"{field.description}{unit}".strip() or None,
        "json_schema_extra": extra,
        "examples": [field.example] if field.example is not None else None,
    }
    checked: Any = Annotated[python, Field(**bounds)]
    if field.type == "integer":
        checked = Annotated[checked, BeforeValidator(as_whole)]
    if field.required:
        return checked, Field(**info)
    return checked | None, Field(default=None, **info)


def _values_of(names: Sequence[str]) -> Callable[[Any], Row]:
    if not names:
        return lambda _: ()
    values = attrgetter(*names)
    return values if len(names) > 1 else lambda record: (values(record),)


def _allowed(field: RecordField) -> str:
    unit = f" {field.unit}" if field.unit else ""
    words = {
        "float": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
        "date": "a date in ISO 8601 form",
        "text": "text",
        "category": "text",
    }
    text = words[field.type]
    if field.values:
        text = f"one of {', '.join(field.values)}"
    if field.range:
        text = f"{text} from {field.range[0]:g} to {field.range[1]:g}{unit}"
    return text if field.required else f"{text}, or nothing"


def _message(place: str, found: Any, value: Any, allowed: str) -> str:
    if found["type"] == "missing":
        return f"{place} is missing; allowed: {allowed}"
    if found["type"] == "extra_forbidden":
        return f"{place} is not a field of this model; allowed: {allowed}"
    return f"{place}: {_jsonable(value)!r} is not allowed; allowed: {allowed}"


def _jsonable(value: Any) -> Any:
    """A value that can go back in JSON, cut to what a message can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or abs(value) < 2**63 else str(value)[:40]
    # half of a surrogate pair can be read from JSON, but not written as UTF-8
    text = str(value).encode(errors="replace").decode()
    return text if len(text) <= 80 else f"{text[:80]}…"
