"""Reads a request of the open inference protocol: a tensor per feature, a row per customer.

What a value may be is not decided here: each row becomes the JSON object that `POST /predict` would
be sent, and is read by the same catalogue.
"""

from typing import Any

import msgspec

from churn_platform.published.format import PublishedFeature
from serving.errors import MalformedRequest
from serving.request.subject import read_object

BYTES, BOOL, INTEGER, NUMBER = "BYTES", "BOOL", "INT64", "FP64"
VALUES: dict[str, tuple[type, ...]] = {
    BYTES: (str,),
    BOOL: (bool,),
    **dict.fromkeys(("INT8", "INT16", "INT32", INTEGER), (int,)),
    **dict.fromkeys(("UINT8", "UINT16", "UINT32", "UINT64"), (int,)),
    # A client may write the number 3.0 as 3.
    **dict.fromkeys(("FP16", "FP32", NUMBER), (float, int)),
}
"""What JSON has for each datatype of the protocol, beside null for a missing value."""

# In double precision: a bound such as 0.1 is another number in single precision, and out of range.
DATATYPES = {"category": BYTES, "boolean": BOOL, "integer": INTEGER, "number": NUMBER}
TEXT = (None, "str")  # how a BYTES tensor may be said to hold its texts
SHOWN = 80


class Tensor(msgspec.Struct):
    """One input: the values of one feature, or the customers' ids."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] | None = None


class Wanted(msgspec.Struct):
    """An output that the request asks for."""

    name: str


class Inference(msgspec.Struct):
    """A request; what is not listed here is left unread, as the protocol wants of extensions."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Wanted] | None = None


def read_inference(body: bytes) -> tuple[Inference, list[bytes]]:
    """The request, and the JSON of each customer; MalformedRequest that names the input at
    fault.
    """
    given = read_object(body)
    try:
        asked = msgspec.convert(given, Inference)
    except msgspec.ValidationError as error:
        raise MalformedRequest(f"the body is no inference request: {error}") from error
    columns: dict[str, list[Any]] = {}
    for tensor in asked.inputs:
        if tensor.name in columns:
            raise MalformedRequest(f"input {_shown(tensor.name)} is there twice; send it once")
        columns[tensor.name] = _values(tensor)
    _check_rows(asked.inputs, columns)
    rows = zip(*columns.values(), strict=True)
    return asked, [msgspec.json.encode(dict(zip(columns, row, strict=True))) for row in rows]


def datatype_of(feature: PublishedFeature) -> str:
    """The datatype that a feature is documented with."""
    return DATATYPES[feature.type]


def _values(tensor: Tensor) -> list[Any]:
    """A value per row, each of the datatype; MalformedRequest."""
    at = f"input {_shown(tensor.name)}"
    allowed = VALUES.get(tensor.datatype)
    if allowed is None:
        raise MalformedRequest(
            f"{at}: datatype {_shown(tensor.datatype)}; one of {', '.join(VALUES)} is taken"
        )
    if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ([], [1]):
        raise MalformedRequest(
            f"{at}: shape {_shown(tensor.shape)}; [n] or [n, 1] is taken, a row per customer"
        )
    content = (tensor.parameters or {}).get("content_type")
    if tensor.datatype == BYTES and content not in TEXT:
        raise MalformedRequest(f"{at}: content_type {_shown(content)}; send texts, as 'str'")
    values = _flat(tensor)
    if len(values) != tensor.shape[0]:
        raise MalformedRequest(
            f"{at}: {len(values)} values in data, its shape {tensor.shape} says {tensor.shape[0]}"
        )
    for row, value in enumerate(values):
        if value is not None and value.__class__ not in allowed:
            kind = value.__class__.__name__
            raise MalformedRequest(f"{at}, row {row}: {kind} in a tensor of {tensor.datatype}")
    return values


def _flat(tensor: Tensor) -> list[Any]:
    """The data in one list: the protocol lets a client nest them by the shape."""
    if not any(value.__class__ is list for value in tensor.data):
        return tensor.data
    for row, value in enumerate(tensor.data):
        if value.__class__ is not list or len(value) != 1 or len(tensor.shape) == 1:
            raise MalformedRequest(
                f"input {_shown(tensor.name)}, row {row}: not nested as its shape {tensor.shape}"
            )
    return [value for (value,) in tensor.data]


def _check_rows(inputs: list[Tensor], columns: dict[str, list[Any]]) -> None:
    """MalformedRequest unless every input has the same number of rows, at least one."""
    if not inputs:
        raise MalformedRequest("inputs: at least one is needed, such as 'customer_id'")
    first = inputs[0]
    rows = len(columns[first.name])
    for tensor in inputs:
        if not tensor.shape[0]:
            raise MalformedRequest(f"input {_shown(tensor.name)}: no row; send at least one")
        if tensor.shape[0] != rows:
            raise MalformedRequest(
                f"input {_shown(tensor.name)}: shape {tensor.shape}, "
                f"but {_shown(first.name)} has {rows} rows"
            )


def _shown(value: object) -> str:
    return repr(value)[:SHOWN]
