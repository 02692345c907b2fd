"""JSON schemas of the open inference protocol's requests and errors.

The protocol has one schema for all models; which inputs a portfolio takes is what
`GET /v2/models/{portfolio}` tells.
"""

from typing import Any

from serving.http.problems import PROTOCOL
from serving.registry import ServedPortfolio
from serving.request.tensors import VALUES, datatype_of
from serving.settings import ServiceSettings

Schema = dict[str, Any]

REQUEST, ERROR = "InferenceRequest", "InferenceError"
INFER_PATHS = (
    f"{PROTOCOL}/models/{{portfolio}}/infer",
    f"{PROTOCOL}/models/{{portfolio}}/versions/{{version}}/infer",
)
INFERENCE_ERROR: Schema = {
    "title": ERROR,
    "description": "What went wrong, in the form of the open inference protocol.",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "string",
            "description": "What is wrong here, with the input and the row at fault.",
        }
    },
}


def inference_request(settings: ServiceSettings) -> Schema:
    """What may be sent to be scored."""
    return {
        "title": REQUEST,
        "type": "object",
        "description": (
            "A tensor per feature, with a row per customer. Names and datatypes are those of "
            "`GET /v2/models/{portfolio}`; a feature that is left out is looked up by "
            "`customer_id`. Each tensor has as many values as its shape says, and all have the "
            "same number of rows."
        ),
        "required": ["inputs"],
        "properties": {
            "id": {"type": ["string", "null"], "description": "Comes back in the answer."},
            "inputs": {
                "type": "array",
                "minItems": 1,
                "description": "A tensor per feature, each name once.",
                "items": _tensor(settings),
            },
            "outputs": {
                "type": ["array", "null"],
                "description": "Those to answer, by name; all where it is left out.",
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"type": "string", "description": "Its name."}},
                },
            },
        },
    }


def _tensor(settings: ServiceSettings) -> Schema:
    rows = {"type": "integer", "minimum": 1, "maximum": settings.batch_max}
    return {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string", "description": "A feature, or the customer id."},
            "shape": {
                "type": "array",
                "minItems": 1,
                "maxItems": 2,
                "items": rows,
                "description": "[n] or [n, 1] for n customers.",
            },
            "datatype": {
                "type": "string",
                "enum": list(VALUES),
                "description": "Type of the values.",
            },
            "data": {
                "type": "array",
                "minItems": 1,
                "description": "A value per row, null for a missing one; may be nested by shape.",
                "items": {},
            },
            "parameters": {
                "type": ["object", "null"],
                "description": "`content_type` of texts is `str`.",
            },
        },
    }


def inference_example(portfolio: ServedPortfolio) -> dict[str, Any]:
    """A typical customer of a portfolio, as a request."""
    catalogue = portfolio.traffic.champion.model.catalogue
    inputs = []
    for feature, value in zip(catalogue.features, catalogue.example().values(), strict=True):
        inputs.append(
            {
                "name": feature.name,
                "shape": [1],
                "datatype": datatype_of(feature),
                "data": [value],
            }
        )
    return {"inputs": inputs}
