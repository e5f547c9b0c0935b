"""Tensors of the Open Inference Protocol, as JSON and as bytes.

Source: the protocol's REST specification and its binary tensor extension. A value `null` in JSON
data is beyond it, and means a missing one.
"""

import struct
from collections.abc import Sequence
from math import prod
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field, StrictInt

from rookery.core.records import FieldType
from rookery.serving.problems import Problem
from rookery.serving.protocols.rows import place_of, refused, shown, unparsable

Datatype = Literal[
    "BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
    "FP16", "FP32", "FP64", "BYTES",
]  # fmt: skip
LAYOUTS = {"BOOL": "u1"} | {
    f"{kind}{8 * size}": f"<{code}{size}"
    for kind, code, sizes in (("INT", "i", "1248"), ("UINT", "u", "1248"), ("FP", "f", "248"))
    for size in map(int, sizes)
}
DATATYPES: dict[FieldType, Datatype] = {
    "float": "FP64",
    "integer": "INT64",
    "boolean": "BOOL",
    "category": "BYTES",
    "text": "BYTES",
    "date": "BYTES",
}


class Tensor(BaseModel):
    """One input of a request."""

    name: str
    shape: list[StrictInt] = Field(min_length=1, max_length=2)
    datatype: Datatype
    parameters: dict[str, Any] = {}
    data: Any = None

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def width(self) -> int:
        return self.shape[1] if len(self.shape) == 2 else 1


class Binary:
    """The bytes after the JSON of a request, taken tensor by tensor."""

    def __init__(self, data: memoryview) -> None:
        self.left = data

    def take(self, size: Any, name: str) -> memoryview:
        """The next `size` bytes.

        Raises:
            Problem: 400 where there are fewer, 422 where the size is none.
        """
        if type(size) is not int or size < 0:
            raise refused(name, size, "how many bytes hold the tensor, as binary_data_size")
        if size > len(self.left):
            message = f"{shown(name)} has {size} bytes, {len(self.left)} are left in the body"
            raise unparsable(message, "as many bytes as the tensors' binary_data_size say")
        taken, self.left = self.left[:size], self.left[size:]
        return taken


def decode(tensor: Tensor, binary: Binary) -> list[Any]:
    """The values of a tensor in row-major order; its shape must have been checked.

    Raises:
        Problem: 400 or 422.
    """
    count = prod(tensor.shape)
    if "binary_data_size" not in tensor.parameters:
        return _from_json(tensor, count)
    if tensor.data is not None:
        raise refused(tensor.name, "data and binary_data_size", "one of the two")
    raw = binary.take(tensor.parameters["binary_data_size"], tensor.name)
    return (
        _from_elements(tensor, raw, count)
        if tensor.datatype == "BYTES"
        else _from_numbers(tensor, raw, count)
    )


def encode(values: Sequence[Any], datatype: Datatype) -> bytes:
    """Values in row-major order as the binary extension has them."""
    if datatype != "BYTES":
        return np.asarray(values, LAYOUTS[datatype]).tobytes()
    texts = [value.encode() for value in values]
    return b"".join([part for text in texts for part in (struct.pack("<I", len(text)), text)])


def datatype_of(labels: Sequence[Any]) -> Datatype:
    """The datatype that holds labels or predictions."""
    kinds: dict[type, Datatype] = {bool: "BOOL", int: "INT64", str: "BYTES"}
    return kinds.get(type(labels[0]), "FP64") if labels else "FP64"


def _from_json(tensor: Tensor, count: int) -> list[Any]:
    values = _flat(tensor)
    if len(values) != count:
        raise _wrong_size(tensor, f"{len(values)} values", f"{count} values")
    texts = {"BOOL": bool, "BYTES": str}
    kinds: set[type] = {texts.get(tensor.datatype, int)}
    kinds |= {float} if tensor.datatype.startswith("FP") else set()
    if not set(map(type, values)) <= kinds | {type(None)}:
        wrong = (type(value) not in kinds and value is not None for value in values)
        raise _wrong_value(tensor, values, list(wrong).index(True))
    if kinds == {int}:
        _check_range(tensor, values)
    return values


def _flat(tensor: Tensor) -> list[Any]:
    """Data as one list: the protocol lets it be nested as its shape is."""
    data = tensor.data
    if not isinstance(data, list):
        raise refused(tensor.name, data, "a tensor with data or with binary_data_size")
    if len(tensor.shape) == 1 or not any(isinstance(row, list) for row in data):
        return data
    if any(not isinstance(row, list) or len(row) != tensor.width for row in data):
        raise _wrong_size(tensor, "rows of other lengths", f"{tensor.width} values a row")
    return [value for row in data for value in row]


def _check_range(tensor: Tensor, values: list[Any]) -> None:
    limits = np.iinfo(LAYOUTS[tensor.datatype])
    low, high = int(limits.min), int(limits.max)
    for place, value in enumerate(values):
        if value is not None and not low <= value <= high:
            raise _wrong_value(tensor, values, place)


def _from_numbers(tensor: Tensor, raw: memoryview, count: int) -> list[Any]:
    layout = np.dtype(LAYOUTS[tensor.datatype])
    if len(raw) != count * layout.itemsize:
        raise _wrong_size(tensor, f"{len(raw)} bytes", f"{count * layout.itemsize} bytes")
    values: list[Any] = np.frombuffer(raw, layout).tolist()
    if tensor.datatype != "BOOL":
        return values
    if values and max(values) > 1:
        raise _wrong_value(tensor, values, next(i for i, value in enumerate(values) if value > 1))
    return list(map(bool, values))


def _from_elements(tensor: Tensor, raw: memoryview, count: int) -> list[Any]:
    """Texts, each behind its length in four bytes."""
    values: list[bytes] = []
    data, start = bytes(raw), 0
    while start + 4 <= len(data) and len(values) < count:
        end = start + 4 + int.from_bytes(data[start : start + 4], "little")
        values.append(data[start + 4 : end])
        start = end
    if start != len(data) or len(values) != count:
        what = f"{len(values)} whole elements and {len(data) - start} bytes"
        raise _wrong_size(tensor, what, f"{count} elements, each behind its length")
    try:
        texts = {value: value.decode() for value in set(values)}
    except UnicodeDecodeError as error:
        raise _wrong_value(tensor, values, values.index(error.object)) from None
    return [texts[value] for value in values]


def _wrong_size(tensor: Tensor, what: str, expected: str) -> Problem:
    return refused(tensor.name, what, f"{expected}, for the shape {tensor.shape}")


def _wrong_value(tensor: Tensor, values: Sequence[Any], place: int) -> Problem:
    named = place_of(tensor.name, place // tensor.width, tensor.rows)
    return refused(named, values[place], f"a value of {tensor.datatype}, in UTF-8 where it is text")
